using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

internal sealed unsafe class ModuleTests
{
    [Test]
    public void An_unknown_instruction_is_refused_with_the_compilers_words()
    {
        using var rig = new Rig();
        Assert.That(rig.Load(Programs.Unknown, out nint module, out string errors), Is.EqualTo(CudaResult.InvalidPtx));
        Assert.That(module, Is.EqualTo((nint)0));
        Assert.That(errors, Does.Contain("frobnicate"));
        Assert.That(errors, Does.Not.Contain("\n"));
        rig.Load(Programs.Unknown, out _, out string cut, logBytes: 8);
        Assert.That(cut, Is.EqualTo(errors[..7]), "as much as fits");
    }

    [Test]
    public void What_this_device_does_not_take_is_told_why()
    {
        using var rig = new Rig();
        string newer = Programs.Elements.Replace(".version 8.0", ".version 8.8", StringComparison.Ordinal);
        Assert.That(rig.Load(newer, out _, out string errors), Is.EqualTo(CudaResult.UnsupportedPtxVersion));
        Assert.That(errors, Does.Contain("8.8"));
        Assert.That(rig.Load("\u007fELF", out _, out errors), Is.EqualTo(CudaResult.NoBinaryForGpu));
        Assert.That(errors, Does.Contain("machine code"));
        string hopper = Programs.Elements.Replace("sm_80", "sm_90", StringComparison.Ordinal);
        Assert.That(rig.Load(hopper, out _, out _), Is.EqualTo(CudaResult.Success));
        rig.NewContext(device: 1);
        Assert.That(rig.Load(hopper, out _, out errors), Is.EqualTo(CudaResult.NoBinaryForGpu));
        Assert.That(errors, Does.Contain("sm_90").And.Contain(GpuModel.A100.Name));
        Assert.That(rig.Load("rubbish", out _, out errors), Is.EqualTo(CudaResult.InvalidPtx));
        Assert.That(errors, Is.Not.Empty);
    }

    [Test]
    public void An_entry_that_is_not_there_is_not_found()
    {
        using var rig = new Rig();
        nint module = rig.Module(Programs.Elements);
        Assert.That(rig.Function(module, "none", out nint function), Is.EqualTo(CudaResult.NotFound));
        Assert.That(function, Is.EqualTo((nint)0));
        rig.Check(rig.Function(module, "fill", out nint first));
        rig.Check(rig.Function(module, "fill", out nint second));
        Assert.That(first, Is.EqualTo(second));
        Assert.That(rig.Function(0, "fill", out _), Is.EqualTo(CudaResult.InvalidHandle));
    }

    [Test]
    public void A_module_is_unloaded_once_and_its_kernels_with_it()
    {
        using var rig = new Rig();
        nint module = rig.Module(Programs.Elements);
        rig.Check(rig.Function(module, "fill", out nint function));
        rig.Check(rig.Driver.cuModuleUnload(module));
        Assert.That(rig.Driver.cuModuleUnload(module), Is.EqualTo(CudaResult.InvalidHandle));
        Assert.That(rig.Driver.cuModuleUnload(0), Is.EqualTo(CudaResult.InvalidHandle));
        Assert.That(rig.Launch(function, rig.Allocate(128), 32), Is.EqualTo(CudaResult.InvalidHandle));
    }

    [Test]
    public void More_shared_memory_than_48_KiB_is_asked_for_first_and_has_a_limit()
    {
        using var rig = new Rig();
        nint function = rig.Function(Programs.Shared, "dynamic");
        ulong y = rig.Allocate(4 * 32);
        rig.Check(rig.Launch(function, y, 32, shared: 48 << 10));
        Assert.That(rig.Launch(function, y, 32, shared: (48 << 10) + 4), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.LastFinding!.ToString(), Does.Contain("49156").And.Contain("cuFuncSetAttribute"));
        Assert.That(rig.Driver.cuFuncSetAttribute(function, 8, (227 << 10) + 1), Is.EqualTo(CudaResult.InvalidValue));
        rig.Check(rig.Driver.cuFuncSetAttribute(function, 8, 227 << 10));
        rig.Check(rig.Launch(function, y, 32, shared: 227 << 10));
        Assert.That(rig.Values(y, 32), Is.EqualTo(Enumerable.Range(0, 32)));
    }

    [Test]
    public void A_kernels_own_arrays_count_towards_its_shared_memory()
    {
        using var rig = new Rig();
        nint function = rig.Function(Programs.Shared, "static");
        Assert.That(rig.Driver.cuFuncSetAttribute(function, 8, (226 << 10) + 1), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Launch(function, 0, 0, shared: (47 << 10) + 1, bytes: 0), Is.EqualTo(CudaResult.InvalidValue));
        rig.Check(rig.Launch(function, 0, 0, shared: 47 << 10, bytes: 0));
    }

    [TestCase(0u, 1u, 1u, 32u, 1u, 1u, TestName = "A_grid_of_no_block_is_refused")]
    [TestCase(1u, 65536u, 1u, 32u, 1u, 1u, TestName = "A_grid_too_deep_is_refused")]
    [TestCase(1u, 1u, 1u, 0u, 1u, 1u, TestName = "A_block_of_no_thread_is_refused")]
    [TestCase(1u, 1u, 1u, 1025u, 1u, 1u, TestName = "A_block_too_wide_is_refused")]
    [TestCase(1u, 1u, 1u, 1u, 1u, 65u, TestName = "A_block_too_deep_is_refused")]
    [TestCase(1u, 1u, 1u, 32u, 32u, 2u, TestName = "A_block_of_too_many_threads_is_refused")]
    public void Extents(uint gx, uint gy, uint gz, uint bx, uint by, uint bz)
    {
        using var rig = new Rig();
        nint function = rig.Function(Programs.Shared, "static");
        Assert.That(rig.Driver.cuLaunchKernel(function, gx, gy, gz, bx, by, bz, 0, 0, null, null), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.LastFinding!.Kind, Is.EqualTo(FindingKind.Resources));
        Assert.That(rig.Driver.LastFinding.Kernel, Is.EqualTo("static"));
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(CudaResult.Success), "nothing has run, nothing is broken");
    }

    [Test]
    public void More_threads_than_maxntid_are_refused()
    {
        using var rig = new Rig();
        nint function = rig.Function(Programs.Shared, "limited");
        rig.Check(rig.Launch(function, 0, 0, threads: 64, bytes: 0));
        Assert.That(rig.Launch(function, 0, 0, threads: 65, bytes: 0), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.LastFinding!.Message, Does.Contain(".maxntid"));
    }

    [TestCase(8), TestCase(11), TestCase(17), TestCase(0)]
    public void Arguments_of_another_size_than_the_parameters_are_refused(int bytes)
    {
        using var rig = new Rig();
        Assert.That(rig.Launch(rig.Function(Programs.Elements, "fill"), rig.Allocate(128), 32, bytes: bytes),
            Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.LastFinding!.Kind, Is.EqualTo(FindingKind.Arguments));
        Assert.That(rig.Driver.LastFinding.ToString(), Is.EqualTo($"fill: {bytes} bytes of arguments; its 2 parameters are 12 bytes long"));
    }

    [TestCase(64, 1, true), TestCase(32, 2, false), TestCase(63, 1, false), TestCase(32, 1, false)]
    public void Reqntid_is_the_only_block(int x, int y, bool right)
    {
        using var rig = new Rig();
        string text = Programs.Shared.Replace(".maxntid 64, 1, 1", ".reqntid 64", StringComparison.Ordinal);
        nint function = rig.Function(text, "limited");
        var result = rig.Driver.cuLaunchKernel(function, 1, 1, 1, (uint)x, (uint)y, 1, 0, 0, null, null);
        Assert.That(result, Is.EqualTo(right ? CudaResult.Success : CudaResult.InvalidValue));
        using var gpu = new Gpu(GpuModel.H100);
        var launch = new Launch(PtxModule.Read(text).Kernels["limited"], new Dim3(1), new Dim3(x, y), 0, default);
        if (right)
        {
            gpu.Run(launch);
            return;
        }
        Assert.That(rig.Driver.LastFinding!.Message, Is.EqualTo($"a block of ({x}, {y}, 1), .reqntid allows (64, 1, 1) only"));
        Assert.That(() => gpu.Run(launch), Throws.TypeOf<FindingException>().With.Message.Contains(".reqntid"));
    }

    [TestCase("", 80, 1024, false)]
    [TestCase(".maxntid 1024", 80, 1024, true)]
    [TestCase(".maxntid 736", 120, 736, true)]
    [TestCase(".maxnreg 64", 80, 1024, true)]
    [TestCase("", 40, 1024, true)]
    [TestCase("", 300, 224, true)]
    [TestCase("", 300, 256, true)]
    [TestCase("", 300, 257, false)]
    [TestCase(".maxntid 224", 300, 224, true)]
    public void Only_blocks_that_no_compiler_fits_into_the_registers_are_refused(string bounds, int registers, int threads, bool right)
    {
        using var rig = new Rig();
        string text = Programs.ManyRegisters(bounds, registers);
        var result = rig.Launch(rig.Function(text, "many"), rig.Allocate(4 * 1024), 0, threads: threads, bytes: 8);
        Assert.That(result, Is.EqualTo(right ? CudaResult.Success : CudaResult.LaunchOutOfResources));
        using var gpu = new Gpu(GpuModel.H100);
        var launch = new Launch(PtxModule.Read(text).Kernels["many"], new Dim3(1), new Dim3(threads), 0,
            BitConverter.GetBytes(gpu.Memory.Allocate(4 * 1024)));
        if (right)
        {
            gpu.Run(launch);
            return;
        }
        Assert.That(rig.Driver.LastFinding!.Message, Does.StartWith($"{threads} threads of about ").And.Contain("a block has 65536"));
        Assert.That(() => gpu.Run(launch),
            Throws.TypeOf<FindingException>().With.Property("Finding").Property("Kind").EqualTo(FindingKind.Resources));
    }

    [TestCase(48 << 10, true), TestCase((48 << 10) + 16, false), TestCase(64 << 10, false)]
    public void More_static_shared_memory_than_48_KiB_is_refused(int bytes, bool right)
    {
        using var rig = new Rig();
        string text = Programs.Shared.Replace("own[1024]", $"own[{bytes}]", StringComparison.Ordinal);
        using var gpu = new Gpu(GpuModel.H100);
        var launch = new Launch(PtxModule.Read(text).Kernels["static"], new Dim3(1), new Dim3(32), 0, default);
        if (right)
        {
            rig.Check(rig.Launch(rig.Function(text, "static"), 0, 0, bytes: 0));
            gpu.Run(launch);
            return;
        }
        string message = $"static: {bytes} bytes of static shared memory; 49152 at most, more only as dynamic";
        Assert.That(rig.Load(text, out _, out string errors), Is.EqualTo(CudaResult.InvalidPtx));
        Assert.That(errors, Is.EqualTo(message));
        Assert.That(() => gpu.Run(launch), Throws.TypeOf<FindingException>().With.Message.EqualTo(message));
    }

    [Test]
    public void Arguments_can_come_one_by_one()
    {
        using var rig = new Rig();
        ulong y = rig.Allocate(4 * 32);
        int n = 32;
        void** parameters = stackalloc void*[] { &y, &n };
        nint function = rig.Function(Programs.Elements, "fill");
        rig.Check(rig.Driver.cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, 0, parameters, null));
        n = 0;
        Assert.That(rig.Values(y, 32), Is.EqualTo(Enumerable.Range(0, 32)));
        Assert.That(rig.Driver.cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, 0, null, null), Is.EqualTo(CudaResult.InvalidValue),
            "there are none");
    }

    [Test]
    public void Occupancy_is_what_the_device_holds()
    {
        using var rig = new Rig();
        nint function = rig.Function(Programs.Shared, "dynamic"), limited = rig.Function(Programs.Shared, "limited");
        int blocks, grid, size;
        rig.Check(rig.Driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 1024, 0));
        Assert.That(blocks, Is.EqualTo(2), "2,048 threads");
        rig.Check(rig.Driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 32, 100 << 10));
        Assert.That(blocks, Is.EqualTo(2), "of 228 KiB");
        rig.Check(rig.Driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 32, 300 << 10));
        Assert.That(blocks, Is.Zero);
        rig.Check(rig.Driver.cuOccupancyMaxPotentialBlockSize(&grid, &size, function, null, 0, 0));
        Assert.That((grid, size), Is.EqualTo((2 * 132, 1024)));
        rig.Check(rig.Driver.cuOccupancyMaxPotentialBlockSize(&grid, &size, limited, null, 0, 0));
        Assert.That((grid, size), Is.EqualTo((32 * 132, 64)), "its .maxntid");
        rig.Check(rig.Driver.cuOccupancyMaxPotentialBlockSize(&grid, &size, function, null, 0, 100));
        Assert.That(size, Is.LessThanOrEqualTo(100).And.Positive);
    }
}
