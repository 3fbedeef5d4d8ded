using System.Runtime.InteropServices;
using BDense.Kernels.Ilgpu.Cuda;
using BDense.Kernels.Ptx;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Launching kernels that <see cref="PtxWriter"/> writes: on CUDA alone, on the backend's stream, captured like all others.
/// </summary>
public sealed partial class IlgpuBackend
{
    private readonly Dictionary<IWrittenKernel, LoadedKernel> _written = [];

    private readonly record struct LoadedKernel(nint Function, WrittenKernel Kernel);

    /// <summary>Queues groups of a kernel, which is written and loaded at its first launch; nothing for 0 groups.</summary>
    /// <param name="kernel">Which.</param>
    /// <param name="groups">How many.</param>
    /// <param name="arguments">The struct that the kernel was written for; copied before the call returns.</param>
    /// <exception cref="BDenseException">The driver refuses the kernel, or a group has not the shared memory.</exception>
    internal unsafe void LaunchWritten<TArguments>(IWrittenKernel kernel, int groups, TArguments arguments)
        where TArguments : unmanaged
    {
        if (groups == 0)
            return;
        if (_emulator is not null)
        {
            byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<TArguments>(in arguments)).ToArray();
            var emulator = _emulator;
            void Run()
            {
                _stream.Synchronize();
                emulator.Run(kernel, groups, bytes);
            }
            if (_recording is null)
                Run();
            else
                _recording.Add(Run);
            return;
        }
        if (!_written.TryGetValue(kernel, out var loaded))
            _written.Add(kernel, loaded = LoadWritten(kernel));
        // Pointers to each argument: a struct that C# pads at its end is no packed buffer.
        nint* pointers = stackalloc nint[loaded.Kernel.Arguments.Count];
        for (int i = 0; i < loaded.Kernel.Arguments.Count; i++)
            pointers[i] = (nint)(&arguments) + loaded.Kernel.Arguments[i];
        _accelerator.Bind();
        var error = CudaAPI.CurrentAPI.LaunchKernel(loaded.Function, groups, 1, 1, loaded.Kernel.Threads, 1, 1, loaded.Kernel.SharedBytes,
            ((CudaStream)Next()).StreamPtr, (nint)pointers, 0);
        if (error != CudaError.CUDA_SUCCESS)
            throw Failure(new CudaException(error), $"launch of {kernel.Name}");
    }

    private LoadedKernel LoadWritten(IWrittenKernel kernel)
    {
        if (_accelerator is not CudaAccelerator)
            throw new BDenseException($"{kernel.Name} is PTX, for NVIDIA's GPUs; {Name} ({_accelerator.Name}) has none");
        RequireFits(KernelEntry.Of(kernel), _accelerator.MaxNumThreadsPerGroup, SharedLimit, $"{Name} ({_accelerator.Name})");
        var written = kernel.Write();
        _accelerator.Bind();
        var error = CudaAPI.CurrentAPI.LoadModule(out nint module, written.Text, out string? log);
        if (error != CudaError.CUDA_SUCCESS)
        {
            string name = DeviceFault.NameOf(new CudaException(error));
            // A fault of an earlier launch may surface here and has nothing to do with this kernel's text.
            if (DeviceFault.IsSticky(name))
                throw Failure(new CudaException(error), $"while {kernel.Name} was loaded");
            string said = log?.Replace("\0", "", StringComparison.Ordinal).Trim() ?? "";
            throw new BDenseException($"{kernel.Name} does not load: {name}{(said.Length > 0 ? "; compiler: " + said : "")}");
        }
        // The module lives as long as the context, which the accelerator ends.
        error = CudaAPI.CurrentAPI.GetModuleFunction(out nint function, module, written.Name);
        if (error != CudaError.CUDA_SUCCESS)
            throw Failure(new CudaException(error), $"entry {written.Name}");
        // CUDA wants to be told of more than 48 KiB before the launch.
        if (written.SharedBytes > 48 << 10)
            CudaDriver.AllowDynamicShared(function, written.SharedBytes);
        return new LoadedKernel(function, written);
    }

    /// <summary>A tensor's map, as an argument of a kernel for Hopper.</summary>
    /// <exception cref="BDenseException">The driver takes no such tensor, or knows no maps.</exception>
    internal TensorMap MapOf(TensorBoxes boxes)
    {
        _accelerator.Bind();
        return boxes.Encode(CudaDriver.EncodeTensorMap);
    }

    /// <summary>Whether the GPU runs what is written for <c>sm_80</c>.</summary>
    internal bool HasTensorCores => _accelerator is CudaAccelerator { Architecture.Major: >= 8 };

    /// <summary>
    /// Whether the GPU runs what is written for <c>sm_90a</c>, which no later one does, and its driver makes tensor maps.
    /// </summary>
    internal bool IsHopper =>
        _isHopper ??= _accelerator is CudaAccelerator { Architecture: { Major: 9, Minor: 0 } } && CudaDriver.HasTensorMaps;

    private bool? _isHopper;

    /// <summary>Multiprocessors of the device.</summary>
    internal int Multiprocessors => _accelerator.NumMultiprocessors;

    internal static long Address(Tensor x) => ((DeviceStorage)x.Storage).Buffer.NativePtr + x.ByteOffset;

    private static long AddressOrZero(Tensor? x) => x is null ? 0 : Address(x);
}
