using ILGPU;
using ILGPU.Runtime;

namespace BDense.Kernels.Ilgpu;

// One overload for each number of arguments, since ILGPU's launchers are typed delegates: nothing is boxed, nothing allocated.
#pragma warning disable CS1573 // a, b, c, ... are the kernel's own arguments

/// <summary>Launching whole groups of threads.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>
    /// Queues <paramref name="groups"/> groups of <see cref="KernelAttribute.GroupSize"/> threads of a kernel that lays out its groups
    /// itself; nothing for 0 groups. Threads of a group share memory (<see cref="SharedMemory.Allocate1D{T}(Index1D)"/>,
    /// and <see cref="KernelAttribute.DynamicSharedBytes"/> for what is known only at the launch) and wait for one another at
    /// <see cref="Group.Barrier()"/>; the kernel asks for its place by <see cref="Grid.IdxX"/> and <see cref="Group.IdxX"/>.
    /// </summary>
    /// <remarks>
    /// The arguments behind are the kernel's own, up to eight: numbers, structs of numbers, and tensors as <see cref="View(Tensor)"/> gives
    /// them. On <c>ilgpu-cpu</c> groups have two threads and a barrier takes a millisecond: see <see cref="KernelAttribute.AnyGroupSize"/>.
    /// </remarks>
    /// <param name="kernel">A static method with <see cref="KernelAttribute"/>.</param>
    /// <param name="groups">How many.</param>
    /// <exception cref="BDenseException">
    /// The method is no kernel, the device's compiler refuses it, or the device has smaller groups or less shared memory.
    /// </exception>
    public void LaunchGroups<T1>(Action<T1> kernel, int groups, T1 a)
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

    /// <inheritdoc cref="LaunchGroups{T1}(Action{T1}, int, T1)"/>
    public void LaunchGroups<T1, T2>(Action<T1, T2> kernel, int groups, T1 a, T2 b)
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

    /// <inheritdoc cref="LaunchGroups{T1}(Action{T1}, int, T1)"/>
    public void LaunchGroups<T1, T2, T3>(Action<T1, T2, T3> kernel, int groups, T1 a, T2 b, T3 c)
        where T1 : struct
        where T2 : struct
        where T3 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1, T2, T3>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a, b, c);
        else
            Record(launcher, config, a, b, c);
    }

    /// <inheritdoc cref="LaunchGroups{T1}(Action{T1}, int, T1)"/>
    public void LaunchGroups<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, int groups, T1 a, T2 b, T3 c, T4 d)
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

    /// <inheritdoc cref="LaunchGroups{T1}(Action{T1}, int, T1)"/>
    public void LaunchGroups<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, int groups, T1 a, T2 b, T3 c,
        T4 d, T5 e)
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

    /// <inheritdoc cref="LaunchGroups{T1}(Action{T1}, int, T1)"/>
    public void LaunchGroups<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel, int groups, T1 a, T2 b,
        T3 c, T4 d, T5 e, T6 f)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct
        where T6 : struct
    {
        if (groups == 0)
            return;
        var (launcher, config) = GroupLauncher<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6>>(kernel, groups);
        if (_recording is null)
            launcher(Next(), config, a, b, c, d, e, f);
        else
            Record(launcher, config, a, b, c, d, e, f);
    }

    /// <inheritdoc cref="LaunchGroups{T1}(Action{T1}, int, T1)"/>
    public void LaunchGroups<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel, int groups, T1 a,
        T2 b, T3 c, T4 d, T5 e, T6 f, T7 g)
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

    /// <inheritdoc cref="LaunchGroups{T1}(Action{T1}, int, T1)"/>
    public void LaunchGroups<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel,
        int groups, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h)
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
}
