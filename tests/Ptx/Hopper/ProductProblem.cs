using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Hopper;

namespace BDense.Tests.Ptx.Hopper;

/// <summary>A batch of products of random matrices, and their results by plain loops in double precision.</summary>
internal sealed class ProductProblem
{
    public const float Alpha = 0.5f;

    private readonly int _batch;
    private readonly bool _outermostA, _outermostB;
    private readonly MmaShape _shape;

    public ProductProblem(int batch, int m, int n, int k, MmaShape shape, bool outermostA, bool outermostB)
    {
        (_batch, M, N, K, _shape, _outermostA, _outermostB) = (batch, m, n, k, shape, outermostA, outermostB);
        var random = new Random(1);
        A = WrittenLaunch.Rounded(random, batch * m * k, shape);
        B = WrittenLaunch.Rounded(random, batch * n * k, shape);
        C = WrittenLaunch.Rounded(random, batch * m * n, shape);
    }

    public int M { get; }

    public int N { get; }

    public int K { get; }

    public float[] A { get; }

    public float[] B { get; }

    public float[] C { get; }

    public int Tiles(WarpgroupTile tile) => _batch * ((M + tile.Rows - 1) / tile.Rows) * ((N + tile.Columns - 1) / tile.Columns);

    public (BulkProductArguments Arguments, long C) Arguments(WrittenLaunch gpu, BulkProductKernel kernel)
    {
        long c = gpu.Put(C);
        return (new BulkProductArguments
        {
            A = WrittenLaunch.Map(kernel.A.Boxes(gpu.Put(A, _shape), _batch, M, K)),
            B = WrittenLaunch.Map(kernel.B.Boxes(gpu.Put(B, _shape), _batch, N, K)),
            C = c,
            Batch = _batch,
            M = M,
            N = N,
            K = K,
            Accumulate = 1,
            Alpha = Alpha,
        }, c);
    }

    public double[] Expected()
    {
        var expected = new double[C.Length];
        for (int i = 0; i < expected.Length; i++)
        {
            var (z, row, column) = (i / (M * N), i / N % M, i % N);
            double sum = 0;
            for (int s = 0; s < K; s++)
                sum += (double)A[z * M * K + (_outermostA ? s * M + row : row * K + s)]
                    * B[z * N * K + (_outermostB ? s * N + column : column * K + s)];
            expected[i] = Alpha * sum + C[i];
        }
        return expected;
    }
}
