using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BDense.Kernels.Reference;

/// <summary>How trajectory operations are cut: a task is a block of one sample's pixels, small enough that K heads of it fit the first-level cache.</summary>
/// <remarks>
/// Heads are interleaved by pixel (K * C floats each), states are not. So a block's heads are first dealt out into K arrays
/// (<see cref="Gather"/>), the arithmetic runs on vectors of state elements whatever C is, and gradients are dealt back
/// (<see cref="Scatter"/>).
/// </remarks>
internal readonly struct TrajectoryBlock
{
    /// <summary>State elements in a block, about; the arrays of one head are this long at most.</summary>
    public const int Elements = 512;

    public readonly int Pixels, C, Branches, PixelsPerBlock, BlocksPerSample;

    public TrajectoryBlock(in TrajectoryShape s)
    {
        (Pixels, C, Branches) = (s.Pixels, s.C, s.Branches);
        PixelsPerBlock = Math.Max(1, Elements / Math.Max(1, s.C));
        BlocksPerSample = (s.Pixels + PixelsPerBlock - 1) / PixelsPerBlock;
    }

    /// <summary>Elements that the inner loops take together: four vectors, so that one coefficient serves all of them.</summary>
    public static int Group => 4 * Vector<float>.Count;

    /// <summary>Distance between two heads' arrays: a block, rounded up to whole groups, and room for what <see cref="Gather"/> writes too far.</summary>
    public int Stride => (PixelsPerBlock * C + 4 + Group - 1) / Group * Group;

    /// <summary>Deals the heads of <paramref name="pixels"/> pixels out into arrays of pixels * C elements, <see cref="Stride"/> apart, zeros behind.</summary>
    public unsafe void Gather(float* heads, int pixels, float* arrays)
    {
        int c = C, branches = Branches, stride = Stride, row = branches * c, quick = QuickPixels(pixels);
        for (int i = 0; i < quick; i++)
        {
            for (int k = 0; k < branches; k++)
            {
                float* from = heads + i * row + k * c, to = arrays + k * stride + i * c;
                for (int j = 0; j < c; j += 4)
                    Vector128.Load(from + j).Store(to + j);
            }
        }
        for (int k = 0; k < branches; k++)
        {
            float* array = arrays + k * stride;
            for (int i = quick; i < pixels; i++)
                new Span<float>(heads + i * row + k * c, c).CopyTo(new Span<float>(array + i * c, c));
            new Span<float>(array + pixels * c, stride - pixels * c).Clear();
        }
    }

    /// <summary>The inverse of <see cref="Gather"/>.</summary>
    public unsafe void Scatter(float* arrays, int pixels, float* heads)
    {
        int c = C, branches = Branches, stride = Stride, row = branches * c, quick = QuickPixels(pixels);
        for (int i = 0; i < quick; i++)
        {
            for (int k = 0; k < branches; k++)
            {
                float* from = arrays + k * stride + i * c, to = heads + i * row + k * c;
                for (int j = 0; j < c; j += 4)
                    Vector128.Load(from + j).Store(to + j);
            }
        }
        for (int i = quick; i < pixels; i++)
        {
            for (int k = 0; k < branches; k++)
                new Span<float>(arrays + k * stride + i * c, c).CopyTo(new Span<float>(heads + i * row + k * c, c));
        }
    }

    /// <summary>
    /// Pixels whose heads may be copied four floats at a time, up to three too many at the end of each: in rising order of address, what
    /// comes next overwrites those. Not the last pixel, nor any where the last is too short to hold three floats.
    /// </summary>
    private int QuickPixels(int pixels) => Branches * C >= 3 ? pixels - 1 : 0;

    /// <summary>The sample of a task, the first element of its block in a state, and the block's pixels.</summary>
    public (int Sample, int First, int Pixels) Task(int task)
    {
        int n = task / BlocksPerSample, pixel = task % BlocksPerSample * PixelsPerBlock;
        return (n, (n * Pixels + pixel) * C, Math.Min(PixelsPerBlock, Pixels - pixel));
    }

    /// <summary>Fewer elements than a group, with zeros behind.</summary>
    public static unsafe void Copy(float* from, int count, float* to)
    {
        new Span<float>(from, count).CopyTo(new Span<float>(to, count));
        new Span<float>(to + count, Group - count).Clear();
    }
}

/// <summary>Four vectors of neighbouring elements in registers, 0 at first.</summary>
internal unsafe struct Group
{
    public Vector<float> V0, V1, V2, V3;

    /// <summary>Adds s * x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float s, float* x)
    {
        var factor = new Vector<float>(s);
        V0 = Vector.MultiplyAddEstimate(factor, Vector.Load(x), V0);
        V1 = Vector.MultiplyAddEstimate(factor, Vector.Load(x + Vector<float>.Count), V1);
        V2 = Vector.MultiplyAddEstimate(factor, Vector.Load(x + 2 * Vector<float>.Count), V2);
        V3 = Vector.MultiplyAddEstimate(factor, Vector.Load(x + 3 * Vector<float>.Count), V3);
    }

    /// <summary>Adds sum_j m_j x_j, the coefficients <paramref name="step"/>, the terms <paramref name="stride"/> floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float* m, int step, float* x, int stride, int count)
    {
        for (int j = 0; j < count; j++, m += step, x += stride)
            Add(*m, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* y)
    {
        V0.Store(y);
        V1.Store(y + Vector<float>.Count);
        V2.Store(y + 2 * Vector<float>.Count);
        V3.Store(y + 3 * Vector<float>.Count);
    }
}
