using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using static TorchSharp.torch;

namespace BDense.Peers;

/// <summary>
/// The dense-trajectory loss composed of libtorch's operators, its gradient by autograd: all states by one batched product with the
/// map, in libtorch's own layout [N,K,C*H*W], and state after state, as one would write it down.
/// </summary>
internal static class TorchTrajectoryLoss
{
    public static IEnumerable<Running> Variants(DenseTrajectoryLoss work) =>
        [Variant(work, Product, "batched product"), Variant(work, OneByOne, "state by state")];

    private static Running Variant(DenseTrajectoryLoss work, Func<int, Tensor, Tensor, Tensor, Tensor, Tensor> states, string name)
    {
        var s = work.Shape;
        long n = s.N, k = s.Branches, pixels = s.Pixels, c = s.C, e = pixels * c;
        Tensor x0, heads, targets, skip, map, weights;
        using (var scope = NewDisposeScope())
        {
            // NCHW order inside a state, one head or state after the other.
            x0 = tensor(work.X0, [n, pixels, c]).permute(0, 2, 1).contiguous().view(n, 1, e).MoveToOuterDisposeScope();
            heads = tensor(work.Heads, [n, pixels, k, c]).permute(0, 2, 3, 1).contiguous().view(n, k, e).MoveToOuterDisposeScope();
            targets = tensor(work.Targets, [k, n, pixels, c]).permute(1, 0, 3, 2).contiguous().view(n, k, e).MoveToOuterDisposeScope();
            skip = tensor(work.Skip, [n, k, 1]).MoveToOuterDisposeScope();
            map = tensor(work.Map, [n, k, k]).MoveToOuterDisposeScope();
            weights = tensor(work.Weights, [n, k, 1]).MoveToOuterDisposeScope();
            heads.requires_grad = true;
        }
        var results = new Kept();
        return new(name,
            () =>
            {
                using var scope = NewDisposeScope();
                var rho = Rho(work.Distance, states(s.Branches, x0, heads, skip, map) - targets);
                var sums = rho.sum(-1, keepdim: true);
                var loss = (weights * sums).sum();
                results.Keep([loss, sums.sum([0L]), .. autograd.grad([loss], [heads])]);
            },
            () =>
            {
                using var scope = NewDisposeScope();
                var dheads = results[2].view(n, k, c, pixels).permute(0, 3, 1, 2);
                return new()
                {
                    ["losses"] = [.. Layout.Values(results[0]), .. Layout.Values(results[1])],
                    ["dheads"] = Layout.Values(dheads),
                };
            },
            x0, heads, targets, skip, map, weights, results);
    }

    private static Tensor Product(int branches, Tensor x0, Tensor heads, Tensor skip, Tensor map) => addcmul(bmm(map, heads), skip, x0, 1f);

    private static Tensor OneByOne(int branches, Tensor x0, Tensor heads, Tensor skip, Tensor map)
    {
        var f = heads.split(1, 1);
        var states = new Tensor[branches];
        for (int b = 0; b < branches; b++)
        {
            states[b] = skip.narrow(1, b, 1) * x0;
            for (int j = 0; j <= b; j++)
                states[b] = addcmul(states[b], map.narrow(1, b, 1).narrow(2, j, 1), f[j], 1f);
        }
        return cat(states, 1);
    }

    private static Tensor Rho(Distance distance, Tensor d) => distance switch
    {
        Distance.L1 => d.abs(),
        Distance.L2 => d.square(),
        _ => (d.square() + DenseTrajectoryLoss.Delta * DenseTrajectoryLoss.Delta).sqrt() - DenseTrajectoryLoss.Delta,
    };
}
