namespace BDense.VirtualGpu.Execution;

/// <summary>
/// How far each agent of a block is known to have come: a vector clock (Lamport 1978; Mattern 1989). Who agents are is <see
/// cref="BlockOrder"/>'s.
/// </summary>
internal sealed class Clock
{
    private int[] _at = [];

    /// <summary>The time up to which what an agent did is known; 0 for nothing.</summary>
    public int this[int agent] => agent < _at.Length ? _at[agent] : 0;

    public void Raise(int agent, int time)
    {
        if (agent >= _at.Length)
            Array.Resize(ref _at, agent + 8);
        _at[agent] = Math.Max(_at[agent], time);
    }

    public void Merge(Clock other)
    {
        if (other._at.Length > _at.Length)
            Array.Resize(ref _at, other._at.Length);
        for (int k = 0; k < other._at.Length; k++)
            _at[k] = Math.Max(_at[k], other._at[k]);
    }

    public void Clear() => Array.Clear(_at);
}
