using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using BDense.Kernels.Reference.Convolution;

namespace BDense.Kernels.Reference;

/// <summary>
/// The CPU: managed SIMD over native memory, no native library. Each operation is one or more <see cref="IJob"/> structs, the
/// CPU's kernels, run by <see cref="Workers"/> over a number of tasks that depends on the shapes alone: so the same bits come out
/// for any number of threads.
/// </summary>
public unsafe partial class ReferenceBackend : Backend
{
    /// <summary>
    /// More threads are not started, whatever is asked for: they would wait for each other. How many there are changes no bits.
    /// </summary>
    public const int MaxThreads = 1024;

    /// <param name="threads">Threads that work on one operation; 0 for one a core.</param>
    public ReferenceBackend(int threads = 0) =>
        Workers = new Workers(threads > 0 ? Math.Min(threads, MaxThreads) : Environment.ProcessorCount);

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override string Description =>
        $"managed reference, {Workers.Threads} thread{(Workers.Threads == 1 ? "" : "s")}, {Simd} float lanes";

    /// <inheritdoc/>
    public override string Rounding => $"{Name}, {Simd} float lanes";

    internal Workers Workers { get; }

    private static string Simd => Vector512.IsHardwareAccelerated ? "16 (512-bit)" : Vector256.IsHardwareAccelerated ? "8 (256-bit)"
        : Vector128.IsHardwareAccelerated ? "4 (128-bit)" : "1 (scalar)";

    /// <summary>Ends the threads, and gives back all memory.</summary>
    public override void Dispose()
    {
        Workers.Dispose();
        base.Dispose();
    }

    private protected override Storage Allocate(int length) => new NativeStorage(length);

    internal override void UploadCore(Tensor destination, ReadOnlySpan<float> source) => source.CopyTo(Span(destination));

    internal override void DownloadCore(Tensor source, Span<float> destination) => Span(source).CopyTo(destination);

    internal override void UploadCore(Tensor destination, ReadOnlySpan<ushort> source) =>
        source.CopyTo(new Span<ushort>(Bits(destination), destination.Length));

    internal override void DownloadCore(Tensor source, Span<ushort> destination) =>
        new ReadOnlySpan<ushort>(Bits(source), source.Length).CopyTo(destination);

    /// <summary>Address of a float32 tensor's first element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Pointer(Tensor x) =>
        x.Type == ElementType.Float32 ? ((NativeStorage)x.Storage).Pointer + x.Offset : throw NotFloat32(x);

    /// <summary>Address of a BF16 tensor's first element.</summary>
    private static ushort* Bits(Tensor x) => (ushort*)((NativeStorage)x.Storage).Pointer + x.Offset;

    private static BDenseException NotFloat32(Tensor x) => new($"{x} was to be read as float32; Convert it first");

    private static float* PointerOrNull(Tensor? x) => x is null ? null : Pointer(x);

    /// <summary>
    /// A tensor's elements in memory, for an operation in plain C#. Operations run at once, so what was written is there to be read; it
    /// stays so until the tensor is disposed.
    /// </summary>
    /// <param name="x">A float32 tensor of a CPU backend.</param>
    /// <exception cref="BDenseException">It is BF16.</exception>
    public static Span<float> Values(Tensor x) => Span(x);

    /// <summary>
    /// Runs <paramref name="body"/> for 0 .. <paramref name="count"/> - 1 on the backend's threads and returns when all are done.
    /// <paramref name="perTask"/> numbers in a row are one task, run in their order; tasks run in any order. Results have the same bits for
    /// any number of threads if the size of a task does not depend on it and each task writes to places of its own; a sum over all is made
    /// of partial sums, one a task, added up afterwards.
    /// </summary>
    /// <param name="count">How many.</param>
    /// <param name="perTask">So many that a task takes some microseconds, and so few that there are some dozens.</param>
    /// <param name="body">Given its number.</param>
    /// <exception cref="InvalidOperationException">A task threw; its exception is inside.</exception>
    public void For(int count, int perTask, Action<int> body)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(perTask, 1);
        var handle = GCHandle.Alloc(body);
        try
        {
            var job = new DelegateJob { Handle = GCHandle.ToIntPtr(handle), Count = count, PerTask = perTask };
            Workers.Run(job, (int)(((long)count + perTask - 1) / perTask));
        }
        finally
        {
            handle.Free();
        }
    }

    private static Span<float> Span(Tensor x) => new(Pointer(x), x.Length);

    /// <summary>A job without references, as <see cref="Workers"/> takes it, for a delegate.</summary>
    private struct DelegateJob : IJob
    {
        public nint Handle;
        public int Count, PerTask;

        public readonly void Run(int task)
        {
            var body = (Action<int>)GCHandle.FromIntPtr(Handle).Target!;
            int first = task * PerTask, end = Math.Min(PerTask, Count - first) + first;
            for (int i = first; i < end; i++)
                body(i);
        }
    }

    private sealed class NativeStorage(int length) : Storage(length)
    {
        private KeptPacks? _packs;

        /// <summary>What convolutions keep of the weights in here.</summary>
        public KeptPacks Packs => _packs ??= new KeptPacks();

        public float* Pointer { get; private set; } = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), 64);

        internal override void OnReturned() => _packs?.Clear();

        public override void Dispose()
        {
            _packs?.Clear();
            NativeMemory.AlignedFree(Pointer);
            Pointer = null;
        }
    }
}
