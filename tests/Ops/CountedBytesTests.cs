using System.Reflection;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Profiling;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>
/// What operations declare, held against what a virtual GPU counts: between memory and the second-level cache each launch moves what is
/// declared, and lanes ask for it once, but for the passes of <see cref="Exceptions"/>.
/// </summary>
[TestFixture]
[Category("CUDA")]
internal sealed class CountedBytesTests
{
    /// <summary>For statistics, counters and coefficients that declarations leave out, and sectors that are written in part.</summary>
    private const double Slack = 0.06;

    /// <param name="Operation">As the catalogue has it; * at its end stands for any rest.</param>
    /// <param name="Pass">forward, backward, dgrad, wgrad.</param>
    /// <param name="Read">Bytes read from memory over those that are declared, at most.</param>
    /// <param name="Written">Likewise.</param>
    /// <param name="Asked">Bytes that lanes ask to read over those that are declared to be read, at most.</param>
    /// <param name="Why">It is not 1.</param>
    private sealed record Excess(string Operation, string Pass, double Read, double Written, double Asked, string Why);

    private static readonly Excess[] Exceptions =
    [
        new("conv2d", "forward", 1.4, 1.6, 8.7,
            "weights are exchanged to RSCK by a launch of their own; tiles load their pixels and weights each for itself"),
        new("conv2d", "dgrad", 1, 1, 8.3, "tiles load their pixels and weights each for itself"),
        new("conv2d", "wgrad", 3.2, 9.1, 7.6, "slices of the sum over pixels are written, and added up by a launch of their own"),
        new("fused-conv2d-prologue", "forward", 1.4, 1.6, 19.2, "as conv2d, and every tap asks for its channel's factors"),
        new("fused-conv2d-prologue", "wgrad", 3.2, 9.1, 14.1, "as conv2d, and every pixel asks for its channel's factors"),
        new("fused-conv2d-epilogue", "forward", 1.3, 1.6, 6.1, "as conv2d"),
        new("fused-conv2d-moments", "forward", 1.3, 1.6, 6.1, "as conv2d"),
        new("fused-conv2d-up", "forward", 1.45, 1, 50.1, "the 4x4 weights are written and read; plain tiles ask for each value many times"),
        new("fused-conv2d-up", "dgrad", 1.4, 1.85, 3.5, "the 4x4 weights are written, exchanged and read"),
        new("fused-conv2d-up", "wgrad", 1.45, 1.85, 2.6, "slices of the sum, and the gradient of the 4x4 weights"),
        new("fused-conv2d-down", "forward", 1.15, 1.3, 3.2, "as conv2d"),
        new("fused-conv2d-down", "dgrad", 1, 1, 6.6, "as conv2d"),
        new("fused-conv2d-down", "wgrad", 1.9, 3.9, 3.6, "as conv2d"),
        new("upsample-weights", "forward", 1, 1, 4, "each weight is in up to four sums"),
        new("upsample-weights", "backward", 1, 1, 1.8, "each is the sum of four"),
        new("linear", "forward", 1.8, 5, 20.1, "as conv2d, with few rows to share what is loaded"),
        new("linear", "dgrad", 1, 1, 19.3, "few rows to share what is loaded"),
        new("linear", "wgrad", 1.9, 2, 2.6, "slices of the sum"),
        new("matmul*", "forward", 1, 1, 3, "tiles load their rows and columns each for itself"),
        new("attention", "forward", 1, 1, 5.4, "each block of queries loads all keys and values"),
        new("attention", "backward", 2.05, 1.05, 13.7, "two launches, for queries and for keys and values, read all of q, k, v and dy"),
        new("softmax", "forward", 2.3, 1.3, 5.8, "x is read for the sums and again for the result; each row's 32 shares are written"),
        new("softmax", "backward", 2.1, 1.2, 2.6, "dy and y are read for the sums and again for the result"),
        new("group-norm-factors", "forward", 1.05, 2.7, 2.1, "chunks' sums are written; the second pass over x comes from a cache"),
        new("group-norm-moments", "forward", 1.05, 1.05, 5.6, "every element asks for its group's and channel's figures"),
        new("group-norm*", "forward", 2.05, 1.05, 5.6,
            "x is read for the statistics and again for the result; every element asks for its group's and channel's figures"),
        new("group-norm*", "backward", 2.1, 1.1, 4.7, "dy and x are read for the sums and again for the result"),
        new("scale-shift", "forward", 1, 1, 3, "every element asks for its channel's factors"),
        new("broadcast-add", "forward", 1, 1, 2, "every element asks for its channel's value"),
        new("broadcast-add", "backward", 1.05, 5, 1.05, "chunks' sums are written first"),
        new("downsample", "backward", 1, 1, 4, "each value is copied to four"),
        new("upsample", "forward", 1, 1, 4, "each value is copied to four"),
        new("linear-combination-per-sample", "forward", 1, 1, 2, "every element asks for its sample's coefficients"),
        new("embedding", "forward", 1, 1, 86, "every feature asks for its sample's time and its frequency"),
        new("adam", "forward", 1, 1, 1.2, "every element asks for the norm of the gradient"),
        new("sum*", "forward", 1.05, 4200, 1.05, "sums of threads are written first; one number is declared"),
        new("trajectory-loss", "forward", 1.2, 1.35, 3.9,
            "every element asks for its sample's coefficients; threads' sums of the losses are written first"),
        new("trajectory-states", "forward", 1.05, 1.05, 5.7, "every element asks for its sample's coefficients"),
        new("trajectory-states", "backward", 1.05, 1.05, 5.1, "every element asks for its sample's coefficients"),
    ];

    private static IEnumerable<TestCaseData> Rows()
    {
        // Without a virtual GPU nothing counts.
        if (!DeviceFixtures.IsVirtual(DeviceFixtures.CudaDevice))
            yield break;
        foreach (var operation in OperationCatalog.All)
            yield return new TestCaseData(operation).SetName($"{{m}}({operation.Name})");
    }

    [TestCaseSource(nameof(Rows))]
    public void Declared_bytes_are_the_counted_ones(CatalogOperation operation)
    {
        using var lease = Backends.Borrow(DeviceFixtures.CudaDevice);
        var passes = Profiler.On(lease.Backend).Run(operation, operation.Usual);
        Assert.Multiple(() =>
        {
            foreach (var pass in passes)
            {
                var most =
                    Exceptions.FirstOrDefault(e =>
                        e.Pass == pass.Name
                            && (e.Operation == operation.Name
                                || (e.Operation[^1] == '*' && operation.Name.StartsWith(e.Operation[..^1], StringComparison.Ordinal))));
                Held("read", pass.MemoryBytesRead, pass.Declared.BytesRead, most?.Read);
                Held("written", pass.MemoryBytesWritten, pass.Declared.BytesWritten, most?.Written);
                Held("asked", pass.BytesAskedRead, pass.Declared.BytesRead, most?.Asked);

                void Held(string what, long counted, long declared, double? factor)
                {
                    TestContext.Out.WriteLine(
                        FormattableString.Invariant($"{pass.Name}, {what}: {counted} of {declared}, {(double)counted / declared:0.000}"));
                    Assert.That(counted, Is.GreaterThanOrEqualTo((1 - Slack) * declared), $"{pass.Name}, {what}: less than declared");
                    // Nothing declared: a few coefficients.
                    Assert.That(counted, Is.LessThanOrEqualTo(Math.Max(1024, (1 + Slack) * (factor ?? 1) * declared)),
                        $"{pass.Name}, {what}: {most?.Why ?? "more than declared"}");
                }
            }
        });
    }

    [Test]
    public void The_catalogue_reaches_every_operation()
    {
        var reached = new SortedSet<string>();
        using var backend = new WithFusions();
        backend.OnOp = (op, _) => reached.Add(op);
        foreach (var operation in OperationCatalog.All)
        {
            using var operands = new OperandSource(backend);
            foreach (var pass in operation.Make(operands, operation.Usual))
                pass.Run();
        }
        var all = typeof(Backend).GetMethods(BindingFlags.Instance | BindingFlags.NonPublic)
            .Where(m => m.IsAbstract && m.Name.EndsWith("Core", StringComparison.Ordinal))
            .Select(m => m.Name[..^"Core".Length]).Where(name => name is not ("Upload" or "Download"));
        Assert.That(all, Is.SubsetOf(reached));
    }

    [TestCase("conv2d", "4x16x64")]
    [TestCase("copy", "0")]
    [TestCase("copy", "-1")]
    [TestCase("matmul", "256x256x1e3")]
    public void A_shape_that_is_none_of_the_operation_is_refused_with_the_one_that_is(string operation, string shape)
    {
        var row = OperationCatalog.Find(operation)!;
        Assert.That(() => row.Parse(shape), Throws.TypeOf<UsageException>().With.Message.Contains(row.ExtentsText));
    }

    [TestCase("GroupNormSilu", "group-norm-silu")]
    [TestCase("matmul-BT", "matmul-bt")]
    public void Operations_are_found_by_their_methods_name_too(string name, string operation) =>
        Assert.That(OperationCatalog.Find(name)?.Name, Is.EqualTo(operation));

    /// <summary>A device that fuses everything, so that the fused operations are reached.</summary>
    private sealed class WithFusions : DryRunBackend
    {
        public override ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) =>
            base.SupportOf(s, resampling) with { Forward = ConvolutionParts.All };
    }
}
