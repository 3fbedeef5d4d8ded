using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>The one file that is the CUDA driver, for this project's calls and for ILGPU's.</summary>
/// <remarks>
/// A driver installs <c>libcuda.so.1</c>; the name without a number is a link that comes with development packages. ILGPU asks for
/// the latter alone and takes its absence for a machine without a GPU.
/// </remarks>
internal static class CudaLibrary
{
    public static IReadOnlyList<string> Names { get; } = OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];

    private static readonly Lazy<nint> Loaded = new(() => First(Names, name => NativeLibrary.TryLoad(name, out nint handle) ? handle : 0));

    private static readonly Lazy<bool> Resolver = new(SetResolver);

    /// <summary>Makes ILGPU load the file that this project loads. To be called before ILGPU's first call; calls after the first do nothing.</summary>
    /// <returns>False where somebody else already decides for ILGPU's assembly.</returns>
    public static bool Install() => Resolver.Value;

    /// <summary>It stays loaded until the process ends.</summary>
    public static bool TryLoad(out nint handle)
    {
        handle = Loaded.Value;
        return handle != 0;
    }

    /// <exception cref="BDenseException">There is none.</exception>
    public static nint Load() => TryLoad(out nint handle) ? handle : throw new BDenseException($"no NVIDIA driver: {Names[0]} does not load");

    internal static nint First(IEnumerable<string> names, Func<string, nint> load) => names.Select(load).FirstOrDefault(handle => handle != 0);

    /// <summary>What ILGPU's imports of <paramref name="name"/> bind to; 0 leaves it to the runtime.</summary>
    internal static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == "cuda" && !OperatingSystem.IsWindows() && TryLoad(out nint handle) ? handle : 0;

    private static bool SetResolver()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, Resolve);
            return true;
        }
        catch (InvalidOperationException)
        {
            // An assembly has one resolver. Whoever set it (a stand-in for the driver) knows better.
            return false;
        }
    }
}
