using System.Globalization;
using System.Runtime.InteropServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Cuda;
using BDense.Kernels.Reference;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace BDense.Kernels.Devices;

/// <summary>A device of this machine, or the reason why a kind of device is not to be had.</summary>
/// <param name="Spec">What <c>--device</c> takes for it: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:1</c>, ...</param>
/// <param name="Name">For people.</param>
/// <param name="MemoryBytes">Its memory; 0 where unknown.</param>
/// <param name="Refusal">Why it cannot be used and what would help; null if it can.</param>
public sealed record DeviceInfo(string Spec, string Name, long MemoryBytes, string? Refusal)
{
    /// <summary>Whether <see cref="DeviceCatalog.Open"/> takes it.</summary>
    public bool IsUsable => Refusal is null;

    /// <summary>For people: its specification, name and memory, or why it cannot be used.</summary>
    public override string ToString() => IsUsable
        ? string.Create(CultureInfo.InvariantCulture, $"{Spec}: {Name}, {MemoryBytes / (double)(1 << 30):0.#} GiB")
        : $"{Spec}: {Name}: not usable: {Refusal}";
}

/// <summary>Finds and opens devices by name.</summary>
public static class DeviceCatalog
{
    /// <summary>What <see cref="Open"/> understands, for help texts and error messages.</summary>
    public const string Specs = "auto, cpu, cuda[:i], virtual[:a100], opencl[:i] or ilgpu-cpu";

    private static readonly string[] s_kinds = ["auto", "cpu", "cuda", "virtual", "virtual:a100", "opencl", "ilgpu-cpu"];

    /// <summary>
    /// Opens a device: <c>cpu</c> is the managed reference; <c>cuda:i</c> and <c>opencl:i</c> the i-th of <see cref="List"/>, and
    /// without a number the first usable one; <c>virtual</c> an NVIDIA GPU in software; <c>ilgpu-cpu</c> ILGPU's simulation, for debugging
    /// kernels; <c>auto</c> is CUDA if there is one and the managed reference otherwise.
    /// </summary>
    /// <param name="spec">As above.</param>
    /// <param name="threads">Threads of the two CPU devices; 0 for one a core.</param>
    /// <param name="precision">What convolutions and matrix products multiply in.</param>
    /// <exception cref="UsageException">No such specification.</exception>
    /// <exception cref="BDenseException">No such device here (the message names those that there are), or it has not that
    /// precision.</exception>
    public static Backend Open(string spec, int threads = 0, Precision precision = Precision.Fp32)
    {
        var backend = OpenDevice(spec, threads);
        try
        {
            if (backend is IlgpuBackend ilgpu)
                ilgpu.Precision = precision;
            else
                ConvolutionPlan.Require(precision, null, backend.Name);
            return backend;
        }
        catch (BDenseException)
        {
            backend.Dispose();
            throw;
        }
    }

    private static Backend OpenDevice(string spec, int threads)
    {
        var (kind, index) = Parse(spec);
        switch (kind)
        {
            case "cpu":
                return new ReferenceBackend(threads);
            case "ilgpu-cpu":
                var cpu = SimulatedCpu(threads);
                return new IlgpuBackend(IlgpuBackend.CreateContext(b => b.CPU(cpu)), cpu, "ilgpu-cpu");
            case VirtualCuda.Kind:
                return OpenVirtual(spec);
            case "auto":
                return FirstUsable(Cuda()) is { } gpu ? OpenAccelerator(gpu.Spec) : new ReferenceBackend(threads);
            default:
                var found = kind == "cuda" ? Cuda() : OpenCL();
                var chosen = index is { } i ? found.FirstOrDefault(d => d.Spec == $"{kind}:{i}") : FirstUsable(found) ?? found[0];
                if (chosen is null || !chosen.IsUsable)
                    throw new BDenseException($"no device {spec}: {Reason(kind, chosen, found)}; there is {Usable()}");
                return OpenAccelerator(chosen.Spec);
        }
    }

    /// <summary>Every device, usable or refused, and one line for each kind that is missing altogether.</summary>
    public static IReadOnlyList<DeviceInfo> List()
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        string cores = $"{Environment.ProcessorCount} core{(Environment.ProcessorCount == 1 ? "" : "s")}";
        return
        [
            .. Cuda(),
            .. OpenCL(),
            .. VirtualCuda.List(),
            new DeviceInfo("cpu", $"managed reference, {RuntimeInformation.ProcessArchitecture}, {cores}", memory, null),
            new DeviceInfo("ilgpu-cpu", "ILGPU's simulation on the CPU, slow, for debugging kernels", memory, null),
        ];
    }

    /// <summary>The CUDA driver in its own words; null where none loads.</summary>
    public static CudaDriverFacts? CudaDriver() => DriverInquiry.Ask();

    /// <summary>
    /// What the last kernel with a fault did wrong, and where; null so far, or where the device does not know: only the virtual GPU does.
    /// </summary>
    public static string? Finding => VirtualCuda.LastFinding;

    /// <summary>The number of a device among those of its kind, from its full specification.</summary>
    internal static int Ordinal(string spec) => Parse(spec).Index ?? 0;

    private static (string Kind, int? Index) Parse(string spec)
    {
        int colon = spec.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? spec : spec[..colon];
        int index = 0;
        bool good = kind switch
        {
            "auto" or "cpu" or "ilgpu-cpu" => colon < 0,
            VirtualCuda.Kind => (index = VirtualCuda.Ordinal(colon < 0 ? null : spec[(colon + 1)..])) >= 0,
            "cuda" or "opencl" => colon < 0
                || int.TryParse(spec.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out index),
            _ => false,
        };
        if (!good)
        {
            string near = Suggestion.For(spec == "gpu" ? "cuda" : spec, s_kinds);
            throw new UsageException($"unknown device '{spec}'{(near.Length > 0 ? $"{near} Use" : "; use")} {Specs}");
        }
        return (kind, colon < 0 ? null : index);
    }

    private static DeviceInfo? FirstUsable(IEnumerable<DeviceInfo> devices) => devices.FirstOrDefault(d => d.IsUsable);

    private static string Reason(string kind, DeviceInfo? chosen, IReadOnlyList<DeviceInfo> found)
    {
        if (chosen is { Refusal: { } refusal })
            return chosen.Spec == kind ? refusal : $"{chosen.Name}: {refusal}";
        // A line without a number stands for the whole kind.
        return found is [{ Refusal: { } missing } only] && only.Spec == kind ? missing
            : $"{kind} devices are {string.Join(", ", found.Select(d => d.Spec))}";
    }

    private static string Usable() => string.Join(", ", List().Where(d => d.IsUsable).Select(d => $"{d.Spec} ({d.Name})"));

    private static IlgpuBackend OpenAccelerator(string spec)
    {
        var (kind, index) = Parse(spec);
        var context = kind == "cuda" ? IlgpuBackend.CreateContext(b => b.Cuda(_ => true).Profiling())
            : IlgpuBackend.CreateContext(b => b.OpenCL(_ => true));
        Device device = kind == "cuda" ? context.GetCudaDevice(index!.Value) : context.GetCLDevice(index!.Value);
        return new IlgpuBackend(context, device, spec);
    }

    private static IlgpuBackend OpenVirtual(string spec)
    {
        try
        {
            CudaLibrary.UseVirtual();
        }
        catch (BDenseException e)
        {
            throw new BDenseException($"no device {spec}: {e.Message}", e);
        }
        // Each instruction names its line of C#, so that what is found does too.
        var context = IlgpuBackend.CreateContext(b => b.Cuda(_ => true).Profiling(), lines: true);
        return new IlgpuBackend(context, context.GetCudaDevice(Ordinal(spec)), spec) { VirtualGpu = VirtualCuda.Gpu(Ordinal(spec)) };
    }

    /// <summary>
    /// Two lanes a group, the least there is: each lane is a thread of the operating system, and groups end in a barrier.
    /// </summary>
    private static CPUDevice SimulatedCpu(int threads) =>
        new(2, 1, threads > 0 ? Math.Min(threads, ReferenceBackend.MaxThreads) : Environment.ProcessorCount);

    private static List<DeviceInfo> Cuda()
    {
        if (CudaLibrary.IsVirtual)
            return [new DeviceInfo("cuda", "CUDA", 0, "this process uses the virtual GPU in the driver's place; start another")];
        if (CudaDriver() is not { } driver)
            return [new DeviceInfo("cuda", "CUDA", 0, $"no NVIDIA driver: {CudaLibrary.Names[0]} does not load")];
        using var context = IlgpuBackend.CreateContext(b => b.Cuda(_ => true));
        var found = new List<DeviceInfo>();
        foreach (var device in context.GetCudaDevices())
        {
            string? refusal = device.Architecture is null || device.InstructionSet is null
                ? $"ILGPU knows no instruction set for this GPU under driver {device.DriverVersion}; a newer driver may help" : null;
            found.Add(new DeviceInfo($"cuda:{found.Count}", device.Name, device.MemorySize, refusal));
        }
        return found.Count > 0 ? found : [new DeviceInfo("cuda", "CUDA", 0, driver.NoDevice(DriverInquiry.AskIlgpu()))];
    }

    private static List<DeviceInfo> OpenCL()
    {
        if (OperatingSystem.IsLinux() && !Loads("libOpenCL.so"))
        {
            return [new DeviceInfo("opencl", "OpenCL", 0, Loads("libOpenCL.so.1")
                ? "libOpenCL.so.1 is there but ILGPU loads libOpenCL.so; install ocl-icd-opencl-dev or make that link"
                : "no OpenCL loader (libOpenCL.so); install ocl-icd-opencl-dev and a driver, such as pocl-opencl-icd 5 or newer")];
        }
        using var context = IlgpuBackend.CreateContext(b => b.OpenCL(_ => true));
        var found = new List<DeviceInfo>();
        foreach (var device in context.GetCLDevices())
        {
            string? refusal = device.CLStdVersion < CLBackend.MinimumVersion
                ? $"OpenCL C {device.CLStdVersion} is older than {CLBackend.MinimumVersion}"
                : !device.Capabilities.GenericAddressSpace
                    ? "its driver lacks OpenCL's generic address space, which ILGPU needs (PoCL has it from version 5 on)"
                : null;
            found.Add(new DeviceInfo($"opencl:{found.Count}", $"{device.Name}, {device.PlatformName}", device.MemorySize, refusal));
        }
        return found.Count > 0 ? found
            : [new DeviceInfo("opencl", "OpenCL", 0, "the OpenCL loader finds no device; install a driver, such as pocl-opencl-icd")];
    }

    private static bool Loads(string library)
    {
        if (!NativeLibrary.TryLoad(library, out nint handle))
            return false;
        NativeLibrary.Free(handle);
        return true;
    }
}
