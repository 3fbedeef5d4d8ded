namespace BDense.Kernels.Devices;

/// <summary>How a device captures the launches of a stretch of work, so that they can be replayed without the host's part.</summary>
/// <remarks>Between <see cref="Begin"/> and <see cref="End"/> launches are noted, not run.</remarks>
public interface IGraphCapture
{
    /// <summary>For people.</summary>
    string Name { get; }

    /// <exception cref="GraphRefusedException">The device will not.</exception>
    void Begin();

    /// <summary>What was launched since <see cref="Begin"/>, ready to be replayed. Capturing is over also if it throws.</summary>
    /// <exception cref="GraphRefusedException">The device will not.</exception>
    ILaunchGraph End();

    /// <summary>Ends capturing without a result.</summary>
    void Abandon();
}

/// <summary>Captured launches with their arguments: addresses and numbers are those of the capture, for ever.</summary>
public interface ILaunchGraph : IDisposable
{
    /// <summary>Kernels in it.</summary>
    int Launches { get; }

    /// <summary>Queues them all, in order with what was queued before.</summary>
    /// <exception cref="BDenseException">The driver fails.</exception>
    void Launch();
}

/// <summary>Work cannot be captured; it can still be run.</summary>
public sealed class GraphRefusedException(string reason, Exception? inner = null) : BDenseException(reason, inner);
