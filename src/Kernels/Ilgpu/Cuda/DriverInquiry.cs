using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using BDense.Kernels.Devices;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>Asks the driver what it is, and ILGPU why it lists no device.</summary>
internal static unsafe class DriverInquiry
{
    /// <summary>Null where no driver loads.</summary>
    public static CudaDriverFacts? Ask()
    {
        if (!CudaLibrary.TryLoad(out nint library))
            return null;
        var init = (delegate* unmanaged<uint, int>)Export("cuInit");
        var version = (delegate* unmanaged<int*, int>)Export("cuDriverGetVersion");
        var count = (delegate* unmanaged<int*, int>)Export("cuDeviceGetCount");
        var name = (delegate* unmanaged<int, byte**, int>)Export("cuGetErrorName");
        if (init == null)
            return new CudaDriverFacts(PathOf(0), -1, "no cuInit", 0, null);

        int code = init(0);
        int number = 0, devices = 0;
        byte* text = null;
        if (version != null)
            _ = version(&number);
        bool counted = code == 0 && count != null && count(&devices) == 0;
        string named = name != null && name(code, &text) == 0 && text != null ? Marshal.PtrToStringUTF8((nint)text)! : "unnamed";
        return new CudaDriverFacts(PathOf((nint)init), code, named, number, counted ? devices : null);

        nint Export(string function) => NativeLibrary.TryGetExport(library, function, out nint address) ? address : 0;
    }

    private static string PathOf(nint address)
    {
        try
        {
            return (OperatingSystem.IsLinux() ? MappedFile(File.ReadLines("/proc/self/maps"), address) : null) ?? CudaLibrary.Names[0];
        }
        catch (IOException)
        {
            return CudaLibrary.Names[0];
        }
    }

    /// <summary>
    /// The file that is mapped at an address: /proc/self/maps has lines of from-to, rights, offset, device, inode and path.
    /// </summary>
    internal static string? MappedFile(IEnumerable<string> maps, nint address)
    {
        foreach (string line in maps)
        {
            string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            string[] range = fields[0].Split('-');
            if (fields.Length == 6 && range.Length == 2 && Hex(range[0]) <= (ulong)address && (ulong)address < Hex(range[1]))
                return fields[5].Trim();
        }
        return null;

        static ulong Hex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    /// <summary>What ILGPU meets with when it looks at the first device: its own search swallows every exception.</summary>
    public static string AskIlgpu()
    {
        try
        {
            var error = CudaAPI.CurrentAPI.GetDeviceCount(out int count);
            if (error != CudaError.CUDA_SUCCESS || count == 0)
                return $"its call of cuDeviceGetCount gives {error} and {count}";
            var constructor = typeof(CudaDevice).GetConstructor(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public,
                [typeof(int)]);
            return constructor?.Invoke([0]) is CudaDevice device ? $"it can describe the first, {device.Name}" : "it cannot be asked";
        }
        catch (Exception e)
        {
            // Whatever it is, it is the answer.
            var inner = e.GetBaseException();
            return $"{inner.GetType().Name}: {inner.Message}";
        }
    }
}
