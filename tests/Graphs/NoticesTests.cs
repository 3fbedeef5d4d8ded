using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Convolution;
using NUnit.Framework;

namespace BDense.Tests.Graphs;

/// <summary>
/// Which notices the replay tests let through: real ones, from where they are made. Their tests in TF32 and BF16 need a GPU.
/// </summary>
internal sealed class NoticesTests
{
    [Test]
    public void Another_precision_is_let_through()
    {
        var shape = new AttentionShape(2, 4, 1, 64);
        string[] notices =
        [
            ConvolutionPlan.Fall(Precision.Tf32, Precision.Fp32, "wgrad", 32, 3),
            ConvolutionPlan.Fall(Precision.Bf16, Precision.Tf32, "dgrad", 12, 256),
            AttentionPlan.Fall(Precision.Bf16, Precision.Fp32, "attention", shape, false, 232448),
            AttentionPlan.Fall(Precision.Tf32, Precision.Fp32, "attention's gradient", shape, true, 232448),
        ];
        Assert.That(Notices.OtherThanPrecision(notices), Is.Empty);
    }

    [Test]
    public void A_refused_capture_is_not_even_if_its_reason_speaks_of_precision()
    {
        var notices = new List<string>();
        string reason = ConvolutionPlan.Fall(Precision.Tf32, Precision.Fp32, "wgrad", 32, 3);
        using var backend = new FakeCudaBackend(new FakeCudaDriver { Missing = reason }) { OnNotice = notices.Add };
        using (var graph = new StepGraph(backend, "step", () => { }))
        {
            graph.Run();
            graph.Run();
        }
        Assert.That(notices.Single(), Does.EndWith(reason));
        Assert.That(Notices.OtherThanPrecision(notices), Is.EqualTo(notices));
    }

    [TestCase("optimizer update: not captured, since without the fusion 'adam' it reads the norm on the host")]
    [TestCase("anything else")]
    public void Nor_is_anything_else(string notice) => Assert.That(Notices.OtherThanPrecision([notice]), Is.EqualTo(new[] { notice }));
}
