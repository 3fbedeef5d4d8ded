using BDense.Kernels.Devices;
using ILGPU;
using ILGPU.Runtime;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// A graph where the driver has none (OpenCL, the simulation): the launches with their packed arguments, kept as a list and issued again
/// one by one. The host's tape, shapes and look-ups are saved, the launches are not. What is frozen is exactly what a CUDA graph freezes,
/// so a replay here that gives the bits of a fresh run shows that no launch carries a number of its step.
/// </summary>
internal sealed class LaunchRecorder(IlgpuBackend backend) : IGraphCapture
{
    public string Name => "recorded launches";

    public void Begin() => backend.StartRecording();

    public ILaunchGraph End() => new Recording(backend.StopRecording());

    public void Abandon() => backend.StopRecording();

    private sealed class Recording(List<Action> launches) : ILaunchGraph
    {
        public int Launches => launches.Count;

        public void Launch()
        {
            foreach (var launch in launches)
                launch();
        }

        public void Dispose() => launches.Clear();
    }
}

/// <summary>Recording: an overload for each of <c>Launch</c>, apart from it so that an ordinary launch makes no closure.</summary>
public sealed partial class IlgpuBackend
{
    private List<Action>? _recording;

    internal void StartRecording() => _recording = [];

    internal List<Action> StopRecording()
    {
        var recorded = _recording ?? [];
        _recording = null;
        return recorded;
    }

    private void Record<T1>(Action<AcceleratorStream, KernelConfig, T1> launcher, KernelConfig groups, T1 a) =>
        _recording!.Add(() => launcher(Next(), groups, a));

    private void Record<T1, T2>(Action<AcceleratorStream, KernelConfig, T1, T2> launcher, KernelConfig groups, T1 a, T2 b) =>
        _recording!.Add(() => launcher(Next(), groups, a, b));

    private void Record<T1, T2, T3>(Action<AcceleratorStream, KernelConfig, T1, T2, T3> launcher, KernelConfig groups,
        T1 a, T2 b, T3 c) =>
        _recording!.Add(() => launcher(Next(), groups, a, b, c));

    private void Record<T1, T2, T3, T4>(Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> launcher, KernelConfig groups, T1 a, T2 b,
        T3 c, T4 d) =>
        _recording!.Add(() => launcher(Next(), groups, a, b, c, d));

    private void Record<T1, T2, T3, T4, T5>(Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> launcher, KernelConfig groups, T1 a,
        T2 b, T3 c, T4 d, T5 e) =>
        _recording!.Add(() => launcher(Next(), groups, a, b, c, d, e));

    private void Record<T1, T2, T3, T4, T5, T6>(
        Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> launcher, KernelConfig groups, T1 a, T2 b,
        T3 c, T4 d, T5 e, T6 f) =>
        _recording!.Add(() => launcher(Next(), groups, a, b, c, d, e, f));

    private void Record<T1, T2, T3, T4, T5, T6, T7>(Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> launcher,
        KernelConfig groups, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g) =>
        _recording!.Add(() => launcher(Next(), groups, a, b, c, d, e, f, g));

    private void Record<T1, T2, T3, T4, T5, T6, T7, T8>(Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> launcher,
        KernelConfig groups, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h) =>
        _recording!.Add(() => launcher(Next(), groups, a, b, c, d, e, f, g, h));

    private void Record<T1>(Action<AcceleratorStream, Index1D, T1> launcher, int threads, T1 a) =>
        _recording!.Add(() => launcher(Next(), threads, a));

    private void Record<T1, T2>(Action<AcceleratorStream, Index1D, T1, T2> launcher, int threads, T1 a, T2 b) =>
        _recording!.Add(() => launcher(Next(), threads, a, b));

    private void Record<T1, T2, T3>(Action<AcceleratorStream, Index1D, T1, T2, T3> launcher, int threads, T1 a, T2 b, T3 c) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c));

    private void Record<T1, T2, T3, T4>(Action<AcceleratorStream, Index1D, T1, T2, T3, T4> launcher, int threads, T1 a, T2 b, T3 c, T4 d) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d));

    private void Record<T1, T2, T3, T4, T5>(Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5> launcher, int threads, T1 a, T2 b, T3 c,
        T4 d, T5 e) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e));

    private void Record<T1, T2, T3, T4, T5, T6>(Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6> launcher, int threads, T1 a,
        T2 b, T3 c, T4 d, T5 e, T6 f) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f));

    private void Record<T1, T2, T3, T4, T5, T6, T7>(Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7> launcher, int threads,
        T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f, g));

    private void Record<T1, T2, T3, T4, T5, T6, T7, T8>(Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8> launcher,
        int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f, g, h));

    private void Record<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9> launcher,
        int threads, T1 a, T2 b, T3 c, T4 d, T5 e, T6 f, T7 g, T8 h, T9 i) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f, g, h, i));

    private void Record<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(
        Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> launcher, int threads, T1 a, T2 b, T3 c, T4 d, T5 e,
        T6 f, T7 g, T8 h, T9 i, T10 j) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j));

    private void Record<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(
        Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> launcher, int threads, T1 a, T2 b, T3 c, T4 d,
        T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k));

    private void Record<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(
        Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> launcher, int threads, T1 a, T2 b, T3 c, T4 d,
        T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k, T12 l) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k, l));

    private void Record<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13>(
        Action<AcceleratorStream, Index1D, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13> launcher, int threads, T1 a, T2 b, T3 c,
        T4 d, T5 e, T6 f, T7 g, T8 h, T9 i, T10 j, T11 k, T12 l, T13 m) =>
        _recording!.Add(() => launcher(Next(), threads, a, b, c, d, e, f, g, h, i, j, k, l, m));
}
