using System.Runtime.InteropServices;

namespace BDense.Benchmarks.Gpu;

/// <summary>The SM clock of an NVIDIA GPU through NVML, which comes with the driver; 0 MHz where there is none.</summary>
internal sealed partial class SmClock : IDisposable
{
    private const int SmDomain = 1;
    private readonly nint _device;

    public SmClock()
    {
        try
        {
            if (Initialise() != 0)
                return;
            if (DeviceByIndex(0, out _device) != 0)
                _device = 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // No NVIDIA driver: clocks stay unknown.
        }
    }

    public int Megahertz() => _device != 0 && ClockInfo(_device, SmDomain, out uint clock) == 0 ? (int)clock : 0;

    public void Dispose()
    {
        if (_device != 0)
            _ = Shutdown();
    }

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlInit_v2")]
    private static partial int Initialise();

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlShutdown")]
    private static partial int Shutdown();

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlDeviceGetHandleByIndex_v2")]
    private static partial int DeviceByIndex(uint index, out nint device);

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlDeviceGetClockInfo")]
    private static partial int ClockInfo(nint device, int domain, out uint clock);
}
