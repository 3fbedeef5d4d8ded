using BDense.Kernels;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Reference;

/// <summary>
/// Runs an operation at every register width with 1, 2 and 5 threads, holds the results of one width to the same bits, and compares
/// them with plain loops in double precision.
/// </summary>
[TestFixture(1), TestFixture(4), TestFixture(8), TestFixture(16)]
public abstract class ReferenceTest(int lanes)
{
    [OneTimeSetUp]
    public void SkipOtherWidths()
    {
        if (!Widths.Tested.Contains(lanes))
            Assert.Ignore($"registers of {lanes} floats are switched off");
    }

    /// <summary>Numbers in [-2, 2], the same on every machine.</summary>
    protected static float[] Values(int length, int seed)
    {
        var random = new Random(seed);
        var values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = (float)(4 * random.NextDouble() - 2);
        return values;
    }

    /// <summary>
    /// Uploads the inputs, runs, downloads the outputs (uploaded with what they held before); also checks that nothing leaks.
    /// </summary>
    protected float[][] Run(float[][] inputs, float[][] outputs, Action<Backend, Tensor[], Tensor[]> op)
    {
        float[][]? first = null;
        foreach (int threads in (int[])[1, 2, 5])
        {
            using var backend = new ReferenceBackend(threads, lanes);
            var x = Array.ConvertAll(inputs, a => backend.FromArray(a, new Shape(a.Length)));
            var y = Array.ConvertAll(outputs, a => backend.FromArray(a, new Shape(a.Length)));
            long bytes = backend.Pool.CurrentBytes;
            op(backend, x, y);
            Assert.That(backend.Pool.CurrentBytes, Is.EqualTo(bytes), "scratch memory was not returned");
            var result = Array.ConvertAll(y, t => t.ToArray());
            Array.ForEach(x, t => t.Dispose());
            Array.ForEach(y, t => t.Dispose());
            if (first is null)
                first = result;
            else
            {
                for (int i = 0; i < first.Length; i++)
                    Assert.That(result[i].AsSpan().SequenceEqual(first[i]) || Bits(result[i]).SequenceEqual(Bits(first[i])),
                        $"output {i}: other bits with {threads} threads");
            }
        }
        return first!;
    }

    /// <summary>|actual - expected| at most tolerance * (1 + |expected|), everywhere.</summary>
    protected static void Close(float[] actual, Func<int, double> expected, double tolerance, string what)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            double e = expected(i);
            if (!(Math.Abs(actual[i] - e) <= tolerance * (1 + Math.Abs(e))))
                Assert.Fail($"{what}[{i}] is {actual[i]}, expected {e}");
        }
    }

    private static IEnumerable<int> Bits(float[] x) => x.Select(BitConverter.SingleToInt32Bits);
}
