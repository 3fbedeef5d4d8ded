using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BDense.Kernels.Reference.Trajectory;

/// <summary>
/// The loss of four heads of three channels, pixels four at a time: differences and slopes stay in 512-bit registers, heads are dealt out
/// there.
/// </summary>
internal unsafe struct ColourTrajectoryLossJob<TDistance>(TrajectoryLossArguments arguments) : IJob
    where TDistance : unmanaged, IDistance
{
    private const int K = FourColourHeads.Heads, Elements = FourColourHeads.Elements, Lanes = FourColourHeads.Lanes;

    private readonly TrajectoryLossArguments _arguments = arguments;

    /// <summary>Whether heads are four of three channels, and registers wide enough.</summary>
    public static bool Takes(in TrajectoryShape s, int lanes) =>
        FourColourHeads.IsSupported && lanes == Lanes && s.C == FourColourHeads.Channels && s.Branches == K;

    public readonly void Run(int task)
    {
        var a = _arguments;
        var (n, first, pixels) = a.Block.Task(task);
        int count = pixels * FourColourHeads.Channels;
        float* sums = Scratch.Get((2 * K + 1) * Lanes + K * Elements), pad = sums + K * Lanes, padY = pad + Lanes,
            padHeads = padY + K * Lanes;
        new Span<float>(sums, K * Lanes).Clear();
        float* x = a.X0 + first, y = a.Targets + first, heads = a.Heads + first * K, dheads = a.DHeads + first * K;

        // A register of a state reads four floats past its elements; there are none behind the last ones.
        int done = Math.Min(count, a.StateLength - first - (Lanes - Elements)) / Elements * Elements;
        Add(n, x, y, a.StateLength, heads, dheads, done, sums);
        for (; done < count; done += Elements)
        {
            int rest = Math.Min(count - done, Elements);
            // Zeros in x, F and y give rho = 0 there.
            new Span<float>(pad, (K + 1) * Lanes + K * Elements).Clear();
            new Span<float>(x + done, rest).CopyTo(new Span<float>(pad, rest));
            for (int b = 0; b < K; b++)
                new Span<float>(y + b * a.StateLength + done, rest).CopyTo(new Span<float>(padY + b * Lanes, rest));
            new Span<float>(heads + done * K, rest * K).CopyTo(new Span<float>(padHeads, rest * K));
            Add(n, pad, padY, Lanes, padHeads, padHeads, Elements, sums);
            new Span<float>(padHeads, rest * K).CopyTo(new Span<float>(dheads + done * K, rest * K));
        }
        for (int b = 0; b < K; b++)
            a.Partial[task * K + b] = FourColourHeads.WideSum(Vector512.Load(sums + b * Lanes));
    }

    /// <summary>Gradients of a whole number of registers of sample n; adds rho to <paramref name="sums"/>.</summary>
    private readonly void Add(int n, float* x, float* y, nint step, float* heads, float* dheads, int count, float* sums)
    {
        float* s = _arguments.Skip + n * K, m = _arguments.Map + n * K * K, w = _arguments.Weights + n * K;
        var delta = Vector512.Create(_arguments.Delta);
        Vector512<float> s0 = Vector512.Create(s[0]), s1 = Vector512.Create(s[1]), s2 = Vector512.Create(s[2]), s3 = Vector512.Create(s[3]);
        Vector512<float> w0 = Vector512.Create(w[0]), w1 = Vector512.Create(w[1]), w2 = Vector512.Create(w[2]), w3 = Vector512.Create(w[3]);
        Vector512<float> sum0 = Vector512.Load(sums), sum1 = Vector512.Load(sums + Lanes), sum2 = Vector512.Load(sums + 2 * Lanes),
            sum3 = Vector512.Load(sums + 3 * Lanes);
        for (; count > 0; count -= Elements, x += Elements, y += Elements, heads += K * Elements, dheads += K * Elements)
        {
            var f = FourColourHeads.Load(heads);
            var x0 = Vector512.Load(x);
            FourColourHeads slopes, gradients;
            slopes.F0 = w0 * Rho(f.Combine(m, s0 * x0), y, delta, ref sum0);
            slopes.F1 = w1 * Rho(f.Combine(m + K, s1 * x0), y + step, delta, ref sum1);
            slopes.F2 = w2 * Rho(f.Combine(m + 2 * K, s2 * x0), y + 2 * step, delta, ref sum2);
            slopes.F3 = w3 * Rho(f.Combine(m + 3 * K, s3 * x0), y + 3 * step, delta, ref sum3);
            gradients.F0 = slopes.Combine(m, K);
            gradients.F1 = slopes.Combine(m + 1, K);
            gradients.F2 = slopes.Combine(m + 2, K);
            gradients.F3 = slopes.Combine(m + 3, K);
            gradients.Store(dheads);
        }
        sum0.Store(sums);
        sum1.Store(sums + Lanes);
        sum2.Store(sums + 2 * Lanes);
        sum3.Store(sums + 3 * Lanes);
    }

    /// <summary>The slope of rho at state - y; rho itself is added to <paramref name="sum"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Rho(Vector512<float> state, float* y, Vector512<float> delta, ref Vector512<float> sum)
    {
        sum += TDistance.Value<Lanes16, Vector512<float>>(state - Vector512.Load(y), delta, out var derivative);
        return derivative;
    }
}
