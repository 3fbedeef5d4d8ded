using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Tests.Ops;
using NUnit.Framework;

namespace BDense.Tests.Gpu;

/// <summary>
/// The project on the virtual GPU: what a person sees of what it finds. In a process that uses it: tests/virtual.runsettings.
/// </summary>
[Category("CUDA")]
internal sealed class VirtualBackendTests
{
    [OneTimeSetUp]
    public void Require()
    {
        if (!DeviceFixtures.IsVirtual(DeviceFixtures.CudaDevice))
            Assert.Ignore("only a virtual GPU tells what it finds; this process has NVIDIA's driver");
        Backends.CloseShared();
    }

    [Test]
    public void Memory_given_back_under_a_graph_is_named_with_the_kernels_line()
    {
        using var backend = DeviceCatalog.Open("virtual");
        var x = backend.Empty(new Shape(100));
        // At a kernel's first launch its module is loaded.
        backend.Fill(x, 1);
        backend.Graphs!.Begin();
        backend.Fill(x, 2);
        using var graph = backend.Graphs.End();
        x.Dispose();
        graph.Launch();
        var error = Assert.Throws<DeviceFaultException>(backend.Synchronize)!;
        Assert.That(error.Error, Is.EqualTo("CUDA_ERROR_ILLEGAL_ADDRESS"));
        Assert.That(error.Message, Does.Contain("Fill").And.Contain("freed").And.Match(@"\(\w+\.cs:\d+\)").And.Not.Contain("\n"));
        Assert.That(DeviceCatalog.Finding, Is.Not.Null.And.Contains("Fill"));
    }

    [Test]
    public void What_nobody_wrote_is_not_read()
    {
        using var backend = DeviceCatalog.Open("virtual");
        using Tensor x = backend.Empty(new Shape(100)), y = backend.Empty(new Shape(100));
        backend.Silu(x, y);
        var error = Assert.Throws<DeviceFaultException>(backend.Synchronize)!;
        Assert.That(error.Message, Does.Contain("Silu").And.Match(@"\(\w+\.cs:\d+\)"));
    }

    [Test]
    public void Two_models_work_side_by_side_and_after_a_fault_of_one()
    {
        using Backend a100 = DeviceCatalog.Open("virtual:a100"), h100 = DeviceCatalog.Open("virtual");
        Assert.That(a100.Rounding, Is.Not.EqualTo(h100.Rounding));
        Assert.That(a100.Description, Does.Contain("virtual A100, 108 multiprocessors, 40 GiB"));
        using (var unwritten = h100.Empty(new Shape(4)))
            Assert.That(unwritten.ToArray, Throws.TypeOf<DeviceFaultException>().With.Message.Contains("go to the host"));
        using var x = a100.FromArray([1, 2, 3], new Shape(3));
        Assert.That(x.ToArray(), Is.EqualTo(new float[] { 1, 2, 3 }));
        using var again = DeviceCatalog.Open("virtual");
        using var y = again.FromArray([1, 2, 3], new Shape(3));
        Assert.That(y.ToArray(), Is.EqualTo(new float[] { 1, 2, 3 }));
    }

    [Test]
    public void The_real_driver_is_refused_in_a_process_that_has_the_virtual_one()
    {
        using var backend = DeviceCatalog.Open("virtual");
        Assert.That(() => DeviceCatalog.Open("cuda"),
            Throws.TypeOf<BDenseException>().With.Message.StartsWith("no device cuda: this process uses the virtual GPU"));
        using var auto = DeviceCatalog.Open("auto");
        Assert.That(auto.Name, Is.EqualTo("cpu"), "never chosen by itself");
        Assert.That(backend.Notice, Does.Contain("for correctness and not for speed"));
    }

    [Test]
    public void The_notice_stands_before_what_tuning_has_to_say()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("virtual");
        Assert.That(backend.Notice!.Split(Environment.NewLine)[0], Does.StartWith("virtual: "));
        Assert.That(backend.IsVirtual && backend.Pool.Exact);
    }
}
