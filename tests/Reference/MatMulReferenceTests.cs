using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>Matrix products on the CPU against loops in double precision.</summary>
public sealed class MatMulReferenceTests
{
    private static readonly (int Batch, int M, int N, int K)[] Sizes =
        [(1, 1, 1, 1), (2, 5, 7, 3), (3, 17, 40, 300), (1, 130, 24, 33), (1, 97, 200, 600)];


    [Test]
    public void IsTheSum([ValueSource(nameof(Sizes))] (int Batch, int M, int N, int K) size, [Values] bool transA, [Values] bool transB,
        [Values] bool accumulate, [ValueSource(typeof(Widths), nameof(Widths.Tested))] int lanes)
    {
        var s = new MatMulShape(size.Batch, size.M, size.N, size.K, transA, transB);
        float[] a = ReferenceCheck.Noise(s.A.Length, 1), b = ReferenceCheck.Noise(s.B.Length, 2), c = ReferenceCheck.Noise(s.C.Length, 3);
        const float alpha = 0.75f;
        var expected = new double[c.Length];
        for (int i = 0; i < s.Batch; i++)
            for (int m = 0; m < s.M; m++)
                for (int n = 0; n < s.N; n++)
                {
                    int at = (((i * s.M) + m) * s.N) + n;
                    for (int k = 0; k < s.K; k++)
                    {
                        expected[at] += (double)a[(i * s.M * s.K) + (transA ? (k * s.M) + m : (m * s.K) + k)]
                            * b[(i * s.N * s.K) + (transB ? (n * s.K) + k : (k * s.N) + n)];
                    }
                    expected[at] = (alpha * expected[at]) + (accumulate ? c[at] : 0);
                }

        var results = new List<float[]>();
        foreach (int threads in new[] { 1, 2, 5 })
        {
            using var backend = new ReferenceBackend(threads, lanes);
            using var ta = backend.FromArray(a, s.A);
            using var tb = backend.FromArray(b, s.B);
            using var tc = backend.FromArray(c, s.C);
            backend.MatMul(s, ta, tb, tc, alpha, accumulate);
            results.Add(tc.ToArray());
        }
        ReferenceCheck.Close(results[0], expected, s.K);
        Assert.That(results[1], Is.EqualTo(results[0]));
        Assert.That(results[2], Is.EqualTo(results[0]));
    }
}
