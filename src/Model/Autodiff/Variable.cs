using BDense.Kernels;

namespace BDense.Model.Autodiff;

/// <summary>A value on a <see cref="Tape"/>: its data, and during the backward pass the gradient of the loss with respect to it.</summary>
/// <remarks>
/// The data have readers: the caller, until <see cref="Tape.Drop"/>, and every recorded operation whose backward pass needs them.
/// They are freed when the last reader is done, at the latest when the producing operation's own backward pass has run.
/// </remarks>
public sealed class Variable
{
    private readonly bool _owned;
    private Tensor? _data;
    private bool _dropped;
    private int _saved;

    internal Variable(Tensor data, bool owned, bool requiresGradient)
    {
        _data = data;
        _owned = owned;
        Shape = data.Shape;
        Type = data.Type;
        RequiresGradient = requiresGradient;
    }

    /// <summary>Of the data, also when they are gone.</summary>
    public Shape Shape { get; }

    /// <summary>What the data and their gradient are in memory.</summary>
    public ElementType Type { get; }

    /// <summary>Whether the backward pass will reach this value.</summary>
    public bool RequiresGradient { get; }

    /// <exception cref="ObjectDisposedException">After the last reader was done.</exception>
    public Tensor Data => _data ?? throw new ObjectDisposedException($"variable {Shape}");

    /// <summary>
    /// Moments of the data (<see cref="Backend.Moments"/>) for the group normalisation that reads them, where a convolution has written
    /// them; none otherwise, and once the caller has dropped the value: no backward pass reads them.
    /// </summary>
    internal Tensor? Moments { get; private set; }

    /// <summary>Whether the data are still there.</summary>
    public bool IsAlive => _data is not null;

    /// <summary>
    /// The gradient as far as it has arrived: complete once all consumers ran. It stays only on inputs that asked for one; that of an
    /// operation's output is consumed by the operation.
    /// </summary>
    public Tensor? Gradient { get; internal set; }

    /// <summary>An operation's backward pass will read the data.</summary>
    internal void Save() => _saved++;

    /// <summary>That backward pass has run.</summary>
    internal void Release()
    {
        _saved--;
        FreeIfUnread();
    }

    /// <summary>Takes the data's moments over.</summary>
    internal void Measured(Tensor? moments) => Moments = moments;

    internal void Drop()
    {
        _dropped = true;
        FreeMoments();
        FreeIfUnread();
    }

    internal Tensor? TakeGradient()
    {
        var gradient = Gradient;
        Gradient = null;
        return gradient;
    }

    internal void FreeData()
    {
        if (_owned)
            _data?.Dispose();
        _data = null;
    }

    internal void Free()
    {
        FreeData();
        FreeMoments();
        TakeGradient()?.Dispose();
    }

    private void FreeMoments()
    {
        Moments?.Dispose();
        Moments = null;
    }

    private void FreeIfUnread()
    {
        if (_dropped && _saved == 0)
            FreeData();
    }
}
