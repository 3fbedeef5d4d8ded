using System.Diagnostics;
using BDense.Kernels.Devices;

namespace BDense.Kernels;

/// <summary>An array of float32 or BF16 on a backend: a window (offset, shape) into a pooled <see cref="Kernels.Storage"/>.</summary>
/// <remarks>
/// Each handle is disposed once, by whoever owns it; the storage goes back to the pool with its last handle.
/// There is no finalizer: what is not disposed is a leak, and the tests count leaks (<see cref="MemoryPool.CurrentBytes"/>).
/// </remarks>
public sealed class Tensor : IDisposable
{
    private Storage? _storage;

    /// <summary>Where it lives.</summary>
    public Backend Backend { get; }

    /// <summary>Its extents.</summary>
    public Shape Shape { get; }

    /// <summary>What its elements are in memory; on the host they are float32 always.</summary>
    public ElementType Type { get; }

    /// <summary>
    /// First element, counted in elements from the start of the storage. A multiple of 64 for all but views made by hand.
    /// </summary>
    public int Offset { get; }

    /// <summary>Elements: the product of the extents.</summary>
    public int Length => Shape.Length;

    /// <summary>Of all elements.</summary>
    public long Bytes => (long)Length * Type.Bytes();

    /// <summary>From the start of the storage.</summary>
    internal long ByteOffset => (long)Offset * Type.Bytes();

    /// <summary>Whether this handle was disposed.</summary>
    public bool IsDisposed => _storage is null;

    /// <summary>Whether another handle looks at the same storage: then it must not be changed in place.</summary>
    public bool IsShared => Storage.References > 1;

    /// <exception cref="ObjectDisposedException">After <see cref="Dispose"/>: a use after free is a bug, never silent.</exception>
    public Storage Storage => _storage ?? throw new ObjectDisposedException($"tensor {Shape}");

    /// <summary>Takes over one reference to <paramref name="storage"/>.</summary>
    internal Tensor(Backend backend, Storage storage, int offset, Shape shape, ElementType type = ElementType.Float32)
    {
        if (offset < 0 || ((long)offset + shape.Length) * type.Bytes() > storage.Bytes)
            throw new ArgumentOutOfRangeException(nameof(offset), $"{shape} at {offset} does not fit into {storage.Bytes} bytes");
        Backend = backend;
        Type = type;
        _storage = storage;
        Offset = offset;
        Shape = shape;
    }

    /// <summary>A new handle on the elements from <paramref name="offset"/> (counted from this tensor's first) on.</summary>
    public Tensor View(int offset, Shape shape)
    {
        if (offset < 0 || (long)offset + shape.Length > Length)
            throw new ArgumentOutOfRangeException(nameof(offset), $"a view of {shape} at {offset} does not fit into {Shape}");
        Storage.References++;
        return new Tensor(Backend, Storage, Offset + offset, shape, Type);
    }

    /// <summary>A new handle on the same elements under another shape of the same length.</summary>
    public Tensor Reshape(Shape shape) => shape.Length == Length
        ? View(0, shape)
        : throw new BDenseException($"{Shape} cannot be read as {shape}: {Length} elements against {shape.Length}");

    /// <summary>A new handle on the same elements.</summary>
    public Tensor Share() => View(0, Shape);

    /// <summary>
    /// Copies from the host; <paramref name="source"/> has exactly <see cref="Length"/> elements, which BF16 rounds
    /// (<see cref="BFloat16.Round"/>).
    /// </summary>
    public void Upload(ReadOnlySpan<float> source)
    {
        if (source.Length != Length)
            throw new BDenseException($"{source.Length} values do not fit a tensor of {Shape}");
        Backend.RefuseWhileCapturing("an upload");
        Backend.Writes(this);
        if (Type == ElementType.Float32)
        {
            Backend.UploadCore(this, source);
            return;
        }
        var bits = new ushort[Length];
        for (int i = 0; i < bits.Length; i++)
            bits[i] = BFloat16.Round(source[i]);
        Backend.UploadCore(this, bits);
    }

    /// <summary>Copies to the host and waits; <paramref name="destination"/> has exactly <see cref="Length"/> elements.</summary>
    public void Download(Span<float> destination)
    {
        if (destination.Length != Length)
            throw new BDenseException($"a tensor of {Shape} does not fit {destination.Length} values");
        Backend.RefuseWhileCapturing("a download");
        long start = Stopwatch.GetTimestamp();
        if (Type == ElementType.Float32)
        {
            Backend.DownloadCore(this, destination);
        }
        else
        {
            var bits = new ushort[Length];
            Backend.DownloadCore(this, bits);
            for (int i = 0; i < bits.Length; i++)
                destination[i] = BFloat16.Widen(bits[i]);
        }
        Backend.Waited += Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Copies all elements to the host and waits.</summary>
    public float[] ToArray()
    {
        var values = new float[Length];
        Download(values);
        return values;
    }

    /// <summary>Gives the handle back; the memory returns to the pool with the last handle. A second time does nothing.</summary>
    public void Dispose()
    {
        var storage = _storage;
        _storage = null;
        if (storage is not null && --storage.References == 0)
            Backend.Pool.Return(storage);
    }

    /// <summary>For people: shape, type where it is not float32, and device.</summary>
    public override string ToString() =>
        $"{Shape}{(Type == ElementType.Float32 ? "" : " " + Type.Text())} on {Backend.Name}{(IsDisposed ? " (disposed)" : "")}";
}

/// <summary>A block of device memory of <see cref="Length"/> floats; subclasses hold the pointer or the ILGPU buffer.</summary>
public abstract class Storage(int length) : IDisposable
{
    /// <summary>Floats of it; at least as many as were asked for.</summary>
    public int Length { get; } = length;

    /// <summary>4 for each float.</summary>
    public long Bytes => (long)Length * sizeof(float);

    /// <summary>
    /// Handles that look at it; the pool takes it back at 0. Tensors belong to one thread at a time, so this is no atomic.
    /// </summary>
    internal int References { get; set; }

    /// <summary>
    /// Grows whenever an operation or an upload writes into it, and never shrinks: the same number means the same values.
    /// </summary>
    internal long Version { get; set; }

    /// <summary>The last handle is gone: what a backend keeps with the values goes too.</summary>
    internal virtual void OnReturned() { }

    /// <summary>Whose free list it returns to; none for the pool's own.</summary>
    internal MemoryArena? Arena { get; set; }

    /// <summary>Gives the memory back to the driver or the operating system.</summary>
    public abstract void Dispose();
}
