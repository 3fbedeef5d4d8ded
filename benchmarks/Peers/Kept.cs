namespace BDense.Peers;

/// <summary>The outputs of the last run, kept beyond its dispose scope; those of the run before are freed.</summary>
internal sealed class Kept : IDisposable
{
    private Tensor[] _tensors = [];

    public Tensor this[int i] => _tensors[i];

    public void Keep(params Tensor[] tensors)
    {
        Dispose();
        foreach (var t in tensors)
            t.DetachFromDisposeScope();
        _tensors = tensors;
    }

    public void Dispose()
    {
        foreach (var t in _tensors)
            t.Dispose();
        _tensors = [];
    }
}
