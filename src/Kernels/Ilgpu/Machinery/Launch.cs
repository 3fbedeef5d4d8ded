using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Cuda;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu;

/// <summary>Launching: one overload for each number of arguments, since ILGPU's launchers are typed delegates.</summary>
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

    /// <summary>By reflection: only at a kernel's first launch.</summary>
    private static KernelEntry Entry(Delegate kernel) =>
        KernelRegistry.Find(kernel.Method) ?? throw new InvalidOperationException($"{kernel.Method.Name} has no [Kernel]");

    /// <summary>A kernel over a range of threads that ILGPU cuts into groups.</summary>
    private Kernel LoadThreads(KernelEntry entry)
    {
        int group = Math.Min(entry.GroupSize, _accelerator.MaxNumThreadsPerGroup);
        return _accelerator is CudaAccelerator cuda
            ? CompilerLog.Load(entry.Name, () => _accelerator.LoadImplicitlyGroupedKernel(PtxText.Compile(cuda, entry), group))
            : _accelerator.LoadImplicitlyGroupedKernel(entry.Method, group);
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
        : throw new BDenseException($"{count} threads in one launch are more than the {Shape.MaxLength} that kernels count to; use a smaller batch");

    /// <summary>The launcher of a kernel that lays out its groups itself, compiled at first use, and its geometry.</summary>
    internal (TLauncher Launcher, KernelConfig Config) GroupLauncher<TLauncher>(Delegate kernel, int groups)
        where TLauncher : Delegate
    {
        if (!_groupLaunchers.TryGetValue(kernel, out var known))
        {
            var entry = Entry(kernel);
            known = new(_emulator?.Launcher(entry, typeof(TLauncher)) ?? LoadGroups(entry).CreateLauncherDelegate<TLauncher>(), entry.GroupSize,
                entry.DynamicSharedBytes == 0 ? default : SharedMemoryConfig.RequestDynamic<byte>(entry.DynamicSharedBytes));
            _groupLaunchers.Add(kernel, known);
        }
        return (Unsafe.As<TLauncher>(known.Launcher), new KernelConfig(groups, known.GroupSize, known.Shared));
    }

    private Kernel LoadGroups(KernelEntry entry)
    {
        var compiled = _accelerator is CudaAccelerator cuda
            ? CompilerLog.Load(entry.Name, () => _accelerator.LoadKernel(PtxText.Compile(cuda, entry)))
            : _accelerator.LoadKernel(entry.Method, new KernelSpecialization(entry.GroupSize, null));
        AllowShared(compiled, entry);
        return compiled;
    }

    private IKernelEmulator? _emulator;

    /// <summary>For tests: kernels that the emulator takes run there, and the device counts as one of this precision and shared memory.</summary>
    internal void Emulate(IKernelEmulator emulator, Precision precision, int sharedLimit)
    {
        (_emulator, _precision, _sharedLimit) = (emulator, precision, sharedLimit);
        _launchers.Clear();
        _groupLaunchers.Clear();
        _choices.Clear();
    }

    /// <summary>A kernel that lays out its groups itself: <paramref name="groups"/> of its own group size.</summary>
    private void LaunchGroups<T1>(Action<T1> kernel, int groups, T1 a)
        where T1 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a);
        else
            Record(launcher, config, a);
    }

    private void LaunchGroups<T1, T2>(Action<T1, T2> kernel, int groups, T1 a, T2 b)
        where T1 : struct
        where T2 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1, T2>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a, b);
        else
            Record(launcher, config, a, b);
    }

    private void LaunchGroups<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, int groups, T1 a, T2 b, T3 c, T4 d)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a, b, c, d);
        else
            Record(launcher, config, a, b, c, d);
    }

    private void LaunchGroups<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, int groups, T1 a, T2 b, T3 c, T4 d, T5 e)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a, b, c, d, e);
        else
            Record(launcher, config, a, b, c, d, e);
    }

    private void LaunchGroups<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel, int groups, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a, b, c, d, e, f, g);
        else
            Record(launcher, config, a, b, c, d, e, f, g);
    }

    private void LaunchGroups<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel, int groups, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
        where T7 : struct
        where T8 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a, b, c, d, e, f, g, h);
        else
            Record(launcher, config, a, b, c, d, e, f, g, h);
    }

    /// <summary>Holds a kernel's demand to what the device has; CUDA wants to be told of more than 48 KiB before the launch.</summary>
    /// <exception cref="BDenseException">The device has less.</exception>
    private void AllowShared(Kernel compiled, KernelEntry entry)
    {
        RequireFits(entry, _accelerator.MaxNumThreadsPerGroup, SharedLimit, $"{Name} ({_accelerator.Name})");
        if (compiled is CudaKernel cuda && entry.DynamicSharedBytes > 48 << 10)
            CudaDriver.AllowDynamicShared(cuda.FunctionPtr, entry.DynamicSharedBytes);
    }

    internal static void RequireFits(KernelEntry entry, int maxThreads, int maxSharedBytes, string device)
    {
        if (entry.GroupSize > maxThreads)
            throw new BDenseException($"{entry.Name} needs groups of {entry.GroupSize} threads; {device} has at most {maxThreads}");
        if (entry.DynamicSharedBytes > maxSharedBytes)
            throw new BDenseException($"{entry.Name} needs {entry.DynamicSharedBytes} bytes of shared memory a group; {device} has {maxSharedBytes}");
    }

    /// <summary>The most shared memory a group can have, in bytes; on CUDA that is more than it has without asking.</summary>
    private int SharedLimit => _sharedLimit ??= _accelerator is CudaAccelerator cuda ? CudaDriver.SharedLimit(cuda.DeviceId) : _accelerator.MaxSharedMemoryPerGroup;

    private int? _sharedLimit;

    private void Launch<T1, T2>(Action<Index1D, T1, T2> kernel, int threads, T1 a, T2 b)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b);
        else
            Record(launcher, threads, a, b);
    }

    private void Launch<T1, T2, T3>(Action<Index1D, T1, T2, T3> kernel, int threads, T1 a, T2 b, T3 c)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c);
        else
            Record(launcher, threads, a, b, c);
    }

    private void Launch<T1, T2, T3, T4>(Action<Index1D, T1, T2, T3, T4> kernel, int threads, T1 a, T2 b, T3 c, T4 d)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d);
        else
            Record(launcher, threads, a, b, c, d);
    }

    private void Launch<T1, T2, T3, T4, T5>(Action<Index1D, T1, T2, T3, T4, T5> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e);
        else
            Record(launcher, threads, a, b, c, d, e);
    }

    private void Launch<T1, T2, T3, T4, T5, T6>(Action<Index1D, T1, T2, T3, T4, T5, T6> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f);
        else
            Record(launcher, threads, a, b, c, d, e, f);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g);
        else
            Record(launcher, threads, a, b, c, d, e, f, g);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i, T10 j)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i, j);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i, j, k);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k, T12 l)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k, l);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i, j, k, l);
    }

    private void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k, T12 l, T13 m)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k, l, m);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i, j, k, l, m);
    }

}
