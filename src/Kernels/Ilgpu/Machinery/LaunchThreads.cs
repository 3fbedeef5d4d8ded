using ILGPU;
using ILGPU.Runtime;

namespace BDense.Kernels.Ilgpu;

// One overload for each number of arguments, since ILGPU's launchers are typed delegates: nothing is boxed, nothing allocated.
#pragma warning disable CS1573 // a, b, c, ... are the kernel's own arguments

/// <summary>Launching over a range of threads.</summary>
public sealed partial class IlgpuBackend
{
    /// <summary>
    /// Queues a kernel over threads 0 .. <paramref name="threads"/> - 1, one element or one row a thread; nothing for 0 threads or fewer.
    /// ILGPU cuts them into groups of <see cref="KernelAttribute.GroupSize"/> and lets those beyond the last return at once: such a kernel
    /// uses neither shared memory nor <see cref="Group.Barrier()"/> (<see cref="LaunchGroups{T1}"/> does).
    /// </summary>
    /// <remarks>
    /// The arguments behind are the kernel's own, up to thirteen: numbers, structs of numbers, and tensors as <see cref="View(Tensor)"/>
    /// gives them. The kernel is compiled at its first launch on a device. Launches run in the order in which they are queued, are counted
    /// (<see cref="KernelLaunches"/>), and while a graph is being captured they are noted and not run.
    /// </remarks>
    /// <param name="kernel">A static method with <see cref="KernelAttribute"/>, whose first parameter is the thread's number.</param>
    /// <param name="threads">How many.</param>
    /// <exception cref="BDenseException">The method is no kernel, or the device's compiler refuses it.</exception>
    public void Launch<T1>(Action<Index1D, T1> kernel, int threads, T1 a)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a);
        else
            Record(launcher, threads, a);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2>(Action<Index1D, T1, T2> kernel, int threads, T1 a, T2 b)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b);
        else
            Record(launcher, threads, a, b);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3>(Action<Index1D, T1, T2, T3> kernel, int threads, T1 a, T2 b, T3 c)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c);
        else
            Record(launcher, threads, a, b, c);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4>(Action<Index1D, T1, T2, T3, T4> kernel, int threads, T1 a, T2 b, T3 c, T4 d)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d);
        else
            Record(launcher, threads, a, b, c, d);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5>(Action<Index1D, T1, T2, T3, T4, T5> kernel, int threads, T1 a, T2 b, T3 c,
        T4 d, T5 e)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e);
        else
            Record(launcher, threads, a, b, c, d, e);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6>(Action<Index1D, T1, T2, T3, T4, T5, T6> kernel, int threads, T1 a,
        T2 b, T3 c, T4 d, T5 e, T6 f)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f);
        else
            Record(launcher, threads, a, b, c, d, e, f);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7> kernel, int threads,
        T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g);
        else
            Record(launcher, threads, a, b, c, d, e, f, g);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7, T8>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8> kernel,
        int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel,
        int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel, int threads, T1 a, T2 b, T3 c, T4 d, T5 e,
        T6 f, T7 g, T8 h, T9 i, T10 j)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i, j);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> kernel, int threads, T1 a, T2 b, T3 c, T4 d,
        T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i, j, k);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> kernel, int threads, T1 a, T2 b, T3 c,
        T4 d, T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k, T12 l)
    {
        if (threads <= 0)
            return;
        var launcher = Launcher<Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>>(kernel);
        if (_recording is null)
            launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k, l);
        else
            Record(launcher, threads, a, b, c, d, e, f, g, h, i, j, k, l);
    }

    /// <inheritdoc cref="Launch{T1}(Action{Index1D, T1}, int, T1)"/>
    public void Launch<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        Action<Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> kernel, int threads, T1 a, T2 b, T3 c,
        T4 d, T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k, T12 l, T13 m)
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
