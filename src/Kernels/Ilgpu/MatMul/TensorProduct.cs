using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>Matrix products on tensor cores: see <see cref="MatrixProductKernel"/>.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>True if it was done, false where the shape or the precision asks for the ordinary kernels.</summary>
    private bool TensorMatMul(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate)
    {
        var precision = ConvolutionPlan.ChooseProduct(Precision, s, AreAligned(a, b, c));
        NoticePrecision("product", s.K, s.N, precision);
        if (precision == Precision.Fp32)
            return false;
        if (c.Length == 0)
            return true;
        bool bf16 = precision == Precision.Bf16;
        using Tensor? shortA = bf16 ? ToBFloat16(a) : null, shortB = bf16 ? ToBFloat16(b) : null;
        var g = new MatrixProductArguments
        {
            A = Address(shortA ?? a),
            B = Address(shortB ?? b),
            C = Address(c),
            M = s.M,
            N = s.N,
            K = s.K,
            Accumulate = accumulate ? 1 : 0,
            Alpha = alpha,
        };
        var problem = new TensorProblem(s.M, s.N, Steps((long)s.K * ShapeOf(precision).ValueBytes), TensorOperation.Product, s.Batch,
            // Of TF32 wgmma takes operands whose sum is innermost alone.
            OnWarpgroups: IsHopper && (bf16 || (!s.TransA && s.TransB)));
        var key = new TuningKey(s.TransA ? "product TN" : s.TransB ? "product NT" : "product NN", precision, s.M, s.N, problem.Steps,
            Batch: s.Batch);
        if (!IsDecided(key, out var choice))
            choice = DecideProduct(key, problem, g, s, c);
        LaunchProduct(choice, precision, problem, g, s, c);
        return true;
    }

    /// <summary>c may be added to: trials write to scratch memory.</summary>
    private TileChoice DecideProduct(in TuningKey key, TensorProblem problem, MatrixProductArguments g, MatMulShape s, Tensor c)
    {
        var precision = key.Precision;
        using var scratch = _tuner is null ? null : Zeros(c.Shape);
        if (scratch is not null)
            g.C = Address(scratch);
        var result = scratch ?? c;
        return Decide(key, problem, choice => LaunchProduct(choice, precision, problem, g, s, result));
    }

    private void LaunchProduct(TileChoice choice, Precision precision, in TensorProblem problem, MatrixProductArguments g,
        in MatMulShape s, Tensor c)
    {
        if (TensorPlan.Find(choice.Tile) is WarpgroupTile wide)
        {
            LaunchWarpgroupProduct(wide, ShapeOf(precision), g, s);
            return;
        }
        var tile = (ProductTile)TensorPlan.Find(choice.Tile);
        bool isSliced = choice.Slices > 1;
        var kernel = new MatrixProductKernel(tile, ShapeOf(precision), s.TransA, !s.TransB, isSliced);
        g.Tiles = Threads((long)problem.Batch * ((g.M + tile.Rows - 1) / tile.Rows) * ((g.N + tile.Columns - 1) / tile.Columns));
        if (!isSliced)
        {
            LaunchWritten(kernel, g.Tiles, g);
            return;
        }
        using var partial = Empty(new Shape(choice.Slices, problem.Batch, g.M, g.N));
        g.C = Address(partial);
        g.StepsPerSlice = (problem.Steps + choice.Slices - 1) / choice.Slices;
        LaunchWritten(kernel, Threads((long)g.Tiles * choice.Slices), g);
        Launch(SumProductSlicesKernel, c.Length, View(partial), choice.Slices, g.Alpha, g.Accumulate, View(c));
    }

    private void LaunchWarpgroupProduct(WarpgroupTile tile, MmaShape shape, in MatrixProductArguments g, in MatMulShape s)
    {
        var kernel = new BulkProductKernel(tile, shape, s.TransA, !s.TransB, IsPersistent: true);
        LaunchWritten(kernel, Math.Min(kernel.Tiles(s.Batch, s.M, s.N), Resident(kernel)), new BulkProductArguments
        {
            A = MapOf(kernel.A.Boxes(g.A, s.Batch, s.M, s.K)),
            B = MapOf(kernel.B.Boxes(g.B, s.Batch, s.N, s.K)),
            C = g.C,
            Batch = s.Batch,
            M = s.M,
            N = s.N,
            K = s.K,
            Accumulate = g.Accumulate,
            Alpha = g.Alpha,
        });
    }

    /// <summary>
    /// c[i] = alpha sum over the slices of partial[slice,i] (+ c[i]), the slices in order. One thread an element; 4 (slices + 1) bytes
    /// moved, 4 more where c is added to.
    /// </summary>
    [Kernel]
    internal static void SumProductSlicesKernel(Index1D i, ArrayView<float> partial, int slices, float alpha, int accumulate,
        ArrayView<float> c)
    {
        float sum = 0f;
        for (int slice = 0; slice < slices; slice++)
            sum += partial[slice * c.IntLength + i];
        sum *= alpha;
        c[i] = accumulate != 0 ? c[i] + sum : sum;
    }
}
