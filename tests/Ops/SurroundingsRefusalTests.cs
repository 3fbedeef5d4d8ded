using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>A device does what a plan has within its launches, or says that it has no such launch: it composes nothing by itself.</summary>
public sealed class SurroundingsRefusalTests
{
    private const ConvolutionParts None = ConvolutionParts.None, Pro = ConvolutionParts.Prologue, Res = ConvolutionParts.Resampling,
        Epi = ConvolutionParts.Epilogue;

    private static readonly Conv2dShape s_shape = Conv2dShape.Same(1, 4, 4, 4, 8, 3);

    [TestCase("ilgpu-cpu", Resampling.None, Pro, 0, "Prologue", TestName = "The cache's kernels have no prologue")]
    [TestCase("ilgpu-cpu", Resampling.Up, Pro | Res, 0, "Prologue, Resampling", TestName = "nor with copies behind it")]
    [TestCase("ilgpu-cpu", Resampling.Down, Res, 0, "Resampling", TestName = "no means in the load")]
    [TestCase("ilgpu-cpu", Resampling.None, Epi, 1, "Epilogue", TestName = "no epilogue where tensors are not aligned")]
    [TestCase("ilgpu-cpu", Resampling.Up, Res | Epi, 1, "Epilogue", TestName = "nor behind copies")]
    [TestCase("cpu", Resampling.Up, Pro | Res, 0, "Prologue, Resampling", TestName = "The reference has no normalisation before copies")]
    public void Forward_is_refused(string device, Resampling resampling, ConvolutionParts within, int offset, string parts)
    {
        using var backend = DeviceCatalog.Open(device);
        using var t = new Tensors(backend, s_shape, resampling, offset);
        var plan = new SurroundingsPlan(within, within, None, None, None);
        var prologue = new ConvolutionPrologue(within.HasFlag(Pro) ? t.Factors : null, Resampling: resampling);
        var epilogue = within.HasFlag(Epi) ? new ConvolutionEpilogue(null, Residual: t.Residual) : new ConvolutionEpilogue(null);
        Assert.That(() => backend.FusedConv2d(plan, s_shape, t.X, t.W, prologue, epilogue, t.Y), Throws.TypeOf<BDenseException>()
            .With.Message.StartsWith($"FusedConv2d: {backend.Name} has no launch of ").And.Message.Contains($" with {parts} in it"));
        Assert.That(t.Y.ToArray(), Is.All.EqualTo(7f), "nothing is written");
        // What the device itself says it supports is done.
        backend.FusedConv2d(s_shape, t.X, t.W, prologue, epilogue, t.Y);
        Assert.That(t.Y.ToArray(), Is.Not.All.EqualTo(7f));
    }

    [TestCase("ilgpu-cpu", Resampling.None, Pro, "Prologue")]
    [TestCase("ilgpu-cpu", Resampling.Down, Res, "Resampling")]
    [TestCase("ilgpu-cpu", Resampling.Up, Pro | Res, "the plan must have it apart")]
    [TestCase("cpu", Resampling.Up, Pro | Res, "the plan must have it apart")]
    public void Wgrad_is_refused(string device, Resampling resampling, ConvolutionParts within, string says)
    {
        using var backend = DeviceCatalog.Open(device);
        using var t = new Tensors(backend, s_shape, resampling, 0);
        var plan = new SurroundingsPlan(within, within, None, within, None);
        var prologue = new ConvolutionPrologue(within.HasFlag(Pro) ? t.Factors : null, Resampling: resampling);
        Assert.That(() => backend.FusedConv2dWgrad(plan, s_shape, t.X, prologue, t.Y, t.W, t.Bias),
            Throws.TypeOf<BDenseException>().With.Message.StartsWith("FusedConv2dWgrad: ").And.Message.Contains(says));
        Assert.That(t.W.ToArray().Concat(t.Bias.ToArray()), Is.All.EqualTo(7f), "nothing is added");
        backend.FusedConv2dWgrad(s_shape, t.X, prologue, t.Y, t.W, t.Bias);
        Assert.That(t.Bias.ToArray(), Is.All.EqualTo(7f + (7 * 16)));
    }

    [Test]
    public void A_plan_out_of_order_or_of_another_kernel_is_refused()
    {
        using var backend = new ReferenceBackend();
        using var t = new Tensors(backend, s_shape, Resampling.Up, 0);
        var backwards = new SurroundingsPlan(Pro | Res, Pro, None, None, None);
        Assert.That(() => backend.FusedConv2d(backwards, s_shape, t.X, t.W, new(t.Factors, Resampling: Resampling.Up), new(null), t.Y),
            Throws.TypeOf<BDenseException>().With.Message.Contains("normalises within the launch what it resamples apart"));
        var one = Conv2dShape.Same(1, 4, 4, 4, 8, 1);
        using var w = backend.Zeros(one.Weight);
        var all = new SurroundingsPlan(Res, Res, Res, Res, None);
        Assert.That(() => backend.FusedConv2d(all, one, t.X, w, new(null, Resampling: Resampling.Up), new(null), t.Y),
            Throws.TypeOf<BDenseException>().With.Message.Contains("FusedConv2d: no launch upsamples the input of"));
        Assert.That(() => backend.FusedConv2dDgrad(all, one, t.Y, w, Resampling.Up, t.X),
            Throws.TypeOf<BDenseException>().With.Message.Contains("no launch has the adjoint of resampling Up"));
    }

    /// <summary>Operands from so many floats behind a multiple of 64 bytes; y, w and the bias are 7.</summary>
    private sealed class Tensors : IDisposable
    {
        private readonly List<Tensor> _owned = [];
        private readonly int _offset;

        public Tensors(Backend backend, in Conv2dShape s, Resampling resampling, int offset)
        {
            _offset = offset;
            int h = resampling switch { Resampling.Up => s.H / 2, Resampling.Down => 2 * s.H, _ => s.H };
            (X, W, Y) = (At(backend, new Shape(s.N, h, h, s.C)), At(backend, s.Weight), At(backend, s.Output));
            (Residual, Factors, Bias) = (At(backend, s.Output), At(backend, new Shape(s.N, 2 * s.C)), At(backend, new Shape(s.K)));
        }

        public Tensor X { get; }

        public Tensor W { get; }

        public Tensor Y { get; }

        public Tensor Residual { get; }

        public Tensor Factors { get; }

        public Tensor Bias { get; }

        public void Dispose() => _owned.ForEach(tensor => tensor.Dispose());

        private Tensor At(Backend backend, Shape shape)
        {
            var whole = backend.Empty(new Shape(shape.Length + _offset));
            backend.Fill(whole, 7f);
            var tensor = whole.View(_offset, shape);
            _owned.AddRange([whole, tensor]);
            return tensor;
        }
    }
}
