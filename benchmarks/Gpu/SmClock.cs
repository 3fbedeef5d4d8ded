using System.Runtime.InteropServices;
using System.Text;

namespace BDense.Benchmarks.Gpu;

/// <summary>
/// The SM clock of a GPU while something runs on it, through NVML, which comes with the driver; nothing where there is none.
/// </summary>
internal sealed partial class SmClock : IDisposable
{
    private const int SmDomain = 1, EveryMilliseconds = 10;
    private readonly nint _device;
    private readonly List<int> _seen = [];
    private Timer? _timer;

    /// <param name="device">As given to --device: <c>cuda:i</c> is the i-th that CUDA shows, which NVML may count otherwise; its bus
    /// address is the same for both.</param>
    public SmClock(string device)
    {
        if (!device.StartsWith("cuda", StringComparison.Ordinal) && device != "auto")
            return;
        try
        {
            var bus = new byte[64];
            int ordinal = device.Split(':') is [_, var number] && int.TryParse(number, out int i) ? i : 0;
            if (BusId(bus, bus.Length, ordinal) != 0 || Initialise() != 0)
                return;
            if (DeviceByBusId(Encoding.ASCII.GetString(bus).TrimEnd('\0'), out _device) != 0)
                _device = 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // No NVIDIA driver: clocks stay unknown.
        }
    }

    /// <summary>Begins to read the clock, a hundred times a second.</summary>
    public void Start()
    {
        _seen.Clear();
        if (_device != 0)
            _timer = new Timer(_ => Read(), null, 0, EveryMilliseconds);
    }

    /// <summary>Least, median and most since <see cref="Start"/>, MHz; empty if unknown.</summary>
    public IReadOnlyList<int> Stop()
    {
        _timer?.Dispose();
        _timer = null;
        Read();
        lock (_seen)
        {
            _seen.Sort();
            return _seen.Count == 0 ? [] : [_seen[0], _seen[_seen.Count / 2], _seen[^1]];
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        if (_device != 0)
            _ = Shutdown();
    }

    private void Read()
    {
        if (_device == 0 || ClockInfo(_device, SmDomain, out uint clock) != 0)
            return;
        lock (_seen)
            _seen.Add((int)clock);
    }

    [LibraryImport("libcuda.so.1", EntryPoint = "cuDeviceGetPCIBusId")]
    private static partial int BusId([Out] byte[] text, int length, int device);

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlInit_v2")]
    private static partial int Initialise();

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlShutdown")]
    private static partial int Shutdown();

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlDeviceGetHandleByPciBusId_v2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int DeviceByBusId(string bus, out nint device);

    [LibraryImport("libnvidia-ml.so.1", EntryPoint = "nvmlDeviceGetClockInfo")]
    private static partial int ClockInfo(nint device, int domain, out uint clock);
}
