using System.Numerics;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// Small lit scenes, drawn from a seed: one of six figures on a shaded ground with its shadow, stripes, checkers, a landscape, or
/// two figures of which one hides part of the other. Ten classes of equal weight, many colours, places, sizes and turns:
/// many modes, so that a sampler that averages over them (few steps, no distillation) visibly blurs.
/// </summary>
/// <remarks>
/// Image i depends on the seed and i alone. A scene is drawn on 64 x 64 points and averaged down to the resolution: the same
/// seed gives the same scenes at 16 x 16 and 32 x 32.
/// </remarks>
internal static class BuiltInDataset
{
    public const int DefaultCount = 8192, DefaultResolution = 16;

    private const int Points = 64;
    private const uint Stream = 0xDA7A0003;

    // Random numbers of one image: far fewer are used.
    private const ulong BlocksPerImage = 32;

    private static readonly string[] Classes =
        ["ball", "ring", "box", "triangle", "star", "flower", "stripes", "checkers", "landscape", "pair"];

    public static Dataset Create(DatasetOptions options)
    {
        int side = options.Resolution == 0 ? DefaultResolution : options.Resolution;
        int count = options.Limit == 0 ? DefaultCount : options.Limit;
        if (side is < 4 or > Points || Points % side != 0)
            throw new UsageException($"the built-in dataset comes at 4, 8, 16, 32 and 64 rows, not {side}");
        // All are drawn beforehand.
        int most = Array.MaxLength / (side * side * 3);
        if (count > most)
            throw new UsageException(
                $"the built-in dataset has at most {most} images of {side} x {side}, not {count}; give a smaller --limit");
        var images = new float[count * side * side * 3];
        var labels = new int[count];
        Parallel.For(0, count, i => labels[i] = Render(options.Seed, i, side, images.AsSpan(i * side * side * 3, side * side * 3)));
        return new Dataset($"built-in scenes, seed {options.Seed}", side, side, 3, images, labels, Classes);
    }

    /// <summary>Draws one image, HWC in [-1,1]; returns its class.</summary>
    private static int Render(ulong seed, int index, int side, Span<float> image)
    {
        var random = new Draw(new RandomKey(seed, Stream, (ulong)index * BlocksPerImage));
        int label = random.Below(Classes.Length);
        Func<Vector2, Vector3> scene = Classes[label] switch
        {
            "stripes" => Stripes(ref random),
            "checkers" => Checkers(ref random),
            "landscape" => Landscape(ref random),
            "pair" => Still(ref random, Pair(ref random)),
            _ => Still(ref random, [Single(ref random, (ShapeKind)label)]),
        };

        int perPixel = Points / side;
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                var sum = Vector3.Zero;
                for (int j = 0; j < perPixel; j++)
                {
                    for (int i = 0; i < perPixel; i++)
                        sum += scene(new Vector2(x * perPixel + i + 0.5f, y * perPixel + j + 0.5f) * (2f / Points) - Vector2.One);
                }
                var colour = sum * (2f / (perPixel * perPixel)) - Vector3.One;
                colour.CopyTo(image[((y * side + x) * 3)..]);
            }
        }
        return label;
    }

    private static Figure Single(ref Draw random, ShapeKind kind)
    {
        float size = random.Between(0.55f, 0.82f);
        var centre = new Vector2(random.Between(-1, 1), random.Between(-1, 1)) * (0.98f - size);
        return new Figure(kind, centre, size, Turn(ref random, kind), Vivid(random.Next(), ref random));
    }

    // The nearer figure last; far enough apart that both are seen, near enough that they touch.
    private static Figure[] Pair(ref Draw random)
    {
        float angle = random.Between(0, 2 * MathF.PI), apart = random.Between(0.3f, 0.42f), hue = random.Next();
        var offset = new Vector2(MathF.Cos(angle), MathF.Sin(angle)) * apart;
        var (far, near) = ((ShapeKind)random.Below(6), (ShapeKind)random.Below(6));
        return
        [
            new Figure(far, -offset, random.Between(0.45f, 0.58f), Turn(ref random, far), Vivid(hue, ref random)),
            new Figure(near, offset, random.Between(0.4f, 0.52f), Turn(ref random, near),
                Vivid(hue + random.Between(0.25f, 0.75f), ref random)),
        ];
    }

    private static float Turn(ref Draw random, ShapeKind kind) =>
        kind is ShapeKind.Ball or ShapeKind.Ring ? 0 : random.Between(-MathF.PI, MathF.PI);

    /// <summary>Figures on a ground that is lighter above, each with a soft shadow to the lower right on all behind it.</summary>
    private static Func<Vector2, Vector3> Still(ref Draw random, Figure[] figures)
    {
        float hue = random.Next(), saturation = random.Between(0.15f, 0.55f), value = random.Between(0.35f, 0.95f);
        var top = Hsv(hue, saturation, value);
        var bottom = Hsv(hue + random.Between(-0.1f, 0.1f), saturation, value * 0.6f);
        return p =>
        {
            var colour = Vector3.Lerp(top, bottom, (p.Y + 1) / 2);
            foreach (var figure in figures)
            {
                if (figure.Distance(p) <= 0)
                    colour = figure.Shade(p);
                else
                    colour *= 1 - 0.5f * Smooth(0.25f, -0.1f, figure.Distance(p - new Vector2(0.14f, 0.18f)));
            }
            return colour;
        };
    }

    private static Func<Vector2, Vector3> Stripes(ref Draw random)
    {
        float angle = random.Between(0, MathF.PI), frequency = random.Between(0.7f, 1.7f), phase = random.Next(), hue = random.Next();
        var (a, b) = (Vivid(hue, ref random), Soft(hue + random.Between(0.3f, 0.7f), ref random));
        var direction = new Vector2(MathF.Cos(angle), MathF.Sin(angle));
        return p => Fraction(Vector2.Dot(p, direction) * frequency + phase) < 0.5f ? a : b;
    }

    private static Func<Vector2, Vector3> Checkers(ref Draw random)
    {
        float angle = random.Between(0, MathF.PI / 2), frequency = random.Between(0.6f, 1.2f), u = random.Next(), v = random.Next(),
            hue = random.Next();
        var (a, b) = (Vivid(hue, ref random), Soft(hue + random.Between(0.3f, 0.7f), ref random));
        var (sin, cos) = MathF.SinCos(angle);
        return p => Fraction((cos * p.X + sin * p.Y) * frequency + u) < 0.5f ^ Fraction((cos * p.Y - sin * p.X) * frequency + v) < 0.5f ? a
            : b;
    }

    /// <summary>A sky that fades to the horizon, a sun, two ranges of hills.</summary>
    private static Func<Vector2, Vector3> Landscape(ref Draw random)
    {
        bool dusk = random.Next() < 0.5f;
        var zenith = dusk ? Hsv(random.Between(0.68f, 0.8f), 0.65f, random.Between(0.35f, 0.55f))
            : Hsv(random.Between(0.54f, 0.62f), 0.7f, random.Between(0.8f, 0.95f));
        var horizon = dusk ? Hsv(random.Between(0.02f, 0.1f), 0.75f, 1) : Hsv(random.Between(0.5f, 0.58f), 0.18f, 1);
        var sun = new Vector2(random.Between(-0.7f, 0.7f), random.Between(-0.7f, 0));
        float radius = random.Between(0.16f, 0.28f);
        var sunColour = dusk ? new Vector3(1, 0.9f, 0.55f) : new Vector3(1, 0.97f, 0.8f);
        float green = random.Between(0.22f, 0.42f);
        var (far, near) = (Hsv(green + 0.08f, 0.35f, dusk ? 0.35f : 0.6f), Hsv(green, 0.65f, dusk ? 0.22f : 0.42f));
        float level = random.Between(0.1f, 0.35f), phase = random.Between(0, 6.28f), phase2 = random.Between(0, 6.28f),
            wave = random.Between(1.5f, 3);
        return p =>
        {
            if (p.Y > level + 0.35f + 0.12f * MathF.Sin(wave * 1.3f * p.X + phase2))
                return near;
            if (p.Y > level + 0.16f * MathF.Sin(wave * p.X + phase))
                return far;
            float distance = (p - sun).Length();
            var sky = Vector3.Lerp(zenith, horizon, Smooth(-1, level + 0.2f, p.Y));
            return distance < radius ? sunColour : Vector3.Lerp(sky, sunColour, 0.45f * Smooth(radius * 2.6f, radius, distance));
        };
    }

    private static Vector3 Vivid(float hue, ref Draw random) => Hsv(hue, random.Between(0.7f, 0.95f), random.Between(0.8f, 1));

    private static Vector3 Soft(float hue, ref Draw random) => Hsv(hue, random.Between(0.1f, 0.45f), random.Between(0.75f, 1));

    private static float Fraction(float x) => x - MathF.Floor(x);

    // 0 at a, 1 at b, smooth between and constant outside; a may be the larger.
    private static float Smooth(float a, float b, float x)
    {
        float t = Math.Clamp((x - a) / (b - a), 0, 1);
        return t * t * (3 - 2 * t);
    }

    /// <summary>Hue (a turn is 1; any real), saturation and value in [0,1] to RGB.</summary>
    private static Vector3 Hsv(float hue, float saturation, float value)
    {
        var offsets = new Vector3(0, 2 / 3f, 1 / 3f);
        Vector3 rgb = default;
        for (int c = 0; c < 3; c++)
            rgb[c] = value * (1 - saturation + saturation * Math.Clamp(MathF.Abs(6 * Fraction(hue + offsets[c]) - 3) - 1, 0, 1));
        return rgb;
    }

    /// <summary>Uniform numbers of one image, in order.</summary>
    private struct Draw(RandomKey key)
    {
        private long _next;

        public float Next() => Philox.Uniform(key, _next++);

        public float Between(float low, float high) => low + (high - low) * Next();

        public int Below(int count) => Math.Min((int)(Next() * count), count - 1);
    }
}
