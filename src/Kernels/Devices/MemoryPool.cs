namespace BDense.Kernels.Devices;

/// <summary>Caches freed blocks by size, so that a warm training step asks the driver for nothing.</summary>
/// <remarks>
/// Sizes are rounded up to one of four steps per power of two (at most 25% is wasted), at least 64 floats (256 bytes, the
/// alignment that ILGPU's code generator assumes). A block is reused only for its own size class: predictable, and
/// the second of two equal steps finds every block that the first one returned.
/// </remarks>
public sealed class MemoryPool(Func<int, Storage> allocate) : IDisposable
{
    private readonly Dictionary<int, Stack<Storage>> _free = [];
    private MemoryArena? _arena;

    /// <summary>Bytes handed out and not returned.</summary>
    public long CurrentBytes { get; private set; }

    /// <summary>The largest <see cref="CurrentBytes"/> since the start or <see cref="ResetPeak"/>.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes held from the driver, handed out or cached.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>How often the driver was asked for memory. A warm step adds none.</summary>
    public long DeviceAllocations { get; private set; }

    /// <summary>An upper bound on <see cref="ReservedBytes"/>; above it a request fails as if the device were full.</summary>
    public long LimitBytes { get; set; } = long.MaxValue;

    /// <summary>
    /// For a device that knows each byte of its allocations: blocks are as long as what is asked for and go back to the driver at once, so
    /// that an access beyond one or after its return is seen. Blocks of an arena stay in it.
    /// </summary>
    internal bool Exact { get; set; }

    /// <summary>Floats of each block that is held and not handed out.</summary>
    public IReadOnlyList<int> FreeLengths => [.. _free.Values.SelectMany(stack => stack.Select(storage => storage.Length))];

    /// <summary>Set while launches are captured: a block that no list has is refused, since the driver must not be asked then.</summary>
    internal bool Sealed { get; set; }

    /// <summary>From now on <see cref="PeakBytes"/> is that of what follows.</summary>
    public void ResetPeak() => PeakBytes = CurrentBytes;

    /// <summary>A block of at least <paramref name="length"/> floats, uninitialised.</summary>
    /// <exception cref="DeviceMemoryException">The device is out of memory, also after the cache was given back.</exception>
    public Storage Rent(int length)
    {
        int size = Exact ? Math.Max(1, length) : SizeClass(length);
        Storage storage = (_arena is null ? null : Pop(_arena.Free, size)) ?? Pop(_free, size) ?? Allocate(size);
        storage.References = 1;
        storage.Arena = _arena;
        Use(storage.Bytes);
        return storage;
    }

    /// <summary>From now on blocks are rented for <paramref name="arena"/>, until the result is disposed; they return to it.</summary>
    /// <param name="arena">None for the pool's own.</param>
    internal ArenaScope Enter(MemoryArena? arena)
    {
        var before = _arena;
        _arena = arena;
        return new ArenaScope(this, before);
    }

    /// <summary>Counts bytes as in use, or with a minus as free.</summary>
    internal void Use(long bytes)
    {
        CurrentBytes += bytes;
        PeakBytes = Math.Max(PeakBytes, CurrentBytes);
    }

    /// <summary>Puts a free block on the general list.</summary>
    internal void Release(Storage storage)
    {
        storage.Arena = null;
        if (Exact)
            GiveBack(storage);
        else
            Push(_free, storage);
    }

    internal void Return(Storage storage)
    {
        storage.Version++;
        storage.OnReturned();
        if (storage.Arena is { IsDisposed: false } arena)
        {
            Push(arena.Free, storage);
            if (arena.IsHeld)
                return;
        }
        else
        {
            Release(storage);
        }
        CurrentBytes -= storage.Bytes;
    }

    /// <summary>Gives all cached blocks back to the driver.</summary>
    public void Trim()
    {
        foreach (var stack in _free.Values)
        {
            while (stack.TryPop(out var storage))
                GiveBack(storage);
        }
    }

    /// <summary>Gives the cached blocks back to the driver; those handed out stay with whoever has them.</summary>
    public void Dispose() => Trim();

    internal static int SizeClass(int length)
    {
        if (length <= 64)
            return 64;
        int log = 31 - int.LeadingZeroCount(length - 1);
        int step = Math.Max(64, 1 << Math.Max(0, log - 2));
        long size = ((long)length + step - 1) / step * step;
        return size > int.MaxValue ? length : (int)size;
    }

    private Storage Allocate(int size)
    {
        long bytes = (long)size * sizeof(float);
        if (Sealed)
            throw new GraphRefusedException($"{Mib(bytes)} of new memory were asked for");
        if (ReservedBytes + bytes > LimitBytes)
            Trim();
        Storage? storage = ReservedBytes + bytes > LimitBytes ? null : TryAllocate(size);
        if (storage is null)
        {
            Trim();
            storage = ReservedBytes + bytes > LimitBytes ? null : TryAllocate(size);
        }
        if (storage is null)
            throw new DeviceMemoryException(
                $"out of memory: {Mib(bytes)} wanted, {Mib(CurrentBytes)} in use, peak {Mib(PeakBytes)}; use a smaller batch or network");
        DeviceAllocations++;
        ReservedBytes += bytes;
        return storage;
    }

    private void GiveBack(Storage storage)
    {
        ReservedBytes -= storage.Bytes;
        storage.Dispose();
    }

    private static Storage? Pop(Dictionary<int, Stack<Storage>> free, int size) =>
        free.TryGetValue(size, out var stack) && stack.TryPop(out var storage) ? storage : null;

    private static void Push(Dictionary<int, Stack<Storage>> free, Storage storage)
    {
        if (!free.TryGetValue(storage.Length, out var stack))
            free[storage.Length] = stack = new Stack<Storage>();
        stack.Push(storage);
    }

    private Storage? TryAllocate(int size)
    {
        try
        {
            return allocate(size);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    private static string Mib(long bytes) => FormattableString.Invariant($"{bytes / 1048576.0:0.#} MiB");

    /// <summary>Ends <see cref="Enter"/>.</summary>
    internal readonly struct ArenaScope(MemoryPool pool, MemoryArena? before) : IDisposable
    {
        public void Dispose() => pool._arena = before;
    }
}
