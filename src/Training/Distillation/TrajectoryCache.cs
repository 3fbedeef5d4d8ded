namespace BDense.Training.Distillation;

/// <summary>
/// The teacher's states along its whole trajectories, batch by batch, for several students that start from the same noises: same
/// seed, batch, solver and grid, whatever their K. In host memory, up to a limit; beyond it batches are computed anew.
/// </summary>
/// <param name="maxBytes">The limit.</param>
public sealed class TrajectoryCache(long maxBytes)
{
    private readonly Dictionary<(long Draw, int Nfe), float[]> _states = [];
    private long _bytes;

    /// <summary>[teacher steps, batch elements] of a draw for students of so many evaluations, if kept.</summary>
    public float[]? Find(long draw, int nfe) => _states.GetValueOrDefault((draw, nfe));

    /// <summary>Whether a draw of so many values would still be kept.</summary>
    public bool HasRoom(long values) => _bytes + values * sizeof(float) <= maxBytes;

    /// <summary>Keeps a draw where there is room.</summary>
    public void Keep(long draw, int nfe, float[] states)
    {
        if (HasRoom(states.Length) && _states.TryAdd((draw, nfe), states))
            _bytes += (long)states.Length * sizeof(float);
    }
}
