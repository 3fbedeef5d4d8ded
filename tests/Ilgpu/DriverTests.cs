using System.Diagnostics;
using System.Runtime.InteropServices;
using BDense.Cli;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Cuda;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>
/// What lies between this project, ILGPU and the driver: which file it is, what it says, and what happens after its errors.
/// </summary>
internal sealed class DriverTests
{
    /// <summary>An error of a driver that is not there.</summary>
    private sealed class DriverError(string message) : AcceleratorException(message)
    {
        public override AcceleratorType AcceleratorType => AcceleratorType.Cuda;
    }

    /// <summary>A thing on a device that the driver refuses to free, such as a module that it never loaded.</summary>
    private sealed class Child(Accelerator accelerator, string? error) : AcceleratorObject(accelerator)
    {
        public bool WasFreed { get; private set; }

        protected override void DisposeAcceleratorObject(bool disposing)
        {
            if (error is not null)
                throw new DriverError(error);
            WasFreed = true;
        }
    }

    [Test]
    public void The_first_library_that_loads_is_taken()
    {
        var asked = new List<string>();
        nint found = CudaLibrary.First(["libcuda.so.1", "libcuda.so", "never"], name =>
        {
            asked.Add(name);
            return name == "libcuda.so" ? 7 : 0;
        });
        Assert.That(found, Is.EqualTo((nint)7));
        Assert.That(asked, Is.EqualTo(new[] { "libcuda.so.1", "libcuda.so" }));
    }

    [Test]
    public void ILGPU_gets_the_library_that_is_checked_and_other_names_fall_through()
    {
        bool first = CudaLibrary.Install();
        Assert.That(CudaLibrary.Install(), Is.EqualTo(first), "twice does no harm");
        Assert.That(CudaLibrary.Resolve("nvml", typeof(Context).Assembly, null), Is.EqualTo((nint)0));
        if (OperatingSystem.IsLinux())
        {
            bool loads = CudaLibrary.TryLoad(out nint handle);
            Assert.That(CudaLibrary.Resolve("cuda", typeof(Context).Assembly, null), Is.EqualTo(loads ? handle : 0));
        }
    }

    [TestCase(false, false, true, null), TestCase(true, false, true, null)]
    [TestCase(false, true, true, "this process already uses NVIDIA's driver; start another for the virtual GPU")]
    [TestCase(false, false, false, "the virtual GPU needs Linux on x86-64")]
    public void A_process_has_one_driver(bool isVirtual, bool realIsLoaded, bool isSupported, string? reason) =>
        Assert.That(CudaLibrary.WhyNotVirtual(isVirtual, realIsLoaded, isSupported), Is.EqualTo(reason));

    [Test]
    public void A_model_of_the_virtual_GPU_that_there_is_none_of_is_a_usage_error()
    {
        Assert.That(() => DeviceCatalog.Open("virtual:h200"),
            Throws.TypeOf<UsageException>().With.Message.EqualTo("unknown device 'virtual:h200'; there is virtual:h100 and virtual:a100"));
        Assert.That(DeviceCatalog.Ordinal("virtual:a100"), Is.EqualTo(1));
    }

    [Test]
    public void Asking_for_any_other_device_loads_no_virtual_driver()
    {
        if (CudaLibrary.IsVirtual)
            Assert.Ignore("this process uses it");
        var listed = DeviceCatalog.List();
        Assert.That(listed.Select(d => d.Spec), Does.Contain("virtual").And.Contain("virtual:a100"));
        DeviceCatalog.Open("auto").Dispose();
        Assert.That(() => DeviceCatalog.Open("cuda:77"), Throws.TypeOf<BDenseException>());
        Assert.That(CudaLibrary.IsVirtual, Is.False);
    }

    [Test]
    public void The_file_behind_an_address_is_read_from_the_map()
    {
        string[] maps =
        [
            "7f0000000000-7f0000001000 r--p 00000000 00:00 0 ",
            "7f0000001000-7f0000003000 r-xp 00001000 08:01 123                        /usr/lib/x86 64/libcuda.so.570.1",
            "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
        ];
        Assert.That(DriverInquiry.MappedFile(maps, unchecked((nint)0x7f0000002fff)), Is.EqualTo("/usr/lib/x86 64/libcuda.so.570.1"));
        Assert.That(DriverInquiry.MappedFile(maps, unchecked((nint)0x7f0000000010)), Is.Null, "no file");
        Assert.That(DriverInquiry.MappedFile(maps, 5), Is.Null);
        if (OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out nint libc))
            Assert.That(DriverInquiry.MappedFile(File.ReadLines("/proc/self/maps"), NativeLibrary.GetExport(libc, "getpid")),
                Does.Contain("libc"));
    }

    [Test]
    public void A_driver_without_devices_is_told_from_one_that_ILGPU_cannot_use()
    {
        Assert.That(new CudaDriverFacts("/lib/libcuda.so.1", 802, "CUDA_ERROR_SYSTEM_NOT_READY", 12080, null).NoDevice("x"),
            Is.EqualTo(
                "the NVIDIA driver is installed but shows no GPU; driver: /lib/libcuda.so.1, CUDA 12.8, cuInit: 802 "
                + "CUDA_ERROR_SYSTEM_NOT_READY, devices: not counted"));
        Assert.That(new CudaDriverFacts("/lib/libcuda.so.1", 0, "CUDA_SUCCESS", 13000, 2).NoDevice("DllNotFoundException: no"),
            Does.StartWith("the driver counts 2 but ILGPU lists none (DllNotFoundException: no); driver: /lib/libcuda.so.1, CUDA 13.0"));
    }

    [Test]
    public void A_kernel_that_does_not_load_is_named_with_the_compilers_words()
    {
        int listeners = Trace.Listeners.Count;
        var error = Assert.Throws<BDenseException>(() => CompilerLog.Load<int>("SoftmaxKernel", () =>
        {
            Trace.WriteLine(".version 8.8\nld.param.u32");
            Trace.WriteLine("PTX Kernel loading failed:");
            Trace.Write("ptxas application ptx input, line 9; ");
            Trace.WriteLine("error : Unknown symbol 'x'\nptxas fatal : aborted\0\0");
            throw new DriverError("a PTX JIT compilation failed");
        }))!;
        Assert.That(error.Message,
            Does.StartWith("SoftmaxKernel does not load: ").And
                .Contain("a PTX JIT compilation failed; compiler: ptxas application ptx input, line 9; error : Unknown symbol 'x'"));
        Assert.That(error.Message, Does.EndWith("ptxas fatal : aborted").And.Not.Contain("ld.param"));
        Assert.That(Trace.Listeners, Has.Count.EqualTo(listeners));
        Assert.That(CompilerLog.Load("Other", () => 3), Is.EqualTo(3));
    }

    [TestCase("CUDA_ERROR_ILLEGAL_ADDRESS", true), TestCase("719", true), TestCase("CUDA_ERROR_INVALID_VALUE", false),
        TestCase("CUDA_ERROR_OUT_OF_MEMORY", false)]
    public void Some_errors_end_the_use_of_the_device(string name, bool sticky) =>
        Assert.That(DeviceFault.IsSticky(name), Is.EqualTo(sticky));

    [TestCase("ILGPU.Runtime.Cuda.CudaException : an illegal memory access was encountered", true)]
    [TestCase("BDense.Kernels.BDenseException : cuGraphLaunch: CUDA_ERROR_MISALIGNED_ADDRESS", true)]
    [TestCase("Expected: 700 But was: 716", false)]
    public void A_failed_tests_message_tells_of_a_fault(string message, bool tells) =>
        Assert.That(DeviceFault.Tells(message), Is.EqualTo(tells));

    [Test]
    public void One_object_that_is_not_freed_does_not_keep_the_others()
    {
        using var context = IlgpuBackend.CreateContext(b => b.CPU(new CPUDevice(2, 1, 1)));
        var accelerator = context.Devices[0].CreateAccelerator(context);
        Child before = new(accelerator, null), bad = new(accelerator, "first"), worse = new(accelerator, "second"),
            after = new(accelerator, null);
        Assert.That(Disposal.Close(accelerator)?.Message, Is.EqualTo("first"));
        Assert.That(before.WasFreed && after.WasFreed);
        Assert.That(accelerator.IsDisposed);
        Assert.That(() => { bad.Dispose(); worse.Dispose(); }, Throws.Nothing);
    }

    [Test]
    public void An_error_of_the_driver_is_one_line_and_exit_code_1()
    {
        Assert.That(Program.Failure(new DriverError("an illegal memory\naccess")),
            Is.EqualTo((1, "the device failed: an illegal memory access")));
        var (code, line) = Program.Failure(new DeviceFaultException("cuda:0: synchronize", "CUDA_ERROR_ILLEGAL_ADDRESS"))!.Value;
        Assert.That(code, Is.EqualTo(1));
        Assert.That(line, Does.StartWith("cuda:0: synchronize: CUDA_ERROR_ILLEGAL_ADDRESS").And.Contain("process has to end"));
        Assert.That(Program.Failure(new InvalidOperationException()), Is.Null, "a bug is not made up to look like one of these");
    }
}
