using BDense.Kernels.Reference.Trajectory;

namespace BDense.Kernels.Reference;

/// <summary>states[b] = S[n,b] x_0 + sum_j M[n,b,j] F_j on one block of one sample.</summary>
file unsafe struct TrajectoryStatesJob : IWideJob
{
    public TrajectoryBlock Block;
    public float* X0, Heads, Skip, Map, States;
    /// <summary>Elements of one state: N * Pixels * C.</summary>
    public int StateLength;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var block = Block;
        var (n, first, pixels) = block.Task(task);
        int k = block.Branches, stride = block.Stride, group = block.Group, count = pixels * block.C;
        float* heads = Scratch.Get(k * stride + 2 * group), pad = heads + k * stride, tail = pad + group;
        float* x0 = X0 + first, states = States + first, s = Skip + n * k, m = Map + n * k * k;
        block.Gather(Heads + first * k, pixels, heads);
        for (int i = 0; i < count; i += group)
        {
            float* x = x0 + i;
            block.PrefetchNext(x + count, states + i + count, StateLength, k, Heads + (first + count + i) * k, null);
            if (count - i < group)
            {
                block.Copy(x, count - i, pad);
                x = pad;
            }
            for (int b = 0; b < k; b++)
            {
                var state = new Group<TLanes, V>();
                state.Add(s[b], x);
                state.Add(m + b * k, 1, heads + i, stride, k);
                float* to = states + b * StateLength + i;
                if (count - i >= group)
                {
                    state.Store(to);
                    continue;
                }
                state.Store(tail);
                new Span<float>(tail, count - i).CopyTo(new Span<float>(to, count - i));
            }
        }
    }
}

/// <summary>dF_j = sum_b M[n,b,j] dstates[b] on one block of one sample.</summary>
file unsafe struct TrajectoryStatesBackwardJob : IWideJob
{
    public TrajectoryBlock Block;
    public float* DStates, Map, DHeads;
    public int StateLength;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var block = Block;
        var (n, first, pixels) = block.Task(task);
        int k = block.Branches, stride = block.Stride, group = block.Group, count = pixels * block.C;
        float* dheads = Scratch.Get(k * (stride + group)), pad = dheads + k * stride;
        float* dstates = DStates + first, m = Map + n * k * k;
        for (int i = 0; i < count; i += group)
        {
            float* d = dstates + i;
            int step = StateLength;
            block.PrefetchNext(null, d + count, step, k, DHeads + (first + count + i) * k, null);
            if (count - i < group)
            {
                for (int b = 0; b < k; b++)
                    block.Copy(d + b * StateLength, count - i, pad + b * group);
                d = pad;
                step = group;
            }
            for (int j = 0; j < k; j++)
            {
                var sum = new Group<TLanes, V>();
                sum.Add(m + j, k, d, step, k);
                sum.Store(dheads + j * stride + i);
            }
        }
        block.Scatter(dheads, pixels, DHeads + first * k);
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void TrajectoryStatesCore(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map,
        Tensor states)
    {
        var block = new TrajectoryBlock(s, _kernels.Lanes);
        RunWide(new TrajectoryStatesJob
        {
            Block = block,
            X0 = Pointer(x0),
            Heads = Pointer(heads),
            Skip = Pointer(skip),
            Map = Pointer(map),
            States = Pointer(states),
            StateLength = x0.Length,
        }, s.N * block.BlocksPerSample);
    }

    private protected override void TrajectoryStatesBackwardCore(in TrajectoryShape s, Tensor dstates, Tensor map, Tensor dheads)
    {
        var block = new TrajectoryBlock(s, _kernels.Lanes);
        RunWide(new TrajectoryStatesBackwardJob
        {
            Block = block,
            DStates = Pointer(dstates),
            Map = Pointer(map),
            DHeads = Pointer(dheads),
            StateLength = s.State.Length,
        }, s.N * block.BlocksPerSample);
    }
}
