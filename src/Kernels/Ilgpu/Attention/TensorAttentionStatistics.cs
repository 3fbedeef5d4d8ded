using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>Lanes that add up a row, one line of 128 bytes at a time.</summary>
    private const int StatisticsLanes = 8;

    /// <summary>(lse, delta) of each query of each head, by the kernel below; HeadSize is a multiple of 32.</summary>
    private Tensor TensorAttentionStatistics(in AttentionShape s, Tensor dy, Tensor y, Tensor lse)
    {
        var rows = Empty(new Shape(s.LogSumExp.Length, 2));
        int groups = Threads(((long)s.LogSumExp.Length * StatisticsLanes + 127) / 128);
        if (y.Type == ElementType.BFloat16)
            LaunchGroups(TensorAttentionRoundedStatisticsKernel, groups, Geometry(s), Bits4(dy), Bits4(y), View(lse),
                View(rows).Cast<Float2>());
        else
            LaunchGroups(TensorAttentionStatisticsKernel, groups, Geometry(s), View4(dy), View4(y), View(lse), View(rows).Cast<Float2>());
        return rows;
    }

    /// <summary>
    /// rows[r] = (lse[r], dy_r . y_r) for the queries of each head and sample. Eight neighbouring lanes a row, 128 threads a group; their
    /// sums meet by shuffles, in the same order always. 8 d + 12 bytes and 2 d FLOPs a row.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void TensorAttentionStatisticsKernel(AttentionGeometry g, ArrayView<Float4> dy, ArrayView<Float4> y,
        ArrayView<float> lse, ArrayView<Float2> rows) => Statistics<InFloat32, Float4>(g, dy, y, lse, rows);

    /// <summary>The same of BF16: 4 d + 12 bytes a row.</summary>
    [Kernel(128, Hot = true)]
    internal static void TensorAttentionRoundedStatisticsKernel(AttentionGeometry g, ArrayView<BFloat16x4> dy, ArrayView<BFloat16x4> y,
        ArrayView<float> lse, ArrayView<Float2> rows) => Statistics<InBFloat16, BFloat16x4>(g, dy, y, lse, rows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Statistics<TE, T>(AttentionGeometry g, ArrayView<T> dy, ArrayView<T> y, ArrayView<float> lse,
        ArrayView<Float2> rows)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, lane = thread & StatisticsLanes - 1, size = g.HeadSize / 4;
        // Behind the last row the last one again: a warp must not part before the shuffles.
        int row = IntrinsicMath.Min(thread / StatisticsLanes, rows.IntLength - 1);
        var p = Locate(row, g, 1);
        int at = ((p.N * g.Tokens + p.Token) * g.Heads + p.Head) * size;
        var products = new Float4(0f, 0f, 0f, 0f);
        for (int i = lane; i < size; i += StatisticsLanes)
            Float4.AddProduct(ref products, TE.Widen(dy[at + i]), TE.Widen(y[at + i]));
        float delta = Float4.Sum(products);
        delta += Warp.ShuffleXor(delta, 1);
        delta += Warp.ShuffleXor(delta, 2);
        delta += Warp.ShuffleXor(delta, 4);
        // All eight lanes hold the same bits.
        rows[row] = new Float2 { X = lse[row], Y = delta };
    }
}
