using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace BDense.VirtualGpu.Driver;

/// <content>Modules and their entries.</content>
public sealed unsafe partial class VirtualDriver
{
    /// <summary>CUjit_option: where the compiler's words go, and how many bytes there are.</summary>
    private const int InfoLogBuffer = 3, InfoLogBytes = 4, ErrorLogBuffer = 5, ErrorLogBytes = 6;

    /// <summary>CUfunction_attribute MAX_DYNAMIC_SHARED_SIZE_BYTES.</summary>
    private const int MaxDynamicSharedBytes = 8;

    /// <summary>Modules that were read, by their text: a process loads the same ones over and over.</summary>
    private readonly Dictionary<string, PtxModule> _read = [];

    /// <param name="module">The new one; 0 if there is none.</param>
    /// <param name="image">PTX, ended by a zero. Machine code is CUDA_ERROR_NO_BINARY_FOR_GPU: only the GPU that it is for can run
    /// it.</param>
    /// <param name="count">Of options.</param>
    /// <param name="options">The logs' are heard, the others mean nothing here.</param>
    /// <param name="values">Of the options: pointers, or numbers in a pointer's place.</param>
    public CudaResult cuModuleLoadDataEx(nint* module, byte* image, uint count, int* options, void** values) => InContext(context =>
    {
        Require(module != null && image != null && (count == 0 || (options != null && values != null)));
        RefuseUnsafeWhileCapturing(context);
        *module = 0;
        var (result, code, error) = Read(image, context.Device.Gpu.Model);
        WriteLog(count, options, values, InfoLogBuffer, InfoLogBytes, "");
        WriteLog(count, options, values, ErrorLogBuffer, ErrorLogBytes, error);
        if (code is not null)
            *module = NewHandle(new DriverModule(context, code));
        return result;
    });

    /// <summary>Work that was queued with its kernels is still done; a graph that has them cannot be launched any more.</summary>
    public CudaResult cuModuleUnload(nint module) => InContext(context =>
    {
        var old = Find<DriverModule>(context, module);
        RefuseUnsafeWhileCapturing(context);
        context.Device.Queue.WhenIdle(() => old.IsUnloaded = true);
        foreach (nint function in old.Functions.Values)
            _handles.Remove(function);
        _handles.Remove(module);
        return context.Fault;
    });

    public CudaResult cuModuleGetFunction(nint* function, nint module, byte* name) => InContext(context =>
    {
        Require(function != null && name != null);
        *function = 0;
        var owner = Find<DriverModule>(context, module);
        string entry = Marshal.PtrToStringUTF8((nint)name)!;
        Require(owner.Code.Kernels.TryGetValue(entry, out var kernel), CudaResult.NotFound);
        if (!owner.Functions.TryGetValue(entry, out nint handle))
            owner.Functions.Add(entry, handle = NewHandle(new DriverFunction(owner, kernel!)));
        *function = handle;
        return CudaResult.Success;
    });

    /// <summary>Attribute 8, with the kernel's own arrays at most what the device allows a block; 9 (the carve-out) is a hint.</summary>
    public CudaResult cuFuncSetAttribute(nint function, int attribute, int value) => InContext(context =>
    {
        var target = Find<DriverFunction>(context, function);
        if (attribute == 9 && value is >= -1 and <= 100)
            return CudaResult.Success;
        Require(attribute == MaxDynamicSharedBytes && value >= 0);
        Require(value + target.Kernel.StaticSharedBytes <= context.Device.Gpu.Model.SharedPerBlockOptIn);
        target.MaxDynamicShared = value;
        return CudaResult.Success;
    });

    private (CudaResult Result, PtxModule? Code, string Error) Read(byte* image, GpuModel model)
    {
        // An ELF file, or one of NVIDIA's containers of several.
        if (*(uint*)image is 0x464c457f or 0xba55ed50 or 0x466243b1)
            return (CudaResult.NoBinaryForGpu, null, "machine code does not run on a virtual GPU; load PTX");
        string text = Marshal.PtrToStringUTF8((nint)image)!;
        if (Number(VersionDirective().Match(text)) is { } version && version > 87)
            return (CudaResult.UnsupportedPtxVersion, null, $"PTX {version / 10}.{version % 10} is newer than 8.7");
        if (Number(TargetDirective().Match(text)) is { } target && target > 10 * model.Major + model.Minor)
            return (CudaResult.NoBinaryForGpu, null, $"code for sm_{target} on {model.Name}, which is sm_{model.Major}{model.Minor}");
        if (_read.TryGetValue(text, out var known))
            return (CudaResult.Success, known, "");
        try
        {
            var module = PtxModule.Read(text);
            foreach (var kernel in module.Kernels.Values)
            {
                if (Execution.LaunchLimits.StaticShared(kernel) is { } tooMuch)
                    return (CudaResult.InvalidPtx, null, $"{kernel.Name}: {tooMuch}");
            }
            _read.Add(text, module);
            return (CudaResult.Success, module, "");
        }
        catch (PtxException e)
        {
            return (CudaResult.InvalidPtx, null, e.Message);
        }
    }

    private static int? Number(Match match) =>
        match.Success ? int.Parse(match.Groups[1].Value + match.Groups[2].Value, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^\s*\.version\s+(\d)\.(\d)", RegexOptions.Multiline)]
    private static partial Regex VersionDirective();

    [GeneratedRegex(@"^\s*\.target\s+sm_(\d+)()", RegexOptions.Multiline)]
    private static partial Regex TargetDirective();

    /// <summary>As much as fits, and a zero; the number of bytes comes back in the other option's place.</summary>
    private static void WriteLog(uint count, int* options, void** values, int buffer, int size, string text)
    {
        int at = new ReadOnlySpan<int>(options, (int)count).IndexOf(buffer),
            length = new ReadOnlySpan<int>(options, (int)count).IndexOf(size);
        if (at < 0 || length < 0 || values[at] == null || (nint)values[length] <= 0)
            return;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int written = (int)Math.Min(bytes.Length, (nint)values[length] - 1);
        bytes.AsSpan(0, written).CopyTo(new Span<byte>(values[at], written));
        ((byte*)values[at])[written] = 0;
        values[length] = (void*)(nint)(written == 0 ? 0 : written + 1);
    }
}
