using System.Globalization;

namespace BDense.Kernels.Devices;

/// <summary>What the CUDA driver itself says, asked without ILGPU.</summary>
/// <param name="Library">The file that was loaded; its name where the path cannot be found out.</param>
/// <param name="InitCode">cuInit's result; 0 is success.</param>
/// <param name="InitName">Its name: CUDA_SUCCESS, CUDA_ERROR_NO_DEVICE, ...</param>
/// <param name="Version">The newest CUDA that the driver serves, 12.8 as 12080; 0 where it does not say.</param>
/// <param name="DeviceCount">Devices that cuDeviceGetCount counts; null where it fails.</param>
public sealed record CudaDriverFacts(string Library, int InitCode, string InitName, int Version, int? DeviceCount)
{
    /// <summary>For people: versions and devices in a line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Library}, CUDA {Version / 1000}.{Version % 1000 / 10}, cuInit: {InitCode} {InitName}, devices: "
            + $"{DeviceCount?.ToString(CultureInfo.InvariantCulture) ?? "not counted"}");

    /// <summary>Why there is no usable device, when the driver loads and ILGPU lists none.</summary>
    /// <param name="ilgpu">What ILGPU says when it is asked again, since its list leaves out devices without a word.</param>
    internal string NoDevice(string ilgpu) => InitCode == 0 && DeviceCount > 0
        ? $"the driver counts {DeviceCount} but ILGPU lists none ({ilgpu}); driver: {this}"
        : $"the NVIDIA driver is installed but shows no GPU; driver: {this}";
}
