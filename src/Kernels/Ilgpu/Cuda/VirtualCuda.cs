using BDense.Kernels.Devices;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver.Library;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>
/// The virtual GPU in the CUDA driver's place: the kernels' PTX is interpreted and judged. Only <c>--device virtual</c> asks for it, and a
/// process has either this driver or NVIDIA's.
/// </summary>
internal static class VirtualCuda
{
    /// <summary>The name of the kind, as <c>--device</c> takes it.</summary>
    public const string Kind = "virtual";

    public const string Notice = "virtual: kernels are interpreted and judged in software, for correctness and not for speed";

    /// <summary>What the last kernel with a fault did wrong, and where; null so far, or on a real GPU.</summary>
    public static string? LastFinding => CudaLibrary.IsVirtual ? VirtualLibrary.Driver.LastFinding?.ToString() : null;

    /// <summary>The GPU itself, once the driver is in place.</summary>
    /// <param name="ordinal">Its place among the driver's devices.</param>
    public static Gpu Gpu(int ordinal) => VirtualLibrary.Driver.Gpus[ordinal];

    /// <summary>Its devices as <c>--device</c> takes them; the first is what the kind alone stands for.</summary>
    public static IReadOnlyList<DeviceInfo> List() =>
    [
        .. GpuModel.All.Select((model, i) => new DeviceInfo(i == 0 ? Kind : $"{Kind}:{model.Key}",
            $"{model.Name}, interprets and judges kernels, slow", model.MemoryBytes, CudaLibrary.WhyNotVirtual())),
    ];

    /// <summary>Its place among the driver's devices.</summary>
    /// <param name="key">A model's; none for the first.</param>
    /// <exception cref="UsageException">No such model.</exception>
    public static int Ordinal(string? key)
    {
        int found = key is null ? 0 : GpuModel.All.ToList().FindIndex(model => model.Key == key);
        return found >= 0 ? found
            : throw new UsageException(
                $"unknown device '{Kind}:{key}'; there is {string.Join(" and ", GpuModel.All.Select(model => $"{Kind}:{model.Key}"))}");
    }
}
