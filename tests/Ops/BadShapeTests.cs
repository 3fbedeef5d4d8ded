using BDense.Cases;
using BDense.Kernels;
using BDense.Kernels.Devices;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>A call with a wrong argument ends in one line that names the operation and the argument; nothing runs.</summary>
[TestFixture]
internal sealed class BadShapeTests
{
    private readonly DryRunBackend _backend = new();
    private readonly List<Tensor> _tensors = [];
    private readonly List<string> _ran = [];

    [OneTimeTearDown]
    public void Close() => _backend.Dispose();

    [SetUp]
    public void Watch() => _backend.OnOp = (op, _) => _ran.Add(op);

    [TearDown]
    public void Free()
    {
        _backend.OnOp = null;
        _tensors.ForEach(t => t.Dispose());
        _tensors.Clear();
        _ran.Clear();
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero);
    }

    /// <summary>A tensor of these extents.</summary>
    private Tensor T(params ReadOnlySpan<int> extents)
    {
        var t = _backend.Empty(new Shape(extents));
        _tensors.Add(t);
        return t;
    }

    private delegate void Call(Backend b, Func<int[], Tensor> t);

    private static IEnumerable<TestCaseData> Calls()
    {
        static TestCaseData Row(string name, string expected, Call call) => new TestCaseData(expected, call).SetArgDisplayNames(name);

        var conv = Conv2dShape.Same(1, 4, 4, 3, 5, 3);
        yield return Row("conv x", "Conv2d: x is 1 x 4 x 4 x 2, expected 1 x 4 x 4 x 3", (b, t) =>
            b.Conv2d(conv, t([1, 4, 4, 2]), t([5, 3, 3, 3]), null, t([1, 4, 4, 5])));
        yield return Row("conv w", "Conv2d: w is 5 x 3 x 3 x 4, expected 5 x 3 x 3 x 3", (b, t) =>
            b.Conv2d(conv, t([1, 4, 4, 3]), t([5, 3, 3, 4]), null, t([1, 4, 4, 5])));
        yield return Row("conv bias", "Conv2d: bias is 4, expected 5", (b, t) =>
            b.Conv2d(conv, t([1, 4, 4, 3]), t([5, 3, 3, 3]), t([4]), t([1, 4, 4, 5])));
        yield return Row("conv y", "Conv2d: y is 1 x 4 x 5 x 5, expected 1 x 4 x 4 x 5", (b, t) =>
            b.Conv2d(conv, t([1, 4, 4, 3]), t([5, 3, 3, 3]), null, t([1, 4, 5, 5])));
        yield return Row("conv kernel larger than image", "Conv2d: no such convolution", (b, t) =>
            b.Conv2d(new(1, 2, 2, 1, 1, 3, 3), t([4]), t([9]), null, t([1])));
        yield return Row("conv stride 0", "Conv2d: no such convolution", (b, t) =>
            b.Conv2d(conv with { Stride = 0 }, t([1]), t([1]), null, t([1])));
        yield return Row("conv no channels", "Conv2d: no such convolution", (b, t) =>
            b.Conv2d(conv with { C = 0 }, t([1]), t([1]), null, t([1])));
        yield return Row("dgrad dy", "Conv2dDgrad: dy is 7, expected 1 x 4 x 4 x 5", (b, t) =>
            b.Conv2dDgrad(conv, t([7]), t([5, 3, 3, 3]), t([1, 4, 4, 3])));
        yield return Row("dgrad dx", "Conv2dDgrad: dx is 7, expected 1 x 4 x 4 x 3", (b, t) =>
            b.Conv2dDgrad(conv, t([1, 4, 4, 5]), t([5, 3, 3, 3]), t([7])));
        yield return Row("wgrad dw", "Conv2dWgrad: dw is 7, expected 5 x 3 x 3 x 3", (b, t) =>
            b.Conv2dWgrad(conv, t([1, 4, 4, 3]), t([1, 4, 4, 5]), t([7]), null));
        yield return Row("wgrad dbias", "Conv2dWgrad: dbias is 7, expected 5", (b, t) =>
            b.Conv2dWgrad(conv, t([1, 4, 4, 3]), t([1, 4, 4, 5]), t([5, 3, 3, 3]), t([7])));
        yield return Row("matmul a", "MatMul: a is 1 x 3 x 3, expected 1 x 2 x 3", (b, t) =>
            b.MatMul(new(1, 2, 4, 3), t([1, 3, 3]), t([1, 3, 4]), t([1, 2, 4])));
        yield return Row("matmul empty", "MatMul: no such product", (b, t) => b.MatMul(new(1, 0, 4, 3), t([1]), t([1]), t([1])));
        yield return Row("groups", "GroupNorm: 6 channels do not divide into 4 groups", (b, t) =>
            b.GroupNorm(new(1, 2, 6, 4, 1e-5f, false), t([12]), t([6]), t([6]), null, t([12]), t([8])));
        yield return Row("groupnorm gamma", "GroupNorm: gamma is 5, expected 6", (b, t) =>
            b.GroupNorm(new(1, 2, 6, 2, 1e-5f, false), t([12]), t([5]), t([6]), null, t([12]), t([4])));
        yield return Row("groupnorm scaleShift", "GroupNorm: scaleShift is 6, expected 1 x 12",
            (b, t) => b.GroupNorm(new(1, 2, 6, 2, 1e-5f, false), t([12]), t([6]), t([6]), t([6]), t([12]), t([4])));
        yield return Row("groupnorm backward stats", "GroupNormBackward: stats is 5, expected 1 x 2 x 2",
            (b, t) => b.GroupNormBackward(new(1, 2, 6, 2, 1e-5f, false), t([12]), t([12]), t([5]), t([6]), t([6]), null, t([12]), t([6]),
                t([6]), null));
        yield return Row("groupnorm backward dscaleShift", "GroupNormBackward: scale and shift have a gradient exactly if they are given",
            (b, t) => b.GroupNormBackward(new(1, 2, 6, 2, 1e-5f, false), t([12]), t([12]), t([4]), t([6]), t([6]), null, t([12]), t([6]),
                t([6]), t([12])));
        yield return Row("silu y", "Silu: y is 4, expected 3", (b, t) => b.Silu(t([3]), t([4])));
        yield return Row("silu dy", "SiluBackward: dy is 4, expected 3", (b, t) => b.SiluBackward(t([4]), t([3]), t([3])));
        yield return Row("attention qkv", "Attention: qkv is 7, expected 1 x 2 x 12", (b, t) =>
            b.Attention(new(1, 2, 1, 4), t([7]), t([8]), t([2])));
        yield return Row("attention head size", "Attention: no such attention", (b, t) =>
            b.Attention(new(1, 2, 1, 257), t([7]), t([8]), t([2])));
        yield return Row("attention backward lse", "AttentionBackward: lse is 3, expected 1 x 1 x 2", (b, t) =>
            b.AttentionBackward(new(1, 2, 1, 4), t([8]), t([24]), t([8]), t([3]), t([24])));
        yield return Row("combination of none", "LinearCombination: 0 coefficients for 0 tensors; 1 to 8 of each", (b, t) =>
            b.LinearCombination([], [], t([3])));
        yield return Row("combination of nine", "LinearCombination: 9 coefficients for 9 tensors; 1 to 8 of each",
            (b, t) => b.LinearCombination(new float[9], [.. Enumerable.Range(0, 9).Select(_ => t([3]))], t([3])));
        yield return Row("combination count", "LinearCombination: 2 coefficients for 1 tensors", (b, t) =>
            b.LinearCombination([1, 2], [t([3])], t([3])));
        yield return Row("combination term", "LinearCombination: a term is 4, expected 3", (b, t) =>
            b.LinearCombination([1, 2], [t([3]), t([4])], t([3])));
        yield return Row("per-sample coefficients", "LinearCombinationPerSample: coefficients 2 x 3 for 1 tensors", (b, t) =>
            b.LinearCombinationPerSample(t([2, 3]), [t([2, 5])], t([2, 5])));
        yield return Row("per-sample division", "LinearCombinationPerSample: 5 does not divide into 2 samples", (b, t) =>
            b.LinearCombinationPerSample(t([2, 1]), [t([5])], t([5])));
        yield return Row("clamp range", "Clamp: no range: 1 to -1", (b, t) => b.Clamp(t([3]), 1, -1, t([3])));
        yield return Row("clamp NaN range", "Clamp: no range: NaN to 1", (b, t) => b.Clamp(t([3]), float.NaN, 1, t([3])));
        yield return Row("broadcast e", "BroadcastAdd: 2 x 4 does not broadcast over 2 x 9 x 3", (b, t) =>
            b.BroadcastAdd(t([2, 9, 3]), t([2, 4]), t([2, 9, 3])));
        yield return Row("broadcast gradient", "BroadcastAddBackward: 3 x 3 does not broadcast over 2 x 9 x 3", (b, t) =>
            b.BroadcastAddBackward(t([2, 9, 3]), t([3, 3])));
        yield return Row("concat channels", "Concat: channels of 2 x 3 and 2 x 4 do not make 2 x 8", (b, t) =>
            b.Concat(t([2, 3]), t([2, 4]), t([2, 8])));
        yield return Row("split pixels", "Split: channels of 2 x 3 and 3 x 4 do not make 2 x 7", (b, t) =>
            b.Split(t([2, 7]), t([2, 3]), t([3, 4])));
        yield return Row("downsample odd", "Downsample: 1 x 5 x 4 x 2 is not twice as large as 1 x 2 x 2 x 2", (b, t) =>
            b.Downsample(t([1, 5, 4, 2]), t([1, 2, 2, 2])));
        yield return Row("upsample channels", "Upsample: 1 x 4 x 4 x 3 is not twice as large as 1 x 2 x 2 x 2", (b, t) =>
            b.Upsample(t([1, 2, 2, 2]), t([1, 4, 4, 3])));
        yield return Row("dropout p 1", "Dropout: a dropout probability lies in [0, 1), not 1", (b, t) =>
            b.Dropout(t([3]), 1f, default, t([3])));
        yield return Row("dropout p NaN", "Dropout: a dropout probability lies in [0, 1), not NaN", (b, t) =>
            b.Dropout(t([3]), float.NaN, default, t([3])));
        yield return Row("embedding y", "Embedding: y is 2 x 5, expected 2 x 6", (b, t) => b.Embedding(t([2]), t([3]), t([2, 5]), false));
        yield return Row("sum y", "Sum: y is 2, expected 1", (b, t) => b.Sum(t([3]), t([2])));
        yield return Row("adam step 0", "Adam: steps are counted from 1, not 0", (b, t) =>
            b.Adam(new(1e-3f, 0), t([3]), t([3]), t([3]), t([3]), null, t([1])));
        yield return Row("adam ema", "Adam: ema is 4, expected 3", (b, t) =>
            b.Adam(new(1e-3f, 1), t([3]), t([3]), t([3]), t([3]), t([4]), t([1])));
        yield return Row("adam norm", "Adam: squaredNorm is 2, expected 1", (b, t) =>
            b.Adam(new(1e-3f, 1), t([3]), t([3]), t([3]), t([3]), null, t([2])));
        yield return Row("nine branches", "TrajectoryStates: 9 branches; 1 to 8 are possible", (b, t) =>
            b.TrajectoryStates(new(1, 1, 1, 9), t([1]), t([9]), t([9]), t([81]), t([9])));
        yield return Row("no branches backward", "TrajectoryStatesBackward: 0 branches; 1 to 8 are possible", (b, t) =>
            b.TrajectoryStatesBackward(new(1, 1, 1, 0), t([1]), t([1]), t([1])));
        yield return Row("trajectory map", "TrajectoryLoss: map is 2, expected 1 x 2 x 2",
            (b, t) => b.TrajectoryLoss(new(1, 4, 1, 2), Distance.L2, 0, t([4]), t([8]), t([8]), t([2]), t([2]), t([2]), t([8]), t([3])));
        yield return Row("pseudo-Huber delta", "TrajectoryLoss: pseudo-Huber needs a delta above 0, not 0",
            (b, t) => b.TrajectoryLoss(new(1, 4, 1, 1), Distance.PseudoHuber, 0, t([4]), t([4]), t([4]), t([1]), t([1]), t([1]), t([4]),
                t([2])));
        yield return Row("trajectory losses", "TrajectoryLoss: losses is 1, expected 2",
            (b, t) => b.TrajectoryLoss(new(1, 4, 1, 1), Distance.L1, 0, t([4]), t([4]), t([4]), t([1]), t([1]), t([1]), t([4]), t([1])));
    }

    [TestCaseSource(nameof(Calls))]
    public void A_wrong_argument_is_named(string expected, object call)
    {
        string message = Assert.Throws<BDenseException>(() => ((Call)call)(_backend, e => T(e)))!.Message;
        Assert.That(message, Does.StartWith(expected).And.Not.Contain('\n'));
        Assert.That(_ran, Is.Empty);
    }

    // Operations of which any length is right.
    private static IEnumerable<OpCase> Rows => CaseList.Of(CaseSize.Tiny)
        .Where(row => row.Operands.Length > 1 && row.Operands[0].Shape.Length > 4)
        .DistinctBy(row => row.Op);

    [TestCaseSource(nameof(Rows))]
    public void Every_operand_of_every_operation_is_held_to_its_shape(OpCase row)
    {
        for (int k = 0; k < row.Operands.Length; k++)
        {
            if (row.Op is "Sum" or "SumOfSquares" && k == 0)
                continue;
            var tensors = row.Operands.Select((o, i) => i == k ? T(o.Shape.Length + 1) : T(o.Shape.ToArray())).ToArray();
            string message = Assert.Throws<BDenseException>(() => row.Run(_backend, tensors),
                $"{row.Name}: {row.Operands[k].Name}")!.Message;
            string op = row.Op.Replace("Linear", "Conv2d", StringComparison.Ordinal);
            Assert.That(message, Does.Match($"^({row.Op}|{op}|LinearCombination): [^\n]*$"));
        }
        Assert.That(_ran, Is.Empty);
    }

    [Test]
    public void A_tensor_of_another_backend_is_refused()
    {
        using var other = new DryRunBackend();
        using var y = other.Empty(new(3));
        var x = T(3);
        Assert.That(() => _backend.Silu(x, y),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("Silu: y lives on dry-run, not on dry-run"));
        Assert.That(() => _backend.Copy(x, y),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("LinearCombination: y lives on dry-run, not on dry-run"));
        Assert.That(() => _backend.Copy(y, x), Throws.TypeOf<BDenseException>());
        Assert.That(() => other.Fill(x, 0), Throws.TypeOf<BDenseException>());
    }

    [Test]
    public void A_disposed_tensor_is_refused()
    {
        var (x, y) = (T(3), T(3));
        y.Dispose();
        Assert.That(() => _backend.Silu(x, y), Throws.TypeOf<ObjectDisposedException>().With.Message.Contains("y"));
        Assert.That(() => _backend.Copy(x, y), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => _backend.Fill(y, 1), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(_ran, Is.Empty);
    }
}
