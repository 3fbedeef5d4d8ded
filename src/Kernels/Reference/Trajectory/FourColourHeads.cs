using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BDense.Kernels.Reference.Trajectory;

/// <summary>
/// Four heads of four neighbouring pixels of three channels: one head a register, 12 elements in a state's order, and four lanes that mean
/// nothing.
/// </summary>
/// <remarks>
/// Interleaved as in memory, 4 * 4 * 3 floats fill three 512-bit registers exactly, and two-source permutations lead from one order to the
/// other.
/// </remarks>
internal unsafe struct FourColourHeads
{
    public const int Heads = 4, Channels = 3, Pixels = 4;

    /// <summary>Elements of a state in a register.</summary>
    public const int Elements = Pixels * Channels;

    /// <summary>Floats of a register, those without meaning included.</summary>
    public const int Lanes = 16;

    public Vector512<float> F0, F1, F2, F3;

    public static bool IsSupported => Avx512F.IsSupported;

    /// <summary>From <see cref="Heads"/> * <see cref="Elements"/> floats in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourColourHeads Load(float* from)
    {
        // In an index, 16 and more stand for the second source. Three pixels come of the first two registers, but for what the third
        // completes.
        Vector512<float> a = Vector512.Load(from), b = Vector512.Load(from + 16), c = Vector512.Load(from + 32);
        FourColourHeads x;
        x.F0 = Two(Two(a, b, Vector512.Create(0, 1, 2, 12, 13, 14, 24, 25, 26, 0, 0, 0, 0, 0, 0, 0)), c,
            Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 22, 0, 0, 0, 0));
        x.F1 = Two(Two(a, b, Vector512.Create(3, 4, 5, 15, 16, 17, 27, 28, 29, 0, 0, 0, 0, 0, 0, 0)), c,
            Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 23, 24, 25, 0, 0, 0, 0));
        x.F2 = Two(Two(a, b, Vector512.Create(6, 7, 8, 18, 19, 20, 30, 31, 0, 0, 0, 0, 0, 0, 0, 0)), c,
            Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 16, 26, 27, 28, 0, 0, 0, 0));
        x.F3 = Two(Two(a, b, Vector512.Create(9, 10, 11, 21, 22, 23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), c,
            Vector512.Create(0, 1, 2, 3, 4, 5, 17, 18, 19, 29, 30, 31, 0, 0, 0, 0));
        return x;
    }

    /// <summary>The inverse of <see cref="Load"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(float* to)
    {
        // What the first and the third register need of two heads fills one register: 10 floats and 6, or 6 and 10.
        var outer01 = Two(F0, F1, Vector512.Create(0, 1, 2, 16, 17, 18, 3, 4, 5, 19, 9, 10, 11, 25, 26, 27));
        var outer23 = Two(F2, F3, Vector512.Create(0, 1, 2, 16, 17, 18, 8, 22, 23, 24, 9, 10, 11, 25, 26, 27));
        var inner01 = Two(F0, F1, Vector512.Create(20, 21, 6, 7, 8, 22, 23, 24, 0, 0, 0, 0, 0, 0, 0, 0));
        var inner23 = Two(F2, F3, Vector512.Create(3, 4, 5, 19, 20, 21, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0));
        Two(outer01, outer23, Vector512.Create(0, 1, 2, 3, 4, 5, 16, 17, 18, 19, 20, 21, 6, 7, 8, 9)).Store(to);
        Two(inner01, inner23, Vector512.Create(0, 1, 16, 17, 18, 19, 20, 21, 2, 3, 4, 5, 6, 7, 22, 23)).Store(to + 16);
        Two(outer01, outer23, Vector512.Create(22, 23, 24, 25, 10, 11, 12, 13, 14, 15, 26, 27, 28, 29, 30, 31)).Store(to + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Two(Vector512<float> a, Vector512<float> b, Vector512<int> index) =>
        Avx512F.PermuteVar16x32x2(a, index, b);

    /// <summary>sum_j m_j F_j, the coefficients <paramref name="step"/> floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector512<float> Combine(float* m, int step)
    {
        var sum = Vector512.Create(m[0]) * F0;
        sum = Lanes16.MultiplyAdd(Vector512.Create(m[step]), F1, sum);
        sum = Lanes16.MultiplyAdd(Vector512.Create(m[2 * step]), F2, sum);
        return Lanes16.MultiplyAdd(Vector512.Create(m[3 * step]), F3, sum);
    }

    /// <summary>Adds sum_j m_j F_j to <paramref name="sum"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector512<float> Combine(float* m, Vector512<float> sum)
    {
        sum = Lanes16.MultiplyAdd(Vector512.Create(m[0]), F0, sum);
        sum = Lanes16.MultiplyAdd(Vector512.Create(m[1]), F1, sum);
        sum = Lanes16.MultiplyAdd(Vector512.Create(m[2]), F2, sum);
        return Lanes16.MultiplyAdd(Vector512.Create(m[3]), F3, sum);
    }

    /// <summary>The sum of a register's elements, in double precision.</summary>
    public static double WideSum(Vector512<float> x) => Lanes16.WideSum(
        Vector512.ConditionalSelect(Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(Elements)).AsSingle(), x,
            Vector512<float>.Zero));
}
