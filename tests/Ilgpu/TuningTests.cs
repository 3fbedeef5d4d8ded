using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Convolution;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>The autotuner's choice under a clock that is made up, and the file that remembers it.</summary>
internal sealed class TuningTests
{
    private static readonly TuningKey Key = new("wgrad", Precision.Bf16, 256, 2304, 2048, 9);

    private static readonly TileChoice Rule = new("128x128w64x32s3", 7);

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Create() => _folder = new TemporaryFolder();

    [TearDown]
    public void Delete() => _folder.Dispose();

    private string File => Path.Combine(_folder.Path, "cache", "tune.json");

    [Test]
    public void The_fastest_wins_and_of_equals_the_rules()
    {
        TileChoice[] candidates = [new("64x64w32x32s4", 3), new("64x128w64x32s4", 4), Rule];
        TileChoice Winner(params double[] times)
        {
            TileChoice tried = default;
            var tuner = new Autotuner(launch =>
            {
                launch();
                return times[Array.IndexOf(candidates, tried)];
            });
            var best = tuner.Fastest(Key, candidates, Rule, c => tried = c);
            Assert.That(tuner.Has(Key));
            Assert.That(tuner.Rows.Single().RuleMilliseconds, Is.EqualTo(times[2]));
            return best;
        }
        Assert.That(Winner(3, 1, 2), Is.EqualTo(candidates[1]));
        Assert.That(Winner(1, 1, 1), Is.EqualTo(Rule));
        Assert.That(Winner(1, 1, 2), Is.EqualTo(candidates[0]));
    }

    [Test]
    public void The_file_remembers()
    {
        var table = new TuningTable { [Key] = Rule };
        table.Write(File, "a GPU");
        var (read, notice) = TuningTable.Read(File);
        Assert.That(notice, Is.Null);
        Assert.That(read.TryGet(Key, out var choice));
        Assert.That(choice, Is.EqualTo(Rule));
        foreach (var other in new[] { Key with { M = 255 }, Key with { Taps = 1 }, Key with { Stride = 2 }, Key with { Batch = 2 } })
            Assert.That(read.TryGet(other, out _), Is.False, other.ToString());
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(File)!), Has.Length.EqualTo(1), "nothing is left beside it");
    }

    [TestCase("{ \"choices\": [ { \"operation\": \"wgrad\", \"tile\": \"1x1\" } ] }")]
    [TestCase("{ \"choices\": [ null ] }")]
    [TestCase("{ \"choices\": [ {")]
    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("")]
    public void A_corrupted_file_is_ignored_with_a_line(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, text);
        var (table, notice) = TuningTable.Read(File);
        Assert.That(notice, Does.Contain(File).And.Contain("is ignored").And.Contain("bdense tune"));
        Assert.That(notice, Does.Not.Contain('\n'));
        Assert.That(table.TryGet(Key, out _), Is.False);
    }

    /// <summary>Times of other kernels say nothing about these.</summary>
    [Test]
    public void A_file_of_other_kernels_is_ignored_with_a_line()
    {
        new TuningTable { [Key] = Rule }.Write(File, "a GPU");
        string text = System.IO.File.ReadAllText(File),
            other = text.Replace($"\"kernels\": {TuningTable.KernelVersion},", "\"kernels\": 1,", StringComparison.Ordinal);
        Assert.That(other, Is.Not.EqualTo(text));
        System.IO.File.WriteAllText(File, other);
        var (table, notice) = TuningTable.Read(File);
        Assert.That(notice, Does.Contain("version 1 of the kernels").And.Contain("is ignored").And.Contain("bdense tune"));
        Assert.That(table.TryGet(Key, out _), Is.False);
    }

    [Test]
    public void No_file_is_no_fault() => Assert.That(TuningTable.Read(File).Notice, Is.Null);

    [TestCase("NVIDIA H100 80GB HBM3", "tune-nvidia-h100-80gb-hbm3.json")]
    [TestCase("cpu-haswell (PoCL)/..", "tune-cpu-haswell-pocl.json")]
    public void Each_device_has_its_file(string device, string expected)
    {
        string path = TuningTable.PathFor(device);
        Assert.That(Path.GetFileName(path), Is.EqualTo(expected));
        Assert.That(Path.GetFileName(Path.GetDirectoryName(path)), Is.EqualTo("bdense"));
    }

    /// <summary>
    /// The whole way on a device: a slow clock for the rule's tile makes the other one the choice, also after the next start.
    /// </summary>
    [Test]
    public void A_tuned_device_takes_the_other_tile_and_computes_the_same()
    {
        var s = Conv2dShape.Same(1, 3, 3, 4, 8, 3);
        float[] x = TensorEmulation.Exact(1, s.Input.Length), w = TensorEmulation.Exact(2, s.Weight.Length);
        float[] Convolve(IlgpuBackend backend)
        {
            using var tx = backend.FromArray(x, s.Input);
            using var tw = backend.FromArray(w, s.Weight);
            using var y = backend.Empty(s.Output);
            backend.Conv2d(s, tx, tw, null, y);
            return y.ToArray();
        }
        float[] before;
        IReadOnlyList<TuningRow> rows = [];
        using (var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu"))
        {
            backend.ReadTuning(File);
            before = Convolve(backend);
            int call = 0;
            float[] during = [];
            rows = backend.Tune(() => during = Convolve(backend), timer: launch =>
            {
                launch();
                // The rule's candidate is timed first.
                return call++ == 0 ? 2 : 1;
            });
            Assert.That(during, Is.EqualTo(before));
            Assert.That(Convolve(backend), Is.EqualTo(before));
        }
        Assert.That(rows.Select(r => (r.Operation, r.RuleTile, r.Tile, r.Candidates)), Is.EqualTo(new[] { ("portable", "4x8", "4x4", 2) }));
        using (var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu"))
        {
            backend.ReadTuning(File);
            Assert.That(backend.Notice, Is.Null);
            Assert.That(Convolve(backend), Is.EqualTo(before));
            Assert.That(backend.Decided.Select(d => d.Value.Tile), Is.EqualTo(new[] { PortableTile.Channels4 }));
        }
    }
}

/// <summary>Shapes and demands that a device cannot meet end in a line that names the limit.</summary>
internal sealed class LimitTests
{
    private const int Half = 1 << 16;

    /// <summary>Every operation's tensors are counted in 64 bits before any kernel is chosen.</summary>
    [Test]
    public void A_tensor_that_32_bits_cannot_index_is_refused()
    {
        using var backend = new DryRunBackend();
        using var x = backend.Empty(new Shape(1 << 14, 1 << 16));
        using var small = backend.Empty(new Shape(16));
        (string, Action)[] calls =
        [
            ("a shape", () => _ = new Shape(Half, Half)),
            ("at the limit", () => _ = new Shape(Shape.MaxLength, 1, 2)),
            ("convolution, output", () => backend.Conv2d(Conv2dShape.Same(1 << 14, 256, 256, 1, 16, 1), x, small, null, small)),
            ("convolution, input", () => backend.Conv2d(new(1 << 14, 256, 256, 4, 1, 1, 1, 256), x, small, null, small)),
            ("dgrad", () => backend.Conv2dDgrad(Conv2dShape.Same(1 << 14, 256, 256, 16, 1, 1), x, small, x)),
            ("wgrad", () => backend.Conv2dWgrad(Conv2dShape.Same(1 << 14, 256, 256, 16, 1, 1), x, x, small, null)),
            ("linear", () => backend.Linear(new(1 << 16, 1 << 16, 1), x, small, null, small)),
            ("product", () => backend.MatMul(new(1, 1 << 16, 1, 1 << 16), x, small, small)),
            ("attention", () => backend.Attention(new(1 << 10, 1 << 10, 8, 256), x, x, small)),
        ];
        foreach (var (name, call) in calls)
            Assert.That(call, Throws.TypeOf<BDenseException>().With.Message.Contains($"{Shape.MaxLength} elements"), name);
        Assert.That(new Shape(Shape.MaxLength).Length, Is.EqualTo(Shape.MaxLength));
    }

    [Test]
    public void Padding_that_overflows_is_no_convolution()
    {
        using var backend = new DryRunBackend();
        using var x = backend.Empty(new Shape(16));
        Assert.That(() => backend.Conv2d(new(1, 4, 4, 1, 1, 3, 3, 1, int.MaxValue, int.MaxValue), x, x, null, x),
            Throws.TypeOf<BDenseException>().With.Message.Contains("no such convolution"));
    }

    [Test]
    public void A_launch_that_32_bits_cannot_count_is_refused()
    {
        Assert.That(IlgpuBackend.Threads(Shape.MaxLength), Is.EqualTo(Shape.MaxLength));
        Assert.That(() => IlgpuBackend.Threads(1L << 31),
            Throws.TypeOf<BDenseException>().With.Message.Contains($"{1L << 31} threads").And.Message.Contains($"{Shape.MaxLength}"));
    }

    [Test]
    public void A_group_or_its_memory_that_the_device_has_not_is_refused()
    {
        var kernel = KernelEntry.Of(new ConvolutionKernel(new(128, 256, 64, 64, 3), MmaShape.Tf32, false, false));
        Assert.That(() => IlgpuBackend.RequireFits(kernel, 128, 99 << 10, "gpu"),
            Throws.TypeOf<BDenseException>().With.Message.Contains("groups of 256 threads; gpu has at most 128"));
        Assert.That(() => IlgpuBackend.RequireFits(kernel, 1024, 48 << 10, "gpu"),
            Throws.TypeOf<BDenseException>().With.Message.Contains("73728 bytes of shared memory a group; gpu has 49152"));
        Assert.That(() => IlgpuBackend.RequireFits(kernel, 1024, 99 << 10, "gpu"), Throws.Nothing);
        // And the rule does not ask for it there.
        var large = new TensorProblem(1 << 16, 256, 144, TensorOperation.Convolution);
        Assert.That(TensorPlan.Candidates(large, 99 << 10).Select(c => c.Tile), Does.Contain("128x256w64x64s3"));
        Assert.That(TensorPlan.Candidates(large, 48 << 10).Select(c => c.Tile), Does.Not.Contain("128x256w64x64s3"));
    }
}
