using System.Runtime.CompilerServices;
using BDense.Kernels.Reference.Trajectory;

namespace BDense.Kernels.Reference;

/// <summary>What a loss is made of.</summary>
internal unsafe struct TrajectoryLossArguments
{
    public TrajectoryBlock Block;
    public float* X0, Heads, Targets, Skip, Map, Weights, DHeads;
    /// <summary>Elements of one state: N * Pixels * C.</summary>
    public int StateLength;
    public float Delta;
    /// <summary>[N * blocks, K]: sums of rho, unweighted.</summary>
    public double* Partial;
}

/// <summary>Loss and gradient of one block of one sample; every input is read and every gradient written once.</summary>
file unsafe struct TrajectoryLossJob<TDistance>(TrajectoryLossArguments arguments) : IWideJob
    where TDistance : unmanaged, IDistance
{
    private readonly TrajectoryLossArguments _arguments = arguments;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var a = _arguments;
        var block = a.Block;
        var (n, first, pixels) = block.Task(task);
        int k = block.Branches, stride = block.Stride, lanes = TLanes.Count, group = block.Group, count = pixels * block.C;
        // Heads, overwritten by their gradients; W rho' of one group, all branches; copies of a last, shorter group; sums of rho.
        float* heads = Scratch.Get(k * stride + (2 * k + 1) * group + k * lanes);
        float* slopes = heads + k * stride, pad = slopes + k * group, sums = pad + (k + 1) * group;
        float* s = a.Skip + n * k, m = a.Map + n * k * k, w = a.Weights + n * k;
        var delta = TLanes.Broadcast(a.Delta);
        new Span<float>(sums, k * lanes).Clear();

        block.Gather(a.Heads + first * k, pixels, heads);
        for (int i = 0; i < count; i += group)
        {
            float* x = a.X0 + first + i, y = a.Targets + first + i;
            int step = a.StateLength;
            block.PrefetchNext(x + count, y + count, step, k, a.Heads + (first + count + i) * k, a.DHeads + (first + count + i) * k);
            if (count - i < group)
            {
                // Zeros in x, F and y give rho = 0 there.
                for (int b = 0; b < k; b++)
                    block.Copy(y + b * step, count - i, pad + b * group);
                block.Copy(x, count - i, pad + k * group);
                x = pad + k * group;
                y = pad;
                step = group;
            }
            for (int b = 0; b < k; b++, y += step)
            {
                var d = new Group<TLanes, V>();
                d.Add(s[b], x);
                d.Add(m + b * k, 1, heads + i, stride, k);
                var weight = TLanes.Broadcast(w[b]);
                float* slope = slopes + b * group;
                V rho0 = Rho<TLanes, V>(d.V0, y, delta, weight, slope),
                    rho1 = Rho<TLanes, V>(d.V1, y + lanes, delta, weight, slope + lanes);
                V rho2 = Rho<TLanes, V>(d.V2, y + 2 * lanes, delta, weight, slope + 2 * lanes),
                    rho3 = Rho<TLanes, V>(d.V3, y + 3 * lanes, delta, weight, slope + 3 * lanes);
                var rho = TLanes.Add(TLanes.Add(rho0, rho1), TLanes.Add(rho2, rho3));
                TLanes.Store(TLanes.Add(TLanes.Load(sums + b * lanes), rho), sums + b * lanes);
            }
            for (int j = 0; j < k; j++)
            {
                var gradient = new Group<TLanes, V>();
                gradient.Add(m + j, k, slopes, group, k);
                gradient.Store(heads + j * stride + i);
            }
        }
        block.Scatter(heads, pixels, a.DHeads + first * k);
        for (int b = 0; b < k; b++)
            a.Partial[task * k + b] = TLanes.WideSum(TLanes.Load(sums + b * lanes));
    }

    /// <summary>rho of state - y, and its weighted slope.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Rho<TLanes, V>(V state, float* y, V delta, V weight, float* slope)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var rho = TDistance.Value<TLanes, V>(TLanes.Subtract(state, TLanes.Load(y)), delta, out var derivative);
        TLanes.Store(TLanes.Multiply(weight, derivative), slope);
        return rho;
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void TrajectoryLossCore(in TrajectoryShape s, Distance rho, float delta, Tensor x0, Tensor heads,
        Tensor targets,
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
        where TDistance : unmanaged, IDistance
    {
        var block = new TrajectoryBlock(s, _kernels.Lanes);
        int k = s.Branches, tasks = s.N * block.BlocksPerSample;
        using var scratch = Empty(new Shape(2, Math.Max(1, tasks), k));
        double* partial = (double*)Pointer(scratch);
        float* w = Pointer(weights), result = Pointer(losses);
        var arguments = new TrajectoryLossArguments
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
        };
        if (ColourTrajectoryLossJob<TDistance>.Takes(s, _kernels.Lanes))
            Workers.Run(new ColourTrajectoryLossJob<TDistance>(arguments), tasks);
        else
            RunWide(new TrajectoryLossJob<TDistance>(arguments), tasks);

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
