using BDense.Cases;
using BDense.Cases.Checking;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Reference;
using BDense.Tests.Ops;
using FusedRmsNorm;
using ILGPU;
using NUnit.Framework;

namespace BDense.Tests.Samples;

/// <summary>Kernels as someone writes them who has just begun: what is wrong with them is said, and by what.</summary>
public static class FaultyKernels
{
    /// <summary>y = 2 x, but for the last element.</summary>
    [Kernel]
    public static void ForgetsTheLastKernel(Index1D i, ArrayView<float> x, ArrayView<float> y)
    {
        if (i + 1 < x.IntLength)
            y[i] = 2f * x[i];
    }

    /// <summary>y = 2 x, of one behind.</summary>
    [Kernel]
    public static void ReadsBeyondKernel(Index1D i, ArrayView<float> x, ArrayView<float> y) => y[i] = 2f * x[i + 1];

    /// <summary>y = x of the neighbour in the group, read before it has been written there.</summary>
    [Kernel(64)]
    public static void ForgetsTheBarrierKernel(ArrayView<float> x, ArrayView<float> y)
    {
        var shared = SharedMemory.Allocate1D<float>(64);
        shared[Group.IdxX] = x[Group.IdxX];
        y[Group.IdxX] = shared[63 - Group.IdxX];
    }

    /// <summary>BDense has a kernel of this name.</summary>
    [Kernel]
    public static void SiluKernel(Index1D i, ArrayView<float> y) => y[i] = 0f;

    /// <summary>Without a mark.</summary>
    public static void NoKernel(Index1D i, ArrayView<float> y) => y[i] = 0f;

    /// <summary>Of this assembly alone.</summary>
    [Kernel]
    internal static void HiddenKernel(Index1D i, ArrayView<float> y) => y[i] = 0f;

    /// <summary>A row of the case list that runs one of them.</summary>
    internal static OpCase Doubling(Action<Index1D, ArrayView<float>, ArrayView<float>> kernel) => new("Doubling", "100",
        [Operand.In("x", new(100)), Operand.Out("y", new(100))], (backend, t) => Double(backend, kernel, t[0], t[1]),
        d => Array.ConvertAll(d[0], v => 2 * v).CopyTo(d[1], 0))
    { Size = CaseSize.Tiny };

    private static void Double(Backend backend, Action<Index1D, ArrayView<float>, ArrayView<float>> kernel, Tensor x, Tensor y)
    {
        var call = backend.Call();
        call.Reads(x, x.Shape);
        call.Writes(y, x.Shape);
        if (!call.Runs(flops: x.Length))
            return;
        if (backend is IlgpuBackend gpu)
            gpu.Launch(kernel, x.Length, IlgpuBackend.View(x), IlgpuBackend.View(y));
        else if (backend is ReferenceBackend cpu)
            cpu.For(x.Length - 1, 10, i => ReferenceBackend.Values(y)[i] = 2f * ReferenceBackend.Values(x)[i]);
    }
}

/// <summary>The checker and the launches, given faulty kernels of another assembly.</summary>
internal sealed class OutsideKernelTests
{
    [TestCase("cpu")]
    [TestCase("ilgpu-cpu")]
    public void The_checker_finds_an_element_that_nobody_wrote(string device)
    {
        using var backend = DeviceCatalog.Open(device);
        var findings = Checker.Row(backend, FaultyKernels.Doubling(FaultyKernels.ForgetsTheLastKernel));
        Assert.That(findings.Select(f => f.Check), Does.Contain(Check.Oracle));
        Assert.That(findings[0].Message, Does.Contain("y[99]").And.Contain("got NaN"));
    }

    [Test]
    public void What_is_no_kernel_is_not_launched()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        using var y = backend.Zeros(new(3));
        Assert.That(() => backend.Launch(FaultyKernels.NoKernel, 3, IlgpuBackend.View(y)), Throws.TypeOf<BDenseException>()
            .With.Message.EqualTo("FaultyKernels.NoKernel has no [Kernel]: mark the method with its group size"));
        Assert.That(() => backend.Launch((Index1D i, ArrayView<float> v) => v[i] = 1f, 3, IlgpuBackend.View(y)),
            Throws.TypeOf<BDenseException>()
            .With.Message.Contains("a kernel is a static method"));
        Assert.That(() => backend.Launch(FaultyKernels.HiddenKernel, 3, IlgpuBackend.View(y)), Throws.TypeOf<BDenseException>()
            .With.Message.EqualTo("FaultyKernels.HiddenKernel cannot be called by ILGPU's simulation: make it and its class public"));
        Assert.That(() => backend.LaunchGroups(FaultyKernels.ForgetsTheBarrierKernel, 1, IlgpuBackend.View(y), IlgpuBackend.View(y)),
            Throws.TypeOf<BDenseException>().With.Message.Contains("ForgetsTheBarrierKernel needs groups of 64 threads; ilgpu-cpu"));
    }

    [Test]
    public void An_assembly_is_added_once_and_names_belong_to_one()
    {
        var sample = typeof(RmsNorm).Assembly;
        string[] names = ["RmsNormBackwardKernel", "RmsNormKernel"];
        Assert.That(KernelRegistry.Add(sample), Is.EqualTo(names));
        Assert.That(KernelRegistry.Add(sample), Is.EqualTo(names));
        Assert.That(KernelCatalog.Names, Is.SupersetOf(names).And.Unique);
        Assert.That(() => KernelRegistry.Add(typeof(FaultyKernels).Assembly), Throws.TypeOf<BDenseException>().With.Message.Contains(
            "FaultyKernels.SiluKernel: there is a kernel of that name already, BDense.Kernels.Ilgpu.IlgpuBackend.SiluKernel; rename one"));
        Assert.That(KernelCatalog.Names, Has.None.EqualTo("ForgetsTheLastKernel"), "none of a refused assembly's");
        Assert.That(() => KernelRegistry.Add(typeof(Assert).Assembly),
            Throws.TypeOf<BDenseException>().With.Message.Contains("has no kernels"));
    }

    [Test]
    public void A_kernel_s_page_has_its_source()
    {
        KernelRegistry.Add(typeof(RmsNorm).Assembly);
        var page = KernelExploration.Of("RmsNorm", GpuArchitecture.Find("sm_80"));
        Assert.That(page.File, Does.EndWith("RmsNormKernels.cs"));
        Assert.That(page.Files[page.File], Does.Contain("public static void RmsNormKernel("));
        Assert.That(page.Ptx.Count(line => line.Source.File == page.File), Is.GreaterThan(20));
    }
}

/// <summary>The virtual GPU judges what hardware lets pass.</summary>
[Category("CUDA")]
internal sealed class OutsideKernelJudgedTests
{
    [Test]
    public void A_barrier_that_is_not_there_is_named_with_its_line() =>
        Judged(nameof(FaultyKernels.ForgetsTheBarrierKernel), (backend, x, y) =>
        backend.LaunchGroups(FaultyKernels.ForgetsTheBarrierKernel, 1, IlgpuBackend.View(x), IlgpuBackend.View(y)));

    [Test]
    public void An_element_too_far_is_named_with_its_line() => Judged(nameof(FaultyKernels.ReadsBeyondKernel), (backend, x, y) =>
        backend.Launch(FaultyKernels.ReadsBeyondKernel, 64, IlgpuBackend.View(x), IlgpuBackend.View(y)));

    private static void Judged(string kernel, Action<IlgpuBackend, Tensor, Tensor> launch)
    {
        Assume.That(DeviceFixtures.IsVirtual(DeviceFixtures.CudaDevice), "only the virtual GPU judges");
        using var backend = (IlgpuBackend)Backends.Open(DeviceFixtures.CudaDevice);
        using Tensor x = backend.Zeros(new(64)), y = backend.Empty(new(64));
        var fault = Assert.Throws<DeviceFaultException>(() =>
        {
            launch(backend, x, y);
            backend.Synchronize();
        });
        Assert.That(fault!.Message, Does.Contain(kernel).And.Contain("OutsideKernelTests.cs"));
    }
}
