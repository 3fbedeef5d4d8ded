using BDense.Benchmarks.Workloads;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace BDense.Peers;

/// <summary>scaled_dot_product_attention: from the packed projections, and from q, k and v apart, as libtorch likes them best.</summary>
internal static class TorchAttention
{
    public static IEnumerable<Running> Variants(SelfAttention work) => [Packed(work), Apart(work)];

    private static Running Packed(SelfAttention work)
    {
        Tensor qkv = Layout.Make(work.Qkv, work.N, work.Tokens, 3, work.Heads, work.HeadSize),
            dy = Layout.Make(work.Dy, work.N, work.Tokens, work.Heads, work.HeadSize);
        qkv.requires_grad = true;
        var results = new Kept();
        return new("packed",
            () =>
            {
                using var scope = NewDisposeScope();
                var parts = qkv.permute(2, 0, 3, 1, 4).unbind(0);
                var y = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2]).transpose(1, 2);
                results.Keep([y, .. autograd.grad([y], [qkv], [dy])]);
            },
            () => new() { ["y"] = Layout.Values(results[0]), ["dqkv"] = Layout.Values(results[1]) },
            qkv, dy, results);
    }

    private static Running Apart(SelfAttention work)
    {
        var parts = new Tensor[3];
        using (NewDisposeScope())
        {
            var packed = tensor(work.Qkv, [work.N, work.Tokens, 3, work.Heads, work.HeadSize]).permute(2, 0, 3, 1, 4).unbind(0);
            for (int i = 0; i < 3; i++)
            {
                parts[i] = packed[i].contiguous().DetachFromDisposeScope();
                parts[i].requires_grad = true;
            }
        }
        using var rows = Layout.Make(work.Dy, work.N, work.Tokens, work.Heads, work.HeadSize);
        using var transposed = rows.transpose(1, 2);
        var dy = transposed.contiguous();
        var results = new Kept();
        return new("q, k, v apart",
            () =>
            {
                using var scope = NewDisposeScope();
                var y = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2]);
                results.Keep([y, .. autograd.grad([y], parts, [dy])]);
            },
            () =>
            {
                using var scope = NewDisposeScope();
                var dqkv = stack([results[1], results[2], results[3]], 0).permute(1, 3, 0, 2, 4);
                return new() { ["y"] = Layout.Values(results[0].transpose(1, 2)), ["dqkv"] = Layout.Values(dqkv) };
            },
            [.. parts, dy, results]);
    }
}
