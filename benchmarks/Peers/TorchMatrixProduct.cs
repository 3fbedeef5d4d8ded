using BDense.Benchmarks.Workloads;
using static TorchSharp.torch;

namespace BDense.Peers;

internal static class TorchMatrixProduct
{
    public static IEnumerable<Running> Variants(MatrixProduct work)
    {
        Tensor a = Layout.Make(work.A, work.M, work.K), b = Layout.Make(work.B, work.K, work.N);
        var results = new Kept();
        return
        [
            new Running("",
                () =>
                {
                    using var scope = NewDisposeScope();
                    using var _ = no_grad();
                    results.Keep(mm(a, b));
                },
                () => new() { ["c"] = Layout.Values(results[0]) }, a, b, results),
        ];
    }
}
