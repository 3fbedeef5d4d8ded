using System.Runtime.InteropServices;

namespace BDense.Cli.Terminal;

/// <summary>
/// What asks a process to end: INT (Ctrl-C), TERM, HUP. The first asks what runs to stop, and training then writes a checkpoint after the
/// step that it is in; a second one while it does so ends the process at once, with the last whole checkpoint as it was.
/// </summary>
/// <param name="say">Shows a line; never throws.</param>
/// <param name="end">Ends the process with a code.</param>
/// <param name="cannotStop">Whether what runs now cannot be asked to stop, so that the first signal ends the process; never if
/// none.</param>
internal sealed class Signals(Action<string> say, Action<int> end, Func<bool>? cannotStop = null) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);
    private Timer? _watch;
    private int _first;

    /// <summary>SIGXFSZ, on Linux and macOS alike.</summary>
    private const int FileTooLarge = 25;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>128 and the number of the first signal: 130, 143 or 129; null before it.</summary>
    public int? ExitCode => _first == 0 ? null : _first;

    /// <summary>Takes this process's signals from now on.</summary>
    public Signals Listen()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
            _registrations.Add(PosixSignalRegistration.Create(signal, Take));
        // A file beyond the allowed size is an error of that file, to be told as one; untreated this signal would end the process without a
        // word.
        if (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS())
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)FileTooLarge, context => context.Cancel = true));
        return this;

        void Take(PosixSignalContext context)
        {
            context.Cancel = true;
            Receive(context.Signal);
        }
    }

    public void Receive(PosixSignal signal)
    {
        int code = CodeOf(signal);
        if (Interlocked.CompareExchange(ref _first, code, 0) != 0)
        {
            end(code);
            return;
        }
        if (cannotStop is not null && EndsIfStuck(code))
            return;
        say("stopping; once more ends it at once");
        // On another thread: what is cancelled may take its time, and a second signal must be heard in the meantime.
        _ = _stop.CancelAsync();
        // What runs may come to a wait that nothing stops before it has noticed.
        if (cannotStop is not null)
            _watch = new Timer(_ => EndsIfStuck(code), null, s_look, s_look);
    }

    private bool EndsIfStuck(int code)
    {
        if (!cannotStop!())
            return false;
        say("stopped while a pipe was waited for that nobody reads");
        end(code);
        return true;
    }

    private static int CodeOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGTERM => 128 + 15,
        PosixSignal.SIGHUP => 128 + 1,
        _ => 128 + 2,
    };

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _watch?.Dispose();
        _stop.Dispose();
    }
}
