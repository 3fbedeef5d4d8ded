using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>
    /// Matrix products on tensor cores: true if it was done, false where the shape or the precision asks for the ordinary kernels.
    /// </summary>
    private bool TensorMatMul(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate)
    {
        var precision = ConvolutionPlan.ChooseProduct(Precision, s, AreAligned(a, b, c));
        NoticePrecision("product", s.K, s.N, precision);
        if (precision == Precision.Fp32)
            return false;
        bool bf16 = precision == Precision.Bf16;
        using Tensor? shortA = bf16 ? ToBFloat16(a) : null, shortB = bf16 ? ToBFloat16(b) : null;
        var g = new TensorProduct
        {
            A = Address(shortA ?? a),
            B = Address(shortB ?? b),
            C = Address(c),
            Batch = s.Batch,
            M = s.M,
            N = s.N,
            K = s.K,
            ValueBytes = bf16 ? 2 : 4,
            Accumulate = accumulate ? 1 : 0,
            Alpha = alpha,
        };
        var p = g.Problem;
        var key = new TuningKey(s.TransA ? "product TN" : s.TransB ? "product NT" : "product NN", precision, p.M, p.N, p.Steps,
            Batch: p.Batch);
        if (!IsDecided(key, out var choice))
            choice = DecideProduct(key, g, c);
        LaunchProduct(choice, key, g);
        return true;
    }

    private TensorChoice DecideProduct(TuningKey key, TensorProduct g, Tensor c)
    {
        var p = g.Problem;
        // c may be added to: trials write to scratch memory.
        using var scratch = _tuner is null ? Empty(new Shape(0)) : Zeros(c.Shape);
        if (_tuner is not null)
            g.C = Address(scratch);
        return Decide(key, [.. TensorPlan.Candidates(p, SharedLimit)], TensorPlan.Choose(p, _accelerator.NumMultiprocessors, SharedLimit),
            choice => LaunchProduct(choice, key, g));
    }

    private void LaunchProduct(TensorChoice choice, in TuningKey key, in TensorProduct g)
    {
        var tile = TensorPlan.Find(choice.Tile);
        int groups = Threads((long)g.Batch * ((g.M + tile.Rows - 1) / tile.Rows) * ((g.N + tile.Columns - 1) / tile.Columns));
        LaunchGroups(ProductKernel(key.Operation, choice.Tile, key.Precision), groups, g);
    }

    private static Action<TensorProduct> ProductKernel(string operation, TileName tile, Precision precision) =>
        (operation, tile, precision) switch
        {
            ("product NN", TileName.T128x256, Precision.Tf32) => TensorProductNN128x256Tf32Kernel,
            ("product NN", TileName.T128x256, _) => TensorProductNN128x256Bf16Kernel,
            ("product NN", TileName.T128x128x4, Precision.Tf32) => TensorProductNN128x128x4Tf32Kernel,
            ("product NN", TileName.T128x128x4, _) => TensorProductNN128x128x4Bf16Kernel,
            ("product NN", TileName.T64x64, Precision.Tf32) => TensorProductNN64x64Tf32Kernel,
            ("product NN", TileName.T64x64, _) => TensorProductNN64x64Bf16Kernel,
            ("product NT", TileName.T128x256, Precision.Tf32) => TensorProductNT128x256Tf32Kernel,
            ("product NT", TileName.T128x256, _) => TensorProductNT128x256Bf16Kernel,
            ("product NT", TileName.T128x128x4, Precision.Tf32) => TensorProductNT128x128x4Tf32Kernel,
            ("product NT", TileName.T128x128x4, _) => TensorProductNT128x128x4Bf16Kernel,
            ("product NT", TileName.T64x64, Precision.Tf32) => TensorProductNT64x64Tf32Kernel,
            ("product NT", TileName.T64x64, _) => TensorProductNT64x64Bf16Kernel,
            ("product TN", TileName.T128x256, Precision.Tf32) => TensorProductTN128x256Tf32Kernel,
            ("product TN", TileName.T128x256, _) => TensorProductTN128x256Bf16Kernel,
            ("product TN", TileName.T128x128x4, Precision.Tf32) => TensorProductTN128x128x4Tf32Kernel,
            ("product TN", TileName.T128x128x4, _) => TensorProductTN128x128x4Bf16Kernel,
            ("product TN", TileName.T64x64, Precision.Tf32) => TensorProductTN64x64Tf32Kernel,
            ("product TN", TileName.T64x64, _) => TensorProductTN64x64Bf16Kernel,
            _ => throw new InvalidOperationException($"{tile} has no {operation}"),
        };
}
