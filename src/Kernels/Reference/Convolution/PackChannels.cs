using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>How channels are cut into panels: all of <see cref="Width"/> but the last one, of <see cref="LastWidth"/>.</summary>
internal readonly record struct PanelCut(int Channels, int Count, int Width, int LastWidth)
{
    /// <summary>The panels of a micro-kernel's columns.</summary>
    public static PanelCut Columns(in MicroKernels kernels, int channels)
    {
        int count = kernels.Panels(channels);
        return new(channels, count, 2 * kernels.Lanes, kernels.PanelWidth(count - 1, channels));
    }

    /// <summary>Panels of <paramref name="width"/> channels, for a micro-kernel's rows.</summary>
    public static PanelCut Rows(int channels, int width) => new(channels, (channels + width - 1) / width, width, width);

    public int PaddedChannels => ((Count - 1) * Width) + LastWidth;

    public int WidthOf(int panel) => panel == Count - 1 ? LastWidth : Width;
}

/// <summary>
/// NHWC lines (image rows) into panels of channels: packed[panel][line][column][channel], with zeros for the padding around the
/// image and for channels past the last. Optionally sums every block's pixels by channel (the bias gradient's partial sums).
/// One task a block of lines; bytes: x once in, once out.
/// </summary>
internal unsafe struct PackChannels : IJob
{
    public PanelCut Cut;

    /// <summary>First image of the chunk, [.., H, W, C].</summary>
    public float* X, Packed, Sums;

    /// <summary>How x is read; a copy goes straight from x.</summary>
    public ConvolutionInput Input;

    public int H, W, Lines, LinesPerImage, Columns, OffsetH, OffsetW, LinesPerTask;

    public readonly int Tasks => (Lines + LinesPerTask - 1) / LinesPerTask;

    public readonly void Run(int task)
    {
        int first = task * LinesPerTask, end = Math.Min(Lines, first + LinesPerTask);
        int c = Cut.Channels;
        float* sums = Sums is null ? null : Sums + ((long)task * c);
        if (sums is not null)
            new Span<float>(sums, c).Clear();
        int left = Math.Clamp(-OffsetW, 0, Columns);
        int right = Math.Clamp(W - OffsetW, left, Columns);
        for (int line = first; line < end; line++)
        {
            int image = line / LinesPerImage;
            int h = line - (image * LinesPerImage) + OffsetH;
            bool inside = h >= 0 && h < H;
            float* source = X + ((((((long)image * H) + h) * W) + OffsetW + left) * c);
            if (inside && Input.Any)
            {
                source = Scratch.Get((long)(right - left) * c);
                Input.Load(X, image, h, OffsetW + left, right - left, source, c);
            }
            for (int panel = 0; panel < Cut.Count; panel++)
            {
                int width = Cut.WidthOf(panel), start = panel * Cut.Width;
                float* packed = Packed + ((long)start * Lines * Columns) + ((long)line * Columns * width);
                if (!inside)
                {
                    new Span<float>(packed, Columns * width).Clear();
                    continue;
                }
                new Span<float>(packed, left * width).Clear();
                Pack(source + start, c, Math.Min(width, c - start), packed + (left * width), width, right - left);
                new Span<float>(packed + (right * width), (Columns - right) * width).Clear();
            }
            if (sums is not null && inside)
            {
                for (int q = left; q < right; q++, source += c)
                    Add(source, sums, c);
            }
        }
    }

    /// <summary>Four channels at a time; the last four may overlap those before, so that 6 channels take two moves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(float* source, int pitch, int count, float* packed, int width, int pixels)
    {
        if (count < 4 || count != width)
        {
            for (int q = 0; q < pixels; q++, source += pitch, packed += width)
            {
                int j = 0;
                for (; j < count; j++)
                    packed[j] = source[j];
                for (; j < width; j++)
                    packed[j] = 0f;
            }
            return;
        }
        for (int q = 0; q < pixels; q++, source += pitch, packed += width)
        {
            Vector128.Load(source + count - 4).Store(packed + count - 4);
            for (int j = 0; j < count - 4; j += 4)
                Vector128.Load(source + j).Store(packed + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(float* source, float* sums, int count)
    {
        int j = 0;
        for (; j <= count - Vector<float>.Count; j += Vector<float>.Count)
            (Vector.Load(sums + j) + Vector.Load(source + j)).Store(sums + j);
        for (; j < count; j++)
            sums[j] += source[j];
    }
}
