namespace BDense.Kernels.Devices;

/// <summary>Values that a backend derived from a tensor's and keeps with them.</summary>
internal interface IKeptValues
{
    /// <summary>Derives them anew if the tensor has changed since.</summary>
    void Refresh();

    /// <summary>They were to be derived by launches that never ran.</summary>
    void Forget();
}

/// <summary>What captured launches use of <see cref="IKeptValues"/>.</summary>
internal sealed class CapturedValues
{
    private readonly HashSet<IKeptValues> _read = [], _made = [];

    /// <summary>Those that the graph reads as they were when it was captured: to be refreshed before each replay.</summary>
    public IReadOnlyCollection<IKeptValues> Read => _read;

    /// <summary>Those that the graph's own launches derive.</summary>
    public IReadOnlyCollection<IKeptValues> Made => _made;

    /// <summary>They are used; <paramref name="made"/> by a launch of the graph's own, now.</summary>
    public void Use(IKeptValues values, bool made)
    {
        if (made)
            _made.Add(values);
        else if (!_made.Contains(values))
            _read.Add(values);
    }
}
