using System.Numerics;

namespace BDense.Training.Data;

/// <summary>The figures of the built-in dataset.</summary>
internal enum ShapeKind
{
    Ball,
    Ring,
    Box,
    Triangle,
    Star,
    Flower,
}

/// <summary>A figure in the plane: x to the right, y down, the image is [-1,1] x [-1,1].</summary>
/// <param name="Kind">Which.</param>
/// <param name="Centre">Where.</param>
/// <param name="Size">Radius of the circle around it.</param>
/// <param name="Angle">Rotation, radians.</param>
/// <param name="Colour">RGB, 0 to 1.</param>
internal sealed record Figure(ShapeKind Kind, Vector2 Centre, float Size, float Angle, Vector3 Colour)
{
    // From the upper left, towards the viewer.
    private static readonly Vector3 Light = Vector3.Normalize(new Vector3(-0.5f, -0.65f, 0.6f));

    private readonly (float Sin, float Cos) _rotation = MathF.SinCos(Angle);

    /// <summary>
    /// Signed distance to the outline in units of <see cref="Size"/>, negative inside (for star and flower: radial, an approximation).
    /// </summary>
    public float Distance(Vector2 point)
    {
        var p = Local(point);
        float r = p.Length();
        switch (Kind)
        {
            case ShapeKind.Ball:
                return r - 1;
            case ShapeKind.Ring:
                return MathF.Abs(r - RingRadius) - RingWidth;
            case ShapeKind.Box:
                const float Half = 0.62f, Corner = 0.16f;
                var q = Vector2.Abs(p) - new Vector2(Half);
                return Vector2.Max(q, Vector2.Zero).Length() + MathF.Min(MathF.Max(q.X, q.Y), 0) - Corner;
            case ShapeKind.Triangle:
                // Three half-planes at 120 degrees, half as far from the centre as the corners.
                return MathF.Max(p.Y, MathF.Max(-0.8660254f * p.X - 0.5f * p.Y, 0.8660254f * p.X - 0.5f * p.Y)) - 0.5f;
            case ShapeKind.Star:
                return (r - StarRadius(MathF.Atan2(p.X, -p.Y))) * 0.7f;
            default:
                return (r - (0.76f + 0.24f * MathF.Cos(5 * MathF.Atan2(p.X, -p.Y)))) * 0.8f;
        }
    }

    /// <summary>
    /// Colour at a point inside, lit from the upper left; ball and ring are round, the others flat with a soft fall of light.
    /// </summary>
    public Vector3 Shade(Vector2 point)
    {
        var q = (point - Centre) / Size;
        float r = q.Length();
        switch (Kind)
        {
            case ShapeKind.Ball:
                return Lit(new Vector3(q, MathF.Sqrt(MathF.Max(0, 1 - r * r))));
            case ShapeKind.Ring:
                float across = Math.Clamp((r - RingRadius) / RingWidth, -1, 1);
                return Lit(new Vector3(q / MathF.Max(r, 1e-6f) * across, MathF.Sqrt(1 - across * across)));
            case ShapeKind.Flower when r < 0.3f:
                return new Vector3(1f, 0.86f, 0.3f);
            default:
                return Vector3.Clamp(Colour * (0.88f - 0.16f * q.X - 0.22f * q.Y), Vector3.Zero, Vector3.One);
        }
    }

    private const float RingRadius = 0.72f, RingWidth = 0.28f;

    private Vector2 Local(Vector2 point)
    {
        var p = (point - Centre) / Size;
        return new Vector2(_rotation.Cos * p.X + _rotation.Sin * p.Y, _rotation.Cos * p.Y - _rotation.Sin * p.X);
    }

    // Ambient, Lambert and a Blinn highlight.
    private Vector3 Lit(Vector3 normal)
    {
        float diffuse = MathF.Max(0, Vector3.Dot(normal, Light));
        float highlight = MathF.Max(0, Vector3.Dot(normal, Vector3.Normalize(Light + Vector3.UnitZ)));
        return Vector3.Clamp(Colour * (0.28f + 0.85f * diffuse) + new Vector3(0.5f * MathF.Pow(highlight, 24)), Vector3.Zero, Vector3.One);
    }

    // Straight edges between five outer corners (radius 1) and five inner ones (0.45), as a radius over the angle.
    private static float StarRadius(float angle)
    {
        const float Step = MathF.PI / 5, Inner = 0.45f;
        float a = MathF.Abs(angle) % (2 * Step);
        a = MathF.Min(a, 2 * Step - a);
        return Inner * MathF.Sin(Step) / (MathF.Sin(a) * (1 - Inner * MathF.Cos(Step)) + Inner * MathF.Sin(Step) * MathF.Cos(a));
    }
}
