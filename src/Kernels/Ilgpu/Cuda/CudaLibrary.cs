using System.Reflection;
using System.Runtime.InteropServices;
using BDense.VirtualGpu.Driver.Library;
using ILGPU;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>The one file that is the CUDA driver, for this project's calls and for ILGPU's.</summary>
/// <remarks>
/// A driver installs <c>libcuda.so.1</c>; the name without a number is a link that comes with development packages. ILGPU asks for
/// the latter alone and takes its absence for a machine without a GPU. Once <see cref="UseVirtual"/> was called the file is the virtual
/// GPU's, until the process ends: ILGPU binds a function at its first call and never again.
/// </remarks>
internal static class CudaLibrary
{
    public static IReadOnlyList<string> Names { get; } = OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];

    private static readonly Lazy<nint> Loaded = new(() => First(Names, name => NativeLibrary.TryLoad(name, out nint handle) ? handle : 0));

    private static readonly Lazy<bool> Resolver = new(SetResolver);

    private static nint _virtual;

    /// <summary>Whether this process's CUDA driver is the virtual one.</summary>
    public static bool IsVirtual => _virtual != 0;

    /// <summary>
    /// Makes ILGPU load the file that this project loads. To be called before ILGPU's first call; calls after the first do nothing.
    /// </summary>
    /// <returns>False where somebody else already decides for ILGPU's assembly.</returns>
    public static bool Install() => Resolver.Value;

    /// <summary>It stays loaded until the process ends.</summary>
    public static bool TryLoad(out nint handle)
    {
        handle = IsVirtual ? _virtual : Loaded.Value;
        return handle != 0;
    }

    /// <exception cref="BDenseException">There is none.</exception>
    public static nint Load() =>
        TryLoad(out nint handle) ? handle : throw new BDenseException($"no NVIDIA driver: {Names[0]} does not load");

    /// <summary>Why the virtual GPU cannot be had; null if it can.</summary>
    public static string? WhyNotVirtual() =>
        WhyNotVirtual(IsVirtual, realIsLoaded: Loaded.IsValueCreated && Loaded.Value != 0, VirtualLibrary.IsSupported);

    internal static string? WhyNotVirtual(bool isVirtual, bool realIsLoaded, bool isSupported) =>
        isVirtual ? null
        : realIsLoaded ? "this process already uses NVIDIA's driver; start another for the virtual GPU"
        : !isSupported ? "the virtual GPU needs Linux on x86-64"
        : null;

    /// <summary>Puts the virtual GPU in the driver's place, in all of this process and until it ends.</summary>
    /// <exception cref="BDenseException">See <see cref="WhyNotVirtual()"/>.</exception>
    public static void UseVirtual()
    {
        if (IsVirtual)
            return;
        if (WhyNotVirtual() is { } reason)
            throw new BDenseException(reason);
        if (!Install())
            throw new BDenseException("something else in this process decides which CUDA driver ILGPU gets");
        try
        {
            _virtual = VirtualLibrary.Load();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            throw new BDenseException($"the virtual GPU's library, a temporary file, cannot be loaded: {e.Message}", e);
        }
    }

    internal static nint First(IEnumerable<string> names, Func<string, nint> load) =>
        names.Select(load).FirstOrDefault(handle => handle != 0);

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
