using System.Runtime.InteropServices;

namespace BDense.VirtualGpu.Driver.Library;

/// <summary>The process's one virtual driver as a native library: what <see cref="NativeLibrary"/> and imports can bind to.</summary>
public static unsafe class VirtualLibrary
{
    /// <summary>Not libcuda's: whoever asks the system's loader for that must never get this one.</summary>
    private const string Name = "libbdense-virtual-gpu.so";

    private static readonly Lazy<VirtualDriver> TheDriver = new(() => new VirtualDriver(GpuModel.All, Options));
    private static readonly Lazy<nint> Loaded = new(LoadOnce);

    /// <summary>Where it can be loaded: the file is machine code for Linux on x86-64.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>Its devices are <see cref="GpuModel.All"/>, in that order.</summary>
    public static VirtualDriver Driver => TheDriver.Value;

    /// <summary>How its GPUs run; to be set before its first use.</summary>
    public static GpuOptions Options { get; set; } = new();

    /// <summary>The library's handle; it stays loaded until the process ends, its file does not stay.</summary>
    /// <exception cref="PlatformNotSupportedException">See <see cref="IsSupported"/>.</exception>
    /// <exception cref="IOException">The file cannot be written to the folder for temporary files.</exception>
    public static nint Load() => Loaded.Value;

    private static nint LoadOnce()
    {
        if (!IsSupported)
            throw new PlatformNotSupportedException("the virtual GPU needs Linux on x86-64");
        var functions = Exports.All;
        string folder = Directory.CreateTempSubdirectory("bdense-virtual-gpu-").FullName;
        try
        {
            string path = Path.Combine(folder, Name);
            File.WriteAllBytes(path, ElfFile.Write(Name, [.. functions.Select(f => f.Name)]));
            nint library = NativeLibrary.Load(path);
            var table = (nint*)NativeLibrary.GetExport(library, ElfFile.Table);
            for (int i = 0; i < functions.Count; i++)
                table[i] = functions[i].Address;
            return library;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
