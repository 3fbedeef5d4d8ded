using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BDense.Kernels.Reference.Trajectory;

/// <summary>
/// How trajectory operations are cut: a task is a block of one sample's pixels, small enough that K heads of it fit the first-level cache.
/// </summary>
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

    /// <summary>Distance between two heads' arrays: a block, rounded up to whole groups.</summary>
    public readonly int Stride;

    /// <param name="s">Shapes.</param>
    /// <param name="lanes">Floats in a register.</param>
    public TrajectoryBlock(in TrajectoryShape s, int lanes)
    {
        Group = 4 * lanes;
        (Pixels, C, Branches) = (s.Pixels, s.C, s.Branches);
        PixelsPerBlock = Math.Max(1, Elements / Math.Max(1, s.C));
        // Whole groups of elements in every block, where a block has so many pixels: a shorter group takes a copy.
        if (PixelsPerBlock > Group)
            PixelsPerBlock -= PixelsPerBlock % Group;
        BlocksPerSample = (s.Pixels + PixelsPerBlock - 1) / PixelsPerBlock;
        Stride = (PixelsPerBlock * C + Group - 1) / Group * Group;
    }

    /// <summary>Elements that the inner loops take together: four registers, so that one coefficient serves all of them.</summary>
    public readonly int Group;

    /// <summary>
    /// Deals the heads of <paramref name="pixels"/> pixels out into arrays of pixels * C elements, <see cref="Stride"/> apart, zeros
    /// behind.
    /// </summary>
    public unsafe void Gather(float* heads, int pixels, float* arrays)
    {
        for (int k = 0; k < Branches; k++, heads += C, arrays += Stride)
        {
            if (C == 3 && Branches > 1)
                GatherColours(heads, Branches * 3, arrays, pixels);
            else
                Deal(heads, Branches * C, arrays, C, C, pixels);
            new Span<float>(arrays + pixels * C, Stride - pixels * C).Clear();
        }
    }

    /// <summary>The inverse of <see cref="Gather"/>.</summary>
    public unsafe void Scatter(float* arrays, int pixels, float* heads)
    {
        for (int k = 0; k < Branches; k++, heads += C, arrays += Stride)
        {
            if (C == 3 && k < Branches - 1)
                ScatterColours(arrays, heads, Branches * 3, pixels);
            else
                Deal(arrays, C, heads, Branches * C, C, pixels);
        }
    }

    /// <summary>Copies pieces of c floats between different distances; colour images and their latents have moves of their own.</summary>
    private static unsafe void Deal(float* from, int fromStep, float* to, int toStep, int c, int count)
    {
        if (fromStep == toStep)
        {
            new Span<float>(from, count * c).CopyTo(new Span<float>(to, count * c));
        }
        else if (c == 3)
        {
            for (; count > 0; count--, from += fromStep, to += toStep)
                Colour(from, to);
        }
        else if (c == 4)
        {
            for (; count > 0; count--, from += fromStep, to += toStep)
                Vector128.Load(from).Store(to);
        }
        else
        {
            for (; count > 0; count--, from += fromStep, to += toStep)
                new Span<float>(from, c).CopyTo(new Span<float>(to, c));
        }
    }

    /// <summary>
    /// Three floats a pixel, moved as four: the next pixel overwrites the fourth. The last pixel has no next one, nor a fourth float to
    /// read.
    /// </summary>
    private static unsafe void GatherColours(float* from, int step, float* to, int count)
    {
        for (; count > 4; count -= 4, from += 4 * step, to += 12)
        {
            Vector128.Load(from).Store(to);
            Vector128.Load(from + step).Store(to + 3);
            Vector128.Load(from + 2 * step).Store(to + 6);
            Vector128.Load(from + 3 * step).Store(to + 9);
        }
        for (; count > 0; count--, from += step, to += 3)
            Colour(from, to);
    }

    /// <summary>The way back of a head that has another behind it: that one is written later, over the fourth float.</summary>
    private static unsafe void ScatterColours(float* from, float* to, int step, int count)
    {
        for (; count > 4; count -= 4, from += 12, to += 4 * step)
        {
            Vector128.Load(from).Store(to);
            Vector128.Load(from + 3).Store(to + step);
            Vector128.Load(from + 6).Store(to + 2 * step);
            Vector128.Load(from + 9).Store(to + 3 * step);
        }
        for (; count > 0; count--, from += 3, to += step)
            Colour(from, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Colour(float* from, float* to)
    {
        *(long*)to = *(long*)from;
        to[2] = from[2];
    }

    /// <summary>The sample of a task, the first element of its block in a state, and the block's pixels.</summary>
    public (int Sample, int First, int Pixels) Task(int task)
    {
        int n = task / BlocksPerSample, pixel = task % BlocksPerSample * PixelsPerBlock;
        return (n, (n * Pixels + pixel) * C, Math.Min(PixelsPerBlock, Pixels - pixel));
    }

    /// <summary>
    /// Asks for one group of the next block, which lies behind this one in every array: runs of half a page are too short for a processor
    /// to foresee.
    /// </summary>
    /// <param name="state">x_0, or null.</param>
    /// <param name="states">K states, <paramref name="step"/> floats apart.</param>
    /// <param name="step">From one state to the next.</param>
    /// <param name="k">K</param>
    /// <param name="heads">K heads, interleaved.</param>
    /// <param name="more">The same of another array, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void PrefetchNext(float* state, float* states, int step, int k, float* heads, float* more)
    {
        if (state != null)
            Simd.Prefetch(state, Group);
        for (int b = 0; b < k; b++)
            Simd.Prefetch(states + b * step, Group);
        Simd.Prefetch(heads, Group * k);
        if (more != null)
            Simd.Prefetch(more, Group * k);
    }

    /// <summary>Fewer elements than a group, with zeros behind.</summary>
    public unsafe void Copy(float* from, int count, float* to)
    {
        new Span<float>(from, count).CopyTo(new Span<float>(to, count));
        new Span<float>(to + count, Group - count).Clear();
    }
}

/// <summary>Four registers of neighbouring elements, 0 at first.</summary>
internal unsafe struct Group<TLanes, V>
    where TLanes : struct, ILanes<V>
    where V : unmanaged
{
    public V V0, V1, V2, V3;

    /// <summary>Adds s * x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(float s, float* x)
    {
        var factor = TLanes.Broadcast(s);
        V0 = TLanes.MultiplyAdd(factor, TLanes.Load(x), V0);
        V1 = TLanes.MultiplyAdd(factor, TLanes.Load(x + TLanes.Count), V1);
        V2 = TLanes.MultiplyAdd(factor, TLanes.Load(x + 2 * TLanes.Count), V2);
        V3 = TLanes.MultiplyAdd(factor, TLanes.Load(x + 3 * TLanes.Count), V3);
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
        TLanes.Store(V0, y);
        TLanes.Store(V1, y + TLanes.Count);
        TLanes.Store(V2, y + 2 * TLanes.Count);
        TLanes.Store(V3, y + 3 * TLanes.Count);
    }
}
