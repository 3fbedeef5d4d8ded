using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

/// <summary>A <see cref="TrajectoryShape"/> as kernels take it.</summary>
internal struct TrajectoryGeometry
{
    public int N, Pixels, C, Branches;

    /// <summary>Threads that share a sample.</summary>
    public int SampleThreads;

    public int Distance;
    public float Delta;
}

/// <summary>One value for each branch, by name: registers, where an indexed array would lie in memory.</summary>
internal struct Branches8
{
    public float B0, B1, B2, B3, B4, B5, B6, B7;
}

public sealed partial class IlgpuBackend
{
    /// <summary>
    /// Threads that share a sample: at most 768, 16 elements each of a 64 x 64 x 3 image; fewer where there are samples enough for half a
    /// million threads, since each thread leaves 1 + K sums to write and read.
    /// </summary>
    private static int SampleThreads(in TrajectoryShape s) => Math.Min(s.Pixels * s.C, Math.Clamp((1 << 19) / Math.Max(1, s.N), 96, 768));

    private static TrajectoryGeometry Geometry(in TrajectoryShape s) => new()
    {
        N = s.N,
        Pixels = s.Pixels,
        C = s.C,
        Branches = s.Branches,
        SampleThreads = SampleThreads(s),
    };

    private protected override void TrajectoryLossCore(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads,
        Tensor targets,
        Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses)
    {
        var g = Geometry(s) with { Distance = (int)rho, Delta = delta };
        int threads = s.N * g.SampleThreads;
        if (threads == 0)
        {
            Fill(losses, 0f);
            return;
        }
        using var partial = Empty(new Shape(1 + s.Branches, threads));
        Launch(TrajectoryLossKernel, threads, g, View(x0), View(heads), View(targets), View(skip), View(map), View(weights), View(dheads),
            View(partial));
        SumRows(View(partial), 1 + s.Branches, threads, View(losses));
    }

    private protected override void TrajectoryStatesCore(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map,
        Tensor states) =>
        Launch(TrajectoryStatesKernel, x0.Length, Geometry(s), View(x0), View(heads), View(skip), View(map), View(states));

    private protected override void TrajectoryStatesBackwardCore(in TrajectoryShape s, Tensor dstates, Tensor map, Tensor dheads) =>
        Launch(TrajectoryStatesBackwardKernel, s.State.Length, Geometry(s), View(dstates), View(map), View(dheads));

    /// <summary>v[j] = x[at + j * stride] for j below count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Branches8 Load(ArrayView<float> x, int at, int stride, int count)
    {
        var v = new Branches8 { B0 = x[at] };
        if (count > 1)
            v.B1 = x[at + stride];
        if (count > 2)
            v.B2 = x[at + 2 * stride];
        if (count > 3)
            v.B3 = x[at + 3 * stride];
        if (count > 4)
            v.B4 = x[at + 4 * stride];
        if (count > 5)
            v.B5 = x[at + 5 * stride];
        if (count > 6)
            v.B6 = x[at + 6 * stride];
        if (count > 7)
            v.B7 = x[at + 7 * stride];
        return v;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Branches8 v, ArrayView<float> y, int at, int stride, int count)
    {
        y[at] = v.B0;
        if (count > 1)
            y[at + stride] = v.B1;
        if (count > 2)
            y[at + 2 * stride] = v.B2;
        if (count > 3)
            y[at + 3 * stride] = v.B3;
        if (count > 4)
            y[at + 4 * stride] = v.B4;
        if (count > 5)
            y[at + 5 * stride] = v.B5;
        if (count > 6)
            y[at + 6 * stride] = v.B6;
        if (count > 7)
            y[at + 7 * stride] = v.B7;
    }

    /// <summary>sum_j m[j] f[j]; entries at and above the count are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Dot(Branches8 m, Branches8 f) =>
        m.B0 * f.B0 + m.B1 * f.B1 + m.B2 * f.B2 + m.B3 * f.B3 + m.B4 * f.B4 + m.B5 * f.B5 + m.B6 * f.B6 + m.B7 * f.B7;

    /// <summary>v += a m.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaled(ref Branches8 v, float a, Branches8 m)
    {
        v.B0 += a * m.B0;
        v.B1 += a * m.B1;
        v.B2 += a * m.B2;
        v.B3 += a * m.B3;
        v.B4 += a * m.B4;
        v.B5 += a * m.B5;
        v.B6 += a * m.B6;
        v.B7 += a * m.B7;
    }

    /// <summary>v[b] += a.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(ref Branches8 v, int b, float a)
    {
        v.B0 += b == 0 ? a : 0f;
        v.B1 += b == 1 ? a : 0f;
        v.B2 += b == 2 ? a : 0f;
        v.B3 += b == 3 ? a : 0f;
        v.B4 += b == 4 ? a : 0f;
        v.B5 += b == 5 ? a : 0f;
        v.B6 += b == 6 ? a : 0f;
        v.B7 += b == 7 ? a : 0f;
    }

    /// <summary>
    /// d_b = S_b x_0 + sum_j M[b,j] F_j - y_b; dF_j = sum_b W_b rho'(d_b) M[b,j]; and each thread's share of the loss and of every
    /// branch's sum of rho, [1+K, threads]. Thread (n, t) takes elements t, t + T, ... of sample n. (1 + 2K) 4 bytes an element read,
    /// 4K written; S, M and W stay in the cache; 4 K^2 + 6 K FLOPs an element.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void TrajectoryLossKernel(Index1D thread, TrajectoryGeometry g, ArrayView<float> x0, ArrayView<float> heads,
        ArrayView<float> targets, ArrayView<float> skip, ArrayView<float> map, ArrayView<float> weights, ArrayView<float> dheads,
        ArrayView<float> partial)
    {
        int k = g.Branches;
        int n = thread / g.SampleThreads;
        int elements = g.Pixels * g.C;
        float loss = 0f;
        var branchLosses = new Branches8();
        for (int e = thread - n * g.SampleThreads; e < elements; e += g.SampleThreads)
        {
            int pixel = e / g.C;
            int state = n * elements + e;
            int head = (n * g.Pixels + pixel) * k * g.C + (e - pixel * g.C);
            float x = x0[state];
            var f = Load(heads, head, g.C, k);
            var df = new Branches8();
            for (int b = 0; b < k; b++)
            {
                var m = Load(map, (n * k + b) * k, 1, k);
                float w = weights[n * k + b];
                float d = skip[n * k + b] * x + Dot(m, f) - targets[b * g.N * elements + state];
                float rho, slope;
                if (g.Distance == (int)Distance.L1)
                {
                    rho = XMath.Abs(d);
                    slope = d > 0f ? 1f : d < 0f ? -1f : d; // NaN stays NaN
                }
                else if (g.Distance == (int)Distance.L2)
                {
                    rho = d * d;
                    slope = 2f * d;
                }
                else
                {
                    // d^2 / (sqrt(d^2 + delta^2) + delta) is sqrt(d^2 + delta^2) - delta without the cancellation.
                    float root = XMath.Sqrt(d * d + g.Delta * g.Delta);
                    rho = d * d / (root + g.Delta);
                    slope = d / root;
                }
                loss += w * rho;
                AddTo(ref branchLosses, b, rho);
                AddScaled(ref df, w * slope, m);
            }
            Store(df, dheads, head, g.C, k);
        }
        int threads = g.N * g.SampleThreads;
        partial[thread] = loss;
        Store(branchLosses, partial, threads + thread, threads, k);
    }

    /// <summary>
    /// states[b] = S_b x_0 + sum_j M[b,j] F_j. One thread an element of a state; 4 (1 + K) bytes read, 4 K written, K (2 K + 1) FLOPs.
    /// </summary>
    [Kernel(128)]
    internal static void TrajectoryStatesKernel(Index1D state, TrajectoryGeometry g, ArrayView<float> x0, ArrayView<float> heads,
        ArrayView<float> skip, ArrayView<float> map, ArrayView<float> states)
    {
        int k = g.Branches;
        int pixel = state / g.C;
        int n = pixel / g.Pixels;
        var f = Load(heads, pixel * k * g.C + (state - pixel * g.C), g.C, k);
        for (int b = 0; b < k; b++)
            states[b * g.N * g.Pixels * g.C + state] = skip[n * k + b] * x0[state] + Dot(Load(map, (n * k + b) * k, 1, k), f);
    }

    /// <summary>dF_j = sum_b M[b,j] dstates[b]. One thread an element of a state; 4 K bytes read, 4 K written, 2 K^2 FLOPs.</summary>
    [Kernel(128)]
    internal static void TrajectoryStatesBackwardKernel(Index1D state, TrajectoryGeometry g, ArrayView<float> dstates, ArrayView<float> map,
        ArrayView<float> dheads)
    {
        int k = g.Branches;
        int pixel = state / g.C;
        int n = pixel / g.Pixels;
        var df = new Branches8();
        for (int b = 0; b < k; b++)
            AddScaled(ref df, dstates[b * g.N * g.Pixels * g.C + state], Load(map, (n * k + b) * k, 1, k));
        Store(df, dheads, pixel * k * g.C + (state - pixel * g.C), g.C, k);
    }
}
