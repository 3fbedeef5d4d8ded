using System.Globalization;
using System.Runtime.CompilerServices;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Cuda;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

// ILGPU emits its launchers into an assembly of this name; they take the argument structs of the kernels.
[assembly: InternalsVisibleTo(Context.RuntimeAssemblyName)]

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// CUDA, OpenCL and ILGPU's CPU simulation: each operation is one or more kernels in C#, compiled at first use. A kernel's method
/// and its launch share the file that has the operation's name.
/// </summary>
/// <remarks>
/// These kernels are portable: no warp shuffles, no atomics, and group barriers only where a GPU's shared memory pays for them. A reduction
/// is a fixed number of partial sums that depends on the shapes alone, added up by a second kernel in a fixed order; so the same device
/// always gives the same bits.
/// </remarks>
public sealed partial class IlgpuBackend : Backend
{
    private readonly Context _context;
    private readonly Accelerator _accelerator;
    private readonly AcceleratorStream _stream;
    private readonly IGraphCapture _graphs;
    private long _launches;
    private DeviceFaultException? _fault;

    /// <param name="context">From <see cref="CreateContext"/>; disposed with the backend.</param>
    /// <param name="device">A device of that context.</param>
    /// <param name="name">As given to <c>--device</c>.</param>
    /// <exception cref="BDenseException">The device refuses.</exception>
    public IlgpuBackend(Context context, Device device, string name)
    {
        _context = context;
        Name = name;
        try
        {
            _accelerator = device.CreateAccelerator(context);
        }
        catch (Exception e) when (e is AcceleratorException or CapabilityNotSupportedException or NotSupportedException)
        {
            context.Dispose();
            if (e is AcceleratorException driver && DeviceFault.IsSticky(DeviceFault.NameOf(driver)))
                throw new DeviceFaultException(name, DeviceFault.NameOf(driver), e);
            throw new BDenseException($"{name} ({device.Name}) refuses: {e.Message}", e);
        }
        _stream = _accelerator.CreateStream();
        IsVirtual = CudaLibrary.IsVirtual && Kind == AcceleratorType.Cuda;
        // What a rounded or reused block would hide is to be found.
        Pool.Exact = IsVirtual;
        ReadTuning(Tuning.TuningTable.PathFor(_accelerator.Name));
        _graphs = _stream is CudaStream cuda ? new CudaGraphs(CudaGraphDriver.Instance, cuda.StreamPtr, _accelerator.Bind)
            : new LaunchRecorder(this);
        Tiling = ConvolutionPlan.Tiling(_accelerator);
    }

    /// <summary>How float32 products are tiled here; tests choose otherwise.</summary>
    internal Tiling Tiling { get; set; }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The GPU in software that this backend runs on, which counts for whoever asks; null on hardware.</summary>
    public VirtualGpu.Gpu? VirtualGpu { get; init; }

    /// <inheritdoc/>
    public override string Description => string.Create(CultureInfo.InvariantCulture,
        $"{_accelerator.Name}, {_accelerator.NumMultiprocessors} multiprocessors{Memory}");

    /// <summary>The kind and the model, not the place among several.</summary>
    public override string Rounding => $"{Name.Split(':')[0]}, {_accelerator.Name}";

    /// <summary>Whether the GPU is one in software.</summary>
    public bool IsVirtual { get; }

    /// <summary>CUDA, OpenCL or the simulation on the CPU.</summary>
    public AcceleratorType Kind => _accelerator.AcceleratorType;

    /// <summary>Nothing for the simulation, whose memory is the machine's.</summary>
    private string Memory => Kind == AcceleratorType.CPU ? ""
        : string.Create(CultureInfo.InvariantCulture, $", {_accelerator.MemorySize / (double)(1 << 30):0.#} GiB");

    /// <inheritdoc/>
    public override long? KernelLaunches => _launches;

    /// <inheritdoc/>
    public override long? FreeBytes => _accelerator is CudaAccelerator cuda ? cuda.GetFreeMemory()
        : Kind == AcceleratorType.OpenCL ? _accelerator.MemorySize - Pool.CurrentBytes
        : null;

    /// <summary>
    /// The one way to make a context here: optimised code, ILGPU's mathematics, and the devices that <paramref name="devices"/> adds.
    /// </summary>
    /// <param name="devices">Adds them.</param>
    /// <param name="lines">Whether each instruction of PTX is to name its line of C# (.loc). Needs the assembly's .pdb beside it.</param>
    public static Context CreateContext(Action<Context.Builder> devices, bool lines = false)
    {
        CudaLibrary.Install();
        return Context.Create(builder =>
        {
            builder.Optimize(OptimizationLevel.O2).EnableAlgorithms();
            devices(builder);
            // ILGPU's own switch, DebugSymbols(), does nothing unless a debugger is attached.
            if (lines)
                typeof(ContextProperties).GetProperty(nameof(ContextProperties.DebugSymbolsMode))?.SetValue(builder,
                    DebugSymbolsMode.KernelSourceAnnotations);
        });
    }

    /// <summary>CUDA's graphs on CUDA; elsewhere the launches with their arguments, issued again.</summary>
    public override IGraphCapture? Graphs => _graphs;

    private protected override void SynchronizeCore()
    {
        try
        {
            _stream.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw Failure(e, "synchronize");
        }
    }

    /// <summary>Throws nothing of the driver's, so that the first error is the one that is seen.</summary>
    public override void Dispose()
    {
        // Memory in use must not be freed under a running kernel; a fault may also be noticed here first.
        if (_fault is null && Disposal.Quietly(_stream.Synchronize) is { } late)
            OnNotice?.Invoke(Failure(late, "dispose").Message);
        if (_fault is null)
        {
            _ = Disposal.Quietly(base.Dispose);
            _ = Disposal.Close(_accelerator);
        }
        else
        {
            Disposal.Abandon(_accelerator);
        }
        _context.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What to throw for an error of the driver. After a fault of the device nothing here is freed any more.</summary>
    private BDenseException Failure(AcceleratorException e, string call)
    {
        string error = DeviceFault.NameOf(e);
        if (!DeviceFault.IsSticky(error))
            return new BDenseException($"{Name}: {call}: {error} ({e.Message}){DeviceFault.Finding}", e);
        Disposal.Abandon(_accelerator);
        return _fault ??= new DeviceFaultException($"{Name}: {call}", error, e, VirtualCuda.LastFinding);
    }

    private protected override Storage Allocate(int length)
    {
        try
        {
            var storage = new DeviceStorage(length, _accelerator.Allocate1D<float>(length));
            _emulator?.Allocated(storage.Buffer.NativePtr, 4L * length);
            return storage;
        }
        catch (CudaException e) when (e.Error.Contains("OUT_OF_MEMORY", StringComparison.Ordinal))
        {
            throw new OutOfMemoryException(e.Message, e);
        }
        catch (CLException e) when (e.Error is CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_RESOURCES
            or CLError.CL_OUT_OF_HOST_MEMORY or CLError.CL_INVALID_BUFFER_SIZE)
        {
            throw new OutOfMemoryException(e.Message, e);
        }
        catch (AcceleratorException e)
        {
            throw Failure(e, "allocate");
        }
    }

    internal override void UploadCore(Tensor destination, ReadOnlySpan<float> source)
    {
        if (source.IsEmpty)
            return;
        try
        {
            // Waits: the caller may change its memory at once.
            View1D(destination).CopyFromCPU(_stream, source);
        }
        catch (AcceleratorException e)
        {
            throw Failure(e, "upload");
        }
    }

    internal override void DownloadCore(Tensor source, Span<float> destination)
    {
        if (destination.IsEmpty)
            return;
        try
        {
            View1D(source).CopyToCPU(_stream, destination);
        }
        catch (AcceleratorException e)
        {
            throw Failure(e, "download");
        }
    }

    internal override void UploadCore(Tensor destination, ReadOnlySpan<ushort> source)
    {
        if (source.IsEmpty)
            return;
        try
        {
            Bits(destination).CopyFromCPU(_stream, source);
        }
        catch (AcceleratorException e)
        {
            throw Failure(e, "upload");
        }
    }

    internal override void DownloadCore(Tensor source, Span<ushort> destination)
    {
        if (destination.IsEmpty)
            return;
        try
        {
            Bits(source).CopyToCPU(_stream, destination);
        }
        catch (AcceleratorException e)
        {
            throw Failure(e, "download");
        }
    }

    private static ArrayView1D<float, Stride1D.Dense> View1D(Tensor x) => x.Type == ElementType.Float32
        ? ((DeviceStorage)x.Storage).Buffer.View.SubView(x.Offset, x.Length)
        : throw new BDenseException($"{x} was to be read as float32; Convert it first");

    /// <summary>A BF16 tensor's elements.</summary>
    private static ArrayView<ushort> Bits(Tensor x) =>
        ((ArrayView<float>)((DeviceStorage)x.Storage).Buffer.View).Cast<ushort>().SubView(x.Offset, x.Length);

    /// <summary>A tensor's elements as kernels see them, for the arguments of a launch.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
    /// <exception cref="BDenseException">It is BF16.</exception>
    public static ArrayView<float> View(Tensor x) => View1D(x);

    /// <summary>The same elements four at a time; the tensor must be <see cref="Aligned"/>.</summary>
    private static ArrayView<Float4> View4(Tensor x) => View(x).Cast<Float4>();

    /// <summary>The same two at a time.</summary>
    private static ArrayView<Float2> View2(Tensor x) => View(x).Cast<Float2>();

    /// <summary>A BF16 tensor's elements two at a time.</summary>
    private static ArrayView<uint> Bits2(Tensor x) => Bits(x).Cast<uint>();

    /// <summary>A BF16 tensor's elements four at a time.</summary>
    private static ArrayView<BFloat16x4> Bits4(Tensor x) => Bits(x).Cast<BFloat16x4>();

    /// <summary>A BF16 tensor's elements two at a time, for what only moves them.</summary>
    private static ArrayView<float> Pairs(Tensor x) => Bits(x).Cast<float>();

    /// <summary>Whether accesses of four elements are allowed: views made by hand may start anywhere.</summary>
    private static bool Aligned(Tensor x) => x.Offset % 4 == 0;

    /// <summary>Whether all of a tensor can be accessed four elements at a time.</summary>
    private static bool InFours(Tensor x) => x.Length % 4 == 0 && Aligned(x);

    private sealed class DeviceStorage(int length, MemoryBuffer1D<float, Stride1D.Dense> buffer) : Storage(length)
    {
        public MemoryBuffer1D<float, Stride1D.Dense> Buffer { get; } = buffer;

        private Dictionary<WeightForm, KeptWeights>? _kept;

        /// <summary>Weights that lie here, as tensor cores copy them.</summary>
        public Dictionary<WeightForm, KeptWeights> Kept => _kept ??= [];

        internal override void OnReturned()
        {
            foreach (var kept in _kept?.Values ?? Enumerable.Empty<KeptWeights>())
                kept.Dispose();
            _kept = null;
        }

        /// <summary>
        /// Without an error of the driver's: after a fault that is an old one, and the first is on its way to whoever waits.
        /// </summary>
        public override void Dispose() => _ = Disposal.Quietly(Buffer.Dispose);
    }
}
