using System.Numerics;
using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>rho(d) and rho'(d).</summary>
internal interface IDistance
{
    static abstract Vector<float> Value(Vector<float> d, Vector<float> delta, out Vector<float> derivative);
}

file readonly struct L1 : IDistance
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Value(Vector<float> d, Vector<float> delta, out Vector<float> derivative)
    {
        // What is neither above nor below 0 is its own derivative: 0, and NaN.
        derivative = Vector.ConditionalSelect(Vector.GreaterThan(d, Vector<float>.Zero), Vector<float>.One, d);
        derivative = Vector.ConditionalSelect(Vector.LessThan(d, Vector<float>.Zero), -Vector<float>.One, derivative);
        return Vector.Abs(d);
    }
}

file readonly struct L2 : IDistance
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Value(Vector<float> d, Vector<float> delta, out Vector<float> derivative)
    {
        derivative = d + d;
        return d * d;
    }
}

file readonly struct PseudoHuber : IDistance
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Value(Vector<float> d, Vector<float> delta, out Vector<float> derivative)
    {
        var square = d * d;
        var root = Vector.SquareRoot(Vector.MultiplyAddEstimate(delta, delta, square));
        derivative = d / root;
        // Equal to root - delta, without its cancellation: exactly 0 at d = 0.
        return square / (root + delta);
    }
}

/// <summary>Loss and gradient of one block of one sample; every input is read and every gradient written once.</summary>
file unsafe struct TrajectoryLossJob<TDistance> : IJob
    where TDistance : struct, IDistance
{
    public TrajectoryBlock Block;
    public float* X0, Heads, Targets, Skip, Map, Weights, DHeads;
    public int StateLength;
    public float Delta;
    /// <summary>[N * blocks, K]: sums of rho, unweighted.</summary>
    public double* Partial;

    public readonly void Run(int task)
    {
        var block = Block;
        var (n, first, pixels) = block.Task(task);
        int k = block.Branches, stride = block.Stride, lanes = Vector<float>.Count, group = TrajectoryBlock.Group, count = pixels * block.C;
        // Heads, overwritten by their gradients; W rho' of one group, all branches; copies of a last, shorter group; sums of rho.
        float* heads = Scratch.Get(k * stride + (2 * k + 1) * group + k * lanes);
        float* slopes = heads + k * stride, pad = slopes + k * group, sums = pad + (k + 1) * group;
        float* s = Skip + n * k, m = Map + n * k * k, w = Weights + n * k;
        var delta = new Vector<float>(Delta);
        new Span<float>(sums, k * lanes).Clear();

        block.Gather(Heads + first * k, pixels, heads);
        for (int i = 0; i < count; i += group)
        {
            float* x = X0 + first + i, y = Targets + first + i;
            int step = StateLength;
            TrajectoryBlock.PrefetchNext(x + count, y + count, step, k, Heads + (first + count + i) * k, DHeads + (first + count + i) * k);
            if (count - i < group)
            {
                // Zeros in x, F and y give rho = 0 there.
                for (int b = 0; b < k; b++)
                    TrajectoryBlock.Copy(y + b * step, count - i, pad + b * group);
                TrajectoryBlock.Copy(x, count - i, pad + k * group);
                x = pad + k * group;
                y = pad;
                step = group;
            }
            for (int b = 0; b < k; b++, y += step)
            {
                var d = new Group();
                d.Add(s[b], x);
                d.Add(m + b * k, 1, heads + i, stride, k);
                var weight = new Vector<float>(w[b]);
                var rho = TDistance.Value(d.V0 - Vector.Load(y), delta, out var r0) + TDistance.Value(d.V1 - Vector.Load(y + lanes), delta, out var r1)
                    + (TDistance.Value(d.V2 - Vector.Load(y + 2 * lanes), delta, out var r2) + TDistance.Value(d.V3 - Vector.Load(y + 3 * lanes), delta, out var r3));
                float* slope = slopes + b * group;
                (weight * r0).Store(slope);
                (weight * r1).Store(slope + lanes);
                (weight * r2).Store(slope + 2 * lanes);
                (weight * r3).Store(slope + 3 * lanes);
                (Vector.Load(sums + b * lanes) + rho).Store(sums + b * lanes);
            }
            for (int j = 0; j < k; j++)
            {
                var gradient = new Group();
                gradient.Add(m + j, k, slopes, group, k);
                gradient.Store(heads + j * stride + i);
            }
        }
        block.Scatter(heads, pixels, DHeads + first * k);
        for (int b = 0; b < k; b++)
            Partial[task * k + b] = Simd.SumLanes(Vector.Load(sums + b * lanes));
    }
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void TrajectoryLossCore(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads, Tensor targets,
        Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses)
    {
        switch (rho)
        {
            case Distance.L1: TrajectoryLoss<L1>(s, delta, x0, heads, targets, skip, map, weights, dheads, losses); break;
            case Distance.L2: TrajectoryLoss<L2>(s, delta, x0, heads, targets, skip, map, weights, dheads, losses); break;
            case Distance.PseudoHuber: TrajectoryLoss<PseudoHuber>(s, delta, x0, heads, targets, skip, map, weights, dheads, losses); break;
            default: throw new UsageException($"unknown distance {rho}; there are {string.Join(", ", Enum.GetNames<Distance>())}");
        }
    }

    private void TrajectoryLoss<TDistance>(in TrajectoryShape s, float delta, Tensor x0, Tensor heads, Tensor targets,
        Tensor skip, Tensor map, Tensor weights, Tensor dheads, Tensor losses)
        where TDistance : struct, IDistance
    {
        var block = new TrajectoryBlock(s);
        int k = s.Branches, tasks = s.N * block.BlocksPerSample;
        using var scratch = Empty(new Shape(2, Math.Max(1, tasks), k));
        double* partial = (double*)Pointer(scratch);
        float* w = Pointer(weights), result = Pointer(losses);
        Workers.Run(new TrajectoryLossJob<TDistance>
        {
            Block = block,
            X0 = Pointer(x0),
            Heads = Pointer(heads),
            Targets = Pointer(targets),
            Skip = Pointer(skip),
            Map = Pointer(map),
            Weights = w,
            DHeads = Pointer(dheads),
            StateLength = x0.Length,
            Delta = delta,
            Partial = partial,
        }, tasks);

        double loss = 0;
        for (int b = 0; b < k; b++)
        {
            double sum = 0;
            for (int task = 0; task < tasks; task++)
            {
                double share = partial[task * k + b];
                sum += share;
                loss += w[task / block.BlocksPerSample * k + b] * share;
            }
            result[1 + b] = (float)sum;
        }
        result[0] = (float)loss;
    }
}
