using BDense.Benchmarks.Workloads;
using BDense.Cases;
using BDense.Cases.Ops;
using BDense.Cases.Timing;
using NUnit.Framework;
using static BDense.Cases.Operand;

namespace BDense.Tests.Ops;

/// <summary>The verb <c>ops</c>: what it takes, what it says, and rows of a project's own.</summary>
[TestFixture, NonParallelizable]
internal sealed class OpsCommandTests
{
    private static (int Code, string Output, string Error) Run(string arguments, params CaseSet[] sets)
    {
        var (output, error) = (Console.Out, Console.Error);
        using StringWriter written = new(), told = new();
        try
        {
            Console.SetOut(written);
            Console.SetError(told);
            string[] words = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            int code = OpsCommand.Run(words, sets.Length > 0 ? sets : [CaseSet.Library]);
            return (code, written.ToString(), told.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>An operation from outside: y = 2 x, by what the library has.</summary>
    private static CaseSet Doubling(float factor) => new(
    [
        new("Doubling", "100", [In("x", new(100)), Out("y", new(100))], (b, t) => b.Scale(t[0], factor, t[1]),
            d => d[1] = Array.ConvertAll(d[0], v => 2 * v))
        { Size = CaseSize.Tiny, Tolerance = Tolerance.Exact },
    ],
    [new("Doubling", "3", [[1, 2, 3]], d => Array.ConvertAll(d[0], v => 2 * v), (_, v) => [Array.ConvertAll(v, g => factor * g)])]);

    [Test]
    public void Without_a_name_operations_are_listed()
    {
        var (code, output, _) = Run("");
        Assert.That(code, Is.Zero);
        Assert.That(Lines(output), Is.EqualTo(CaseList.All.Select(row => row.Op).Distinct().Order(StringComparer.Ordinal)));
    }

    [TestCase("GroupNrom", "ops: no operation 'GroupNrom'; did you mean 'GroupNorm'?")]
    [TestCase("Xyzzy", "ops: no operation 'Xyzzy'; without a name they are listed")]
    [TestCase("Silu --size hug", "ops: --size knows tiny, small, large, huge or all, not 'hug'; did you mean 'huge'?")]
    [TestCase("Silu --only nothing", "ops: no row's label contains 'nothing'; --size all --list names them all")]
    [TestCase("Silu --device gpu",
        "ops: unknown device 'gpu'; did you mean 'cuda'? Use auto, cpu, cuda[:i], virtual[:a100], opencl[:i] or ilgpu-cpu")]
    [TestCase("Silu --sizes tiny", "ops: no option '--sizes'; --help lists them")]
    public void What_cannot_be_is_one_line_and_exit_code_2(string arguments, string line)
    {
        var (code, output, error) = Run(arguments);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(Lines(error), Is.EqualTo(new[] { line }));
        Assert.That(output, Is.Empty);
    }

    [TestCase("Silu --seconds -1"), TestCase("Silu --precision fp8")]
    public void An_option_s_value_is_checked(string arguments) => Assert.That(Run(arguments).Code, Is.EqualTo(2));

    [TestCase("silu --list", new[] { "Silu 16777216" })]
    [TestCase("Silu --list --size tiny", new[] { "Silu 1", "Silu 19 far", "Silu 67" })]
    [TestCase("'Silu* --list", null)]
    [TestCase("Silu* --list --size small", new[] { "Silu 100003", "SiluBackward 100003" })]
    [TestCase("Silu SiluBackward --list --size all --only far", new[] { "Silu 19 far", "SiluBackward 19 far" })]
    [TestCase("Silu --list --device ilgpu-cpu --only far", new[] { "Silu 19 far" })]
    public void Names_sizes_and_labels_choose_rows(string arguments, string[]? rows)
    {
        var (code, output, _) = Run(arguments);
        Assert.That(code, Is.EqualTo(rows is null ? 2 : 0));
        Assert.That(Lines(output), Is.EqualTo(rows ?? []));
    }

    [Test]
    public void Every_operation_has_a_large_row()
    {
        foreach (string op in CaseSet.Library.Ops)
            Assert.That(CaseList.All.Any(row => row.Op == op && row.Size == CaseSize.Large), Is.True, op);
    }

    [Test]
    public void Rows_are_timed_on_the_reference()
    {
        var (code, output, error) = Run("Silu --device cpu --size small --seconds 0.01");
        Assert.That((code, error), Is.EqualTo((0, "")));
        Assert.That(Lines(output), Has.Length.EqualTo(4));
        Assert.That(Lines(output)[0], Does.StartWith("cpu: "));
        Assert.That(Lines(output)[1], Does.Match(@"^roofs: copy [0-9.]+ GB/s; [0-9.]+ GFLOP/s \(.+\)$"));
        Assert.That(Lines(output)[3], Does.Match(@"^Silu 100003 +[0-9.]+ +[0-9.]+% +[0-9.]+ +[0-9.]+ +[0-9.]+%  memory$"));
    }

    [Test]
    public void A_device_in_software_is_counted()
    {
        var (code, output, _) = Run("Silu --device virtual --only far");
        Assert.That(code, Is.Zero);
        Assert.That(Lines(output)[^1], Does.Match(@"^Silu 19 far +[0-9]+ +0.2 kB +0.2 kB +0.2 kB +1  \w+"));
    }

    [Test]
    public void Operations_from_outside_are_checked_and_timed()
    {
        Assert.That(Lines(Run("--check --device cpu", Doubling(2)).Output)[^1], Is.EqualTo("1 rows, 1 gradients, 0 kernels: all right"));
        var (code, output, _) = Run("Doubling --device cpu --seconds 0.01", Doubling(2));
        Assert.That(code, Is.Zero);
        Assert.That(Lines(output)[^1], Does.StartWith("Doubling 100 "));
        Assert.That(Run("Silu", Doubling(2)).Code, Is.EqualTo(2), "the library's own were not handed over");
    }

    [Test]
    public void A_check_that_fails_says_what_is_wrong()
    {
        var (code, output, _) = Run("--check --device cpu", Doubling(2.5f));
        Assert.That(code, Is.EqualTo(1));
        string[] lines = Lines(output);
        Assert.That(lines, Has.Length.EqualTo(5));
        Assert.That(lines[1], Does.StartWith("Doubling 100: y[").And.EndsWith("[Oracle]"));
        Assert.That(lines[2], Does.StartWith("Doubling 100: y[").And.EndsWith("[Unaligned]"));
        Assert.That(lines[3], Does.StartWith("Doubling 3: input 0, element 0: backward gives").And.EndsWith("[Gradient]"));
        Assert.That(lines[4], Is.EqualTo("1 rows, 1 gradients, 0 kernels: 3 findings"));
    }

    /// <summary>Names on record: benchmarks that draw their shapes from the case list have the rows that they had.</summary>
    [Test]
    public void Benchmarks_of_single_operations_are_the_large_rows()
    {
        string[] names = [.. Catalog.All.Select(work => work.Name)];
        Assert.That(names, Is.Unique.And.Length.EqualTo(49));
        Assert.That(names, Is.SupersetOf(new[]
        {
            "conv3x3 16x64x32 forward", "conv3x3 16x256x8 forward+backward", "conv3x3 16x3x32 to 64 forward+backward",
            "conv1x1 16x128x16 forward", "conv1x1 16x128x32 to 64 forward+backward", "groupnorm+silu 64x32x16 forward+backward",
            "attention 16x256 4x32 forward+backward",
            "adam+ema 1048576", "trajectory loss 64x3x32 K=4 pseudo-huber", "trajectory loss 16x3x16 K=4 l2", "gemm 64x512x128",
        }));
        Assert.That(Catalog.All.OfType<Convolution>().Select(c => c.Shape).Distinct(),
            Is.SubsetOf(Conv2dCases.Blocks.Concat(Conv2dCases.Ends)));
    }
}
