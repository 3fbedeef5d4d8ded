using System.Runtime.CompilerServices;

namespace BDense.Kernels;

/// <summary>
/// A device and all operations on it. The operations are spread over <c>Ops/*.cs</c>: each file states one operation (formula,
/// shapes, cost), checks its arguments once for all backends, and hands over to an abstract <c>...Core</c> that
/// <c>Reference/</c> and <c>Ilgpu/</c> implement in a file of the same name.
/// </summary>
/// <remarks>
/// Activations are NHWC, weights KRSC, everything float32. Results go to tensors that the caller made. Gradients of activations
/// are overwritten; gradients of parameters are accumulated (+=). Operations are queued in order; <see cref="Tensor.Download"/>
/// and <see cref="Synchronize"/> wait. A backend is used by one thread at a time.
/// </remarks>
public abstract partial class Backend : IDisposable
{
    protected Backend() => Pool = new MemoryPool(Allocate);

    /// <summary>As given to <c>--device</c>: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:0</c>, <c>ilgpu-cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>For people: the processor's name, its cores or multiprocessors, its memory.</summary>
    public abstract string Description { get; }

    /// <summary>A line for people about something that was ignored when the device was opened; null for nothing.</summary>
    public virtual string? Notice => null;

    public MemoryPool Pool { get; }

    /// <summary>If set, every operation reports its name and declared cost here, before it runs.</summary>
    public Action<string, OpCost>? OnOp { get; set; }

    /// <summary>An uninitialised tensor from the pool.</summary>
    public Tensor Empty(Shape shape) => new(this, Pool.Rent(shape.Length), 0, shape);

    public Tensor Zeros(Shape shape)
    {
        var y = Empty(shape);
        Fill(y, 0f);
        return y;
    }

    public Tensor FromArray(ReadOnlySpan<float> values, Shape shape)
    {
        if (values.Length != shape.Length)
            throw new BDenseException($"{values.Length} values do not fit a tensor of {shape}");
        var y = Empty(shape);
        y.Upload(values);
        return y;
    }

    /// <summary>Waits until everything queued has run.</summary>
    public virtual void Synchronize() { }

    public virtual void Dispose()
    {
        Pool.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>New device memory of <paramref name="length"/> floats, aligned to 64 bytes or more.</summary>
    /// <exception cref="OutOfMemoryException">There is none; the pool then trims its cache and tries once more.</exception>
    protected abstract Storage Allocate(int length);

    protected internal abstract void UploadCore(Tensor destination, ReadOnlySpan<float> source);

    protected internal abstract void DownloadCore(Tensor source, Span<float> destination);

    private void Report(OpCost cost, [CallerMemberName] string op = "") => OnOp?.Invoke(op, cost);

    /// <summary>Holds one argument to its shape; the message names the operation, the argument and both shapes.</summary>
    private void Expect(Tensor x, Shape shape, [CallerArgumentExpression(nameof(x))] string name = "", [CallerMemberName] string op = "")
    {
        if (!ReferenceEquals(x.Backend, this))
            throw new BDenseException($"{op}: {name} lives on {x.Backend.Name}, not on {Name}");
        if (x.Shape != shape && x.Length != shape.Length)
            throw new BDenseException($"{op}: {name} is {x.Shape}, expected {shape}");
        if (x.IsDisposed)
            throw new ObjectDisposedException($"{op}: {name}");
    }

    private static void Require(bool condition, string message, [CallerMemberName] string op = "")
    {
        if (!condition)
            throw new BDenseException($"{op}: {message}");
    }

    /// <summary>Said by every operation of what it is about to write, so that what was derived from the old values (packed weights) is known to be stale.</summary>
    internal static void Writes(Tensor? y)
    {
        if (y is not null)
            y.Storage.Version++;
    }

    private static void Require(
        bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref RequireMessage message, [CallerMemberName] string op = "")
    {
        if (!condition)
            throw new BDenseException($"{op}: {message.ToStringAndClear()}");
    }
}

/// <summary>What an operation costs by its own declaration: the least traffic its formula allows, and its arithmetic.</summary>
/// <param name="BytesRead">Bytes read from device memory if every input is read once.</param>
/// <param name="BytesWritten">Bytes written if every output is written once.</param>
/// <param name="Flops">Additions and multiplications; a multiply-add counts two, a transcendental one.</param>
public readonly record struct OpCost(long BytesRead, long BytesWritten, long Flops)
{
    public long Bytes => BytesRead + BytesWritten;

    /// <summary>Cost from element counts: <paramref name="read"/> and <paramref name="written"/> floats.</summary>
    public static OpCost Of(long read, long written, long flops) => new(4 * read, 4 * written, flops);

    public static OpCost operator +(OpCost a, OpCost b) => new(a.BytesRead + b.BytesRead, a.BytesWritten + b.BytesWritten, a.Flops + b.Flops);
}
