using System.Reflection;
using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Cuda;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu;

/// <summary>What every launch has in common: the compiled kernel is looked up, or compiled at its first launch.</summary>
public sealed partial class IlgpuBackend
{
    // By reference: the compiler keeps one delegate for each static method, so the look-up costs some nanoseconds.
    private readonly Dictionary<Delegate, Delegate> _launchers = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Delegate, GroupKernel> _groupLaunchers = new(ReferenceEqualityComparer.Instance);

    /// <summary>A kernel that lays out its groups itself, ready to launch: all but the number of groups.</summary>
    private readonly record struct GroupKernel(Delegate Launcher, int GroupSize, SharedMemoryConfig Shared);

    /// <summary>The compiled kernel's launcher; compiles at first use.</summary>
    private TLauncher Launcher<TLauncher>(Delegate kernel)
        where TLauncher : Delegate
    {
        if (_launchers.TryGetValue(kernel, out var known))
            return Unsafe.As<TLauncher>(known);
        var launcher = LoadThreads(Entry(kernel)).CreateLauncherDelegate<TLauncher>();
        _launchers.Add(kernel, launcher);
        return launcher;
    }

    /// <summary>By reflection: only at a kernel's first launch. Groups are those that this device has.</summary>
    private KernelEntry Entry(Delegate kernel)
    {
        var method = kernel.Method;
        if (!method.IsStatic)
            throw new BDenseException($"{method.Name} cannot be launched: a kernel is a static method with a name, no lambda");
        var entry = KernelRegistry.Find(method)
            ?? throw new BDenseException(
                $"{method.DeclaringType?.Name}.{method.Name} has no [Kernel]: mark the method with its group size");
        if (!IsReachable(method))
            throw new BDenseException(
                $"{method.DeclaringType?.Name}.{method.Name} cannot be called by ILGPU's simulation: make it and its class public");
        return entry.For(_accelerator.MaxNumThreadsPerGroup);
    }

    /// <summary>ILGPU calls kernels from an assembly that it makes, which sees public methods and those of who names it a friend.</summary>
    private static bool IsReachable(MethodInfo method) => (method.IsPublic && method.DeclaringType is { IsVisible: true })
        || method.Module.Assembly.GetCustomAttributes<InternalsVisibleToAttribute>()
            .Any(friend => friend.AssemblyName == Context.RuntimeAssemblyName);

    /// <summary>A kernel over a range of threads that ILGPU cuts into groups.</summary>
    private Kernel LoadThreads(KernelEntry entry)
    {
        int group = Math.Min(entry.GroupSize, _accelerator.MaxNumThreadsPerGroup);
        return _accelerator is CudaAccelerator cuda
            ? CompilerLog.Load(entry.Name, () => _accelerator.LoadImplicitlyGroupedKernel(PtxText.Compile(cuda, entry), group))
            : _accelerator.LoadImplicitlyGroupedKernel(entry.Method!, group);
    }

    /// <summary>The queue, for one launch more.</summary>
    private AcceleratorStream Next()
    {
        _launches++;
        return _stream;
    }

    /// <summary>A count of threads or groups as the launcher takes it.</summary>
    /// <exception cref="BDenseException">Kernels count in 32 bits.</exception>
    internal static int Threads(long count) => count <= Shape.MaxLength ? (int)count
        : throw new BDenseException(
            $"{count} threads in one launch are more than the {Shape.MaxLength} that kernels count to; use a smaller batch");

    /// <summary>The launcher of a kernel that lays out its groups itself, compiled at first use, and its geometry.</summary>
    internal (TLauncher Launcher, KernelConfig Config) GroupLauncher<TLauncher>(Delegate kernel, int groups)
        where TLauncher : Delegate
    {
        if (!_groupLaunchers.TryGetValue(kernel, out var known))
        {
            var entry = Entry(kernel);
            known = new(_emulator?.Launcher(entry, typeof(TLauncher)) ?? LoadGroups(entry).CreateLauncherDelegate<TLauncher>(),
                entry.GroupSize,
                entry.DynamicSharedBytes == 0 ? default : SharedMemoryConfig.RequestDynamic<byte>(entry.DynamicSharedBytes));
            _groupLaunchers.Add(kernel, known);
        }
        return (Unsafe.As<TLauncher>(known.Launcher), new KernelConfig(groups, known.GroupSize, known.Shared));
    }

    private Kernel LoadGroups(KernelEntry entry)
    {
        RequireFits(entry, _accelerator.MaxNumThreadsPerGroup, SharedLimit, $"{Name} ({_accelerator.Name})");
        var compiled = _accelerator is CudaAccelerator cuda
            ? CompilerLog.Load(entry.Name, () => _accelerator.LoadKernel(PtxText.Compile(cuda, entry)))
            : _accelerator.LoadKernel(entry.Method!, new KernelSpecialization(entry.GroupSize, null));
        // CUDA wants to be told of more than 48 KiB before the launch.
        if (compiled is CudaKernel loaded && entry.DynamicSharedBytes > 48 << 10)
            CudaDriver.AllowDynamicShared(loaded.FunctionPtr, entry.DynamicSharedBytes);
        return compiled;
    }

    private IKernelEmulator? _emulator;

    /// <summary>
    /// For tests: kernels that the emulator takes run there, and the device counts as one of this precision and shared memory.
    /// </summary>
    internal void Emulate(IKernelEmulator emulator, Precision precision, int sharedLimit)
    {
        (_emulator, _precision, _sharedLimit) = (emulator, precision, sharedLimit);
        _launchers.Clear();
        _groupLaunchers.Clear();
        _choices.Clear();
    }

    /// <summary>Holds a kernel's demand to what the device has.</summary>
    /// <exception cref="BDenseException">The device has less.</exception>
    internal static void RequireFits(KernelEntry entry, int maxThreads, int maxSharedBytes, string device)
    {
        if (entry.GroupSize > maxThreads)
            throw new BDenseException($"{entry.Name} needs groups of {entry.GroupSize} threads; {device} has at most {maxThreads}");
        if (entry.DynamicSharedBytes > maxSharedBytes)
            throw new BDenseException(
                $"{entry.Name} needs {entry.DynamicSharedBytes} bytes of shared memory a group; {device} has {maxSharedBytes}");
    }

    /// <summary>The most shared memory a group can have, in bytes; on CUDA that is more than it has without asking.</summary>
    private int SharedLimit =>
        _sharedLimit ??= _accelerator is CudaAccelerator cuda ? CudaDriver.SharedLimit(cuda.DeviceId)
            : _accelerator.MaxSharedMemoryPerGroup;

    private int? _sharedLimit;
}
