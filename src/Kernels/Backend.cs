using System.Diagnostics;
using System.Runtime.CompilerServices;
using BDense.Kernels.Devices;

namespace BDense.Kernels;

/// <summary>
/// A device and all operations on it. The operations are spread over <c>Ops/*.cs</c>: each file states one operation (formula,
/// shapes, cost), checks its arguments once for all backends, and hands over to an abstract <c>...Core</c> that
/// <c>Reference/</c> and <c>Ilgpu/</c> implement in a file of the same name, in a room by its subject.
/// </summary>
/// <remarks>
/// Activations are NHWC, weights KRSC. Everything is float32, but for activations and their gradients, which may be BF16: they are read
/// exactly, the operation computes in float32, and what is stored is rounded once. Results go to tensors that the caller made. Gradients
/// of activations are overwritten; gradients of parameters are accumulated (+=). Operations are queued in order;
/// <see cref="Tensor.Download"/> and <see cref="Synchronize"/> wait. A backend is used by one thread at a time.
/// </remarks>
public abstract partial class Backend : IDisposable
{
    private protected Backend() => Pool = new MemoryPool(Allocate);

    /// <summary>As given to <c>--device</c>: <c>cpu</c>, <c>cuda:0</c>, <c>opencl:0</c>, <c>ilgpu-cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>For people: the processor's name, its cores or multiprocessors, its memory.</summary>
    public abstract string Description { get; }

    /// <summary>
    /// What decides the bits of every result: devices of the same text make the same ones, whatever their threads and their number among
    /// others.
    /// </summary>
    public virtual string Rounding => Name;

    /// <summary>A line for people about something that was ignored when the device was opened; null for nothing.</summary>
    public virtual string? Notice => null;

    /// <summary>Where tensors of this backend come from and go back to; it counts bytes.</summary>
    public MemoryPool Pool { get; }

    /// <summary>If set, every operation reports its name and declared cost here, before it runs.</summary>
    public Action<string, OpCost>? OnOp { get; set; }

    /// <summary>If set, what a person should know and no error is: one line each.</summary>
    public Action<string>? OnNotice { get; set; }

    /// <summary>How this device captures launches and replays them; none if it cannot.</summary>
    public virtual IGraphCapture? Graphs => null;

    /// <summary>Memory of the device that is neither rented nor another's; none where it is the machine's.</summary>
    public virtual long? FreeBytes => null;

    /// <summary>
    /// Bytes that this device keeps of a convolution's weights beside them, as its kernels copy them; 0 where it reads them as they are.
    /// </summary>
    /// <param name="k">Channels of the result.</param>
    /// <param name="taps">R S.</param>
    /// <param name="c">Channels of the input.</param>
    /// <param name="trained">Whether there is a backward pass, whose kernels copy them in another order.</param>
    public virtual long KeptWeightBytes(int k, int taps, int c, bool trained) => 0;

    /// <summary>Kernels launched one by one since the start, an operation's several each; none where operations are no launches.</summary>
    public virtual long? KernelLaunches => null;

    /// <summary>
    /// Time that the host has waited for the device, in downloads and <see cref="Synchronize"/>. The rest of a step is the host's own.
    /// </summary>
    public TimeSpan Waited { get; internal set; }

    /// <summary>Whether launches are being captured, not run.</summary>
    internal bool IsCapturing => CapturedWrites is not null;

    /// <summary>While launches are captured: what they write. A replay writes the same.</summary>
    internal HashSet<Storage>? CapturedWrites { get; set; }

    /// <summary>While launches are captured: what they use of values that are kept.</summary>
    internal CapturedValues? Captured { get; set; }

    /// <exception cref="GraphRefusedException">Launches are being captured, and this would wait for them.</exception>
    internal void RefuseWhileCapturing(string what)
    {
        if (IsCapturing)
            throw new GraphRefusedException($"{what} lies between the launches");
    }

    /// <summary>
    /// What networks keep activations and their gradients in here. Where the device multiplies in BF16 its backend sets it
    /// (<see cref="Ilgpu.IlgpuBackend.Precision"/>); a network's input, output, loss, parameters and statistics are float32 always.
    /// </summary>
    public ElementType ActivationType { get; set; }

    /// <summary>An uninitialised tensor from the pool.</summary>
    /// <param name="shape">Its extents.</param>
    /// <param name="type">Of its elements.</param>
    public Tensor Empty(Shape shape, ElementType type = ElementType.Float32) =>
        new(this, Pool.Rent(type.Floats(shape.Length)), 0, shape, type);

    /// <summary>A tensor from the pool, filled with zeros.</summary>
    public Tensor Zeros(Shape shape)
    {
        var y = Empty(shape);
        Fill(y, 0f);
        return y;
    }

    /// <summary>A tensor from the pool with these values.</summary>
    /// <param name="values">Row-major, as many as the shape has.</param>
    /// <param name="shape">Its extents.</param>
    /// <exception cref="BDenseException">Their number is another.</exception>
    public Tensor FromArray(ReadOnlySpan<float> values, Shape shape)
    {
        if (values.Length != shape.Length)
            throw new BDenseException($"{values.Length} values do not fit a tensor of {shape}");
        var y = Empty(shape);
        y.Upload(values);
        return y;
    }

    /// <summary>Begins a call of an operation that is written outside this assembly.</summary>
    /// <param name="name">As reports and messages have it: the method's own.</param>
    public OpCall Call([CallerMemberName] string name = "") => new(this, name);

    /// <summary>Waits until everything queued has run.</summary>
    public void Synchronize()
    {
        RefuseWhileCapturing("a wait");
        long start = Stopwatch.GetTimestamp();
        SynchronizeCore();
        Waited += Stopwatch.GetElapsedTime(start);
    }

    private protected virtual void SynchronizeCore() { }

    /// <summary>Gives back all device memory; tensors of this backend must not be used after it.</summary>
    public virtual void Dispose()
    {
        Pool.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>New device memory of <paramref name="length"/> floats, aligned to 64 bytes or more.</summary>
    /// <exception cref="OutOfMemoryException">There is none; the pool then trims its cache and tries once more.</exception>
    private protected abstract Storage Allocate(int length);

    internal abstract void UploadCore(Tensor destination, ReadOnlySpan<float> source);

    internal abstract void DownloadCore(Tensor source, Span<float> destination);

    /// <summary>Of a BF16 tensor.</summary>
    internal abstract void UploadCore(Tensor destination, ReadOnlySpan<ushort> source);

    /// <summary>Of a BF16 tensor.</summary>
    internal abstract void DownloadCore(Tensor source, Span<ushort> destination);

    /// <summary>Whether operations are run; else they check their arguments, report their cost and say what they would write.</summary>
    internal virtual bool Computes => true;

    /// <summary>Every operation comes by here once, after its checks and before it runs.</summary>
    internal void Report(OpCost cost, [CallerMemberName] string op = "")
    {
        Reported(op, cost);
        OnOp?.Invoke(op, cost);
    }

    /// <summary>For a backend that adds costs up, or that has only some of the operations.</summary>
    private protected virtual void Reported(string op, OpCost cost) { }

    /// <summary>For a backend that cannot run what is written outside this assembly (<see cref="OpCall"/>).</summary>
    internal virtual void RunsForeign(string op) { }

    /// <summary>For a backend that looks at an operation's operands before it is reported: each that was found right.</summary>
    private protected virtual void Checked(Tensor x) { }

    /// <summary>
    /// Holds one argument to its shape and to float32; the message names the operation, the argument and what is wrong.
    /// </summary>
    internal void Expect(Tensor x, Shape shape, [CallerArgumentExpression(nameof(x))] string name = "", [CallerMemberName] string op = "")
    {
        ExpectActivation(x, shape, name, op);
        if (x.Type != ElementType.Float32)
            throw new BDenseException($"{op}: {name} is {x.Type.Text()}, expected float32; Convert makes one of the other");
    }

    /// <summary>The same for an activation or its gradient, which may be BF16.</summary>
    internal void ExpectActivation(
        Tensor x, Shape shape, [CallerArgumentExpression(nameof(x))] string name = "", [CallerMemberName] string op = "")
    {
        if (!ReferenceEquals(x.Backend, this))
            throw new BDenseException($"{op}: {name} lives on {x.Backend.Name}, not on {Name}");
        if (x.Shape != shape && x.Length != shape.Length)
            throw new BDenseException($"{op}: {name} is {x.Shape}, expected {shape}");
        if (x.IsDisposed)
            throw new ObjectDisposedException($"{op}: {name}");
        Checked(x);
    }

    private static void Require(bool condition, string message, [CallerMemberName] string op = "")
    {
        if (!condition)
            throw new BDenseException($"{op}: {message}");
    }

    /// <summary>
    /// Said by every operation of what it is about to write, so that what was derived from the old values (packed weights) is known to be
    /// stale.
    /// </summary>
    internal static void Writes(Tensor? y)
    {
        if (y is null)
            return;
        y.Storage.Version++;
        y.Backend.CapturedWrites?.Add(y.Storage);
    }

    private static void Require(
        bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref RequireMessage message, [CallerMemberName]
        string op = "")
    {
        if (!condition)
            throw new BDenseException($"{op}: {message.ToStringAndClear()}");
    }
}
