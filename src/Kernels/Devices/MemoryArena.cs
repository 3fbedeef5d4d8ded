namespace BDense.Kernels.Devices;

/// <summary>
/// Blocks that belong to a captured graph. Its launches name their addresses, so nobody else may be given them while it can be replayed;
/// and the second of two equal passes finds every block that the first one returned, so that capturing asks the driver for nothing.
/// </summary>
/// <remarks>Free blocks of the pool move in as they are wanted, and back when the arena is disposed.</remarks>
internal sealed class MemoryArena(MemoryPool pool) : IDisposable
{
    /// <summary>By size class.</summary>
    public Dictionary<int, Stack<Storage>> Free { get; } = [];

    /// <summary>Whether all its blocks count as in use, rented or not.</summary>
    public bool IsHeld { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Bytes of the blocks that are in it and not rented.</summary>
    public long FreeBytes => Free.Values.Sum(stack => stack.Sum(storage => storage.Bytes));

    /// <summary>Rents from here until the result is disposed.</summary>
    public MemoryPool.ArenaScope Enter() => pool.Enter(this);

    /// <summary>A graph over these blocks exists: they are in use now.</summary>
    public void Hold()
    {
        IsHeld = true;
        pool.Use(FreeBytes);
    }

    public void Dispose()
    {
        if (IsDisposed)
            return;
        if (IsHeld)
            pool.Use(-FreeBytes);
        IsDisposed = true;
        foreach (var stack in Free.Values)
        {
            while (stack.TryPop(out var storage))
                pool.Release(storage);
        }
    }
}
