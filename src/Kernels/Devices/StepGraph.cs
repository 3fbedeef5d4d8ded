namespace BDense.Kernels.Devices;

/// <summary>
/// Work of fixed shape that runs again and again: run as it is the first time, captured the second time, and replayed from then on. Where
/// the device cannot capture it, it is run as it is for ever, and <see cref="Backend.OnNotice"/> is told why, once.
/// </summary>
/// <remarks>
/// <para>The work queues operations and does nothing else: no upload, no download, no waiting, no state of the host's. All that differs
/// from run to run it reads from tensors that live outside and are written before each run: noise levels, branch coefficients, the counter
/// of random numbers (<see cref="RandomKey.Counter"/>), the optimizer's schedule (<see cref="AdamStep.Schedule"/>). What it rents from the
/// pool and gives back is the graph's own from the first run on (<see cref="MemoryArena"/>).</para>
/// <para>Tensors that the work uses and does not make are the caller's, and are kept until this is disposed.</para>
/// </remarks>
/// <param name="backend">The device.</param>
/// <param name="name">For the notice.</param>
/// <param name="work">What is run.</param>
public sealed class StepGraph(Backend backend, string name, Action work) : IDisposable
{
    private readonly MemoryArena _arena = new(backend.Pool);
    private ILaunchGraph? _graph;
    private HashSet<Storage> _written = [];
    private CapturedValues _values = new();
    private bool _warm, _eager = backend.Graphs is null;

    /// <summary>Whether runs are replays.</summary>
    public bool IsCaptured => _graph is not null;

    /// <summary>Kernels in the graph; 0 before there is one.</summary>
    public int Launches => _graph?.Launches ?? 0;

    /// <summary>Queues the work.</summary>
    /// <exception cref="BDenseException">The work itself fails, or the driver.</exception>
    public void Run()
    {
        if (!_eager && _graph is null && _warm)
            Capture();
        if (_graph is not null)
        {
            foreach (var values in _values.Read)
                values.Refresh();
            foreach (var storage in _written)
                storage.Version++;
            _graph.Launch();
        }
        else if (_eager)
        {
            work();
        }
        else
        {
            using (_arena.Enter())
                work();
            _warm = true;
        }
    }

    /// <summary>Frees the graph and the memory that it held, after what is under way has run.</summary>
    public void Dispose()
    {
        // What is under way reads and writes the blocks that now become anybody's.
        if (_graph is not null)
            backend.Synchronize();
        _graph?.Dispose();
        _graph = null;
        _arena.Dispose();
        _eager = true;
    }

    private void Capture()
    {
        var capture = backend.Graphs!;
        bool open = false;
        try
        {
            capture.Begin();
            open = backend.Pool.Sealed = true;
            backend.CapturedWrites = _written = [];
            backend.Captured = _values = new();
            using (_arena.Enter())
                work();
            open = backend.Pool.Sealed = false;
            (backend.CapturedWrites, backend.Captured) = (null, null);
            _graph = capture.End();
            _arena.Hold();
        }
        // Whatever goes wrong while capturing did nothing on the device; if it is the work's own fault the plain run will say so.
        catch (Exception e)
        {
            (backend.CapturedWrites, backend.Captured) = (null, null);
            foreach (var values in _values.Made)
                values.Forget();
            backend.Pool.Sealed = false;
            if (open)
                capture.Abandon();
            _arena.Dispose();
            _eager = true;
            backend.OnNotice?.Invoke($"{name}: not captured on {backend.Name}, launched anew each time: {e.Message}");
        }
    }
}
