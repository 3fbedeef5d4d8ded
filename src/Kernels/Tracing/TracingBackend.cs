using System.Runtime.CompilerServices;
using BDense.Kernels.Reference;

namespace BDense.Kernels.Tracing;

/// <summary>
/// A device that writes down what it is asked for. Operations on known numbers are computed, as on the CPU reference; an operation on what
/// depends on an input is recorded as a <see cref="TraceStep"/> and computes nothing. So a whole sampler, which steps over noise levels
/// that are known, becomes the operations from its noise to its images, with everything else worked out beforehand.
/// </summary>
/// <remarks>
/// <para>It has the operations of a forward pass; any other that depends on an input is refused by its name, and so is one that is written
/// outside this assembly, and a look at numbers that are not known (<see cref="Tensor.Download"/>).</para>
/// <para>Fusions within a convolution are not its: what surrounds one comes as operations of its own.</para>
/// </remarks>
public sealed partial class TracingBackend : ReferenceBackend
{
    private static readonly HashSet<string> s_recorded =
    [
        nameof(Conv2d), nameof(GroupNorm), nameof(Attention), nameof(LinearCombination), nameof(LinearCombinationPerSample),
        nameof(BroadcastAdd), nameof(ScaleShift), nameof(Concat), nameof(Split), nameof(Silu), nameof(Clamp), nameof(Multiply),
        nameof(Downsample), nameof(Upsample), nameof(Embedding), nameof(TrajectoryStates), nameof(Fill),
    ];

    private readonly ConditionalWeakTable<Storage, List<Region>> _regions = [];
    private readonly ConditionalWeakTable<Storage, Dictionary<(long Version, int Offset, int Length), float[]>> _constants = [];
    private readonly List<Tensor> _operands = [];
    private TraceRecorder? _recorder;

    /// <summary>A backend of the CPU's numbers.</summary>
    /// <param name="threads">That work on known numbers; 0 for one a core.</param>
    public TracingBackend(int threads = 0)
        : base(threads) => Pool.Exact = true; // Memory that came back and went out again would carry another tensor's values.

    /// <inheritdoc/>
    public override string Name => "tracing";

    /// <inheritdoc/>
    public override string Description => "writes down operations, computes what depends on no input";

    /// <summary>Records what <paramref name="body"/> asks for.</summary>
    /// <param name="batch">N; two or more, so that what belongs to one sample can be told from what belongs to all.</param>
    /// <param name="body">Names inputs and outputs.</param>
    /// <exception cref="BDenseException">An operation that cannot be recorded.</exception>
    public Trace Record(int batch, Action<TraceRecorder> body)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 2);
        if (_recorder is not null)
            throw new InvalidOperationException("a trace is being recorded already");
        _recorder = new TraceRecorder(this, batch);
        try
        {
            body(_recorder);
            return _recorder.Finish();
        }
        finally
        {
            _recorder = null;
        }
    }

    /// <inheritdoc/>
    public override ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) => default;

    internal override void UploadCore(Tensor destination, ReadOnlySpan<float> source)
    {
        Mark(destination, null);
        base.UploadCore(destination, source);
    }

    internal override void DownloadCore(Tensor source, Span<float> destination)
    {
        if (!IsKnown(source))
            throw new BDenseException("the pass looks at numbers that depend on its input, on the host, which no graph can do");
        base.DownloadCore(source, destination);
    }

    private protected override void Checked(Tensor x)
    {
        if (_recorder is not null)
            _operands.Add(x);
    }

    private protected override void Reported(string op, OpCost cost)
    {
        if (_recorder is null)
            return;
        if (!s_recorded.Contains(op))
            RunsForeign(op);
        _operands.Clear();
    }

    internal override void RunsForeign(string op)
    {
        bool known = _operands.TrueForAll(x => IsKnown(x));
        if (known)
            return;
        _operands.Clear();
        throw new BDenseException($"{op}: an operation that cannot be recorded; there are {string.Join(", ", s_recorded.Order())}");
    }

    /// <summary>What a tensor holds from now on: a value, or none for numbers that are known.</summary>
    internal void Mark(Tensor y, TraceValue? value)
    {
        var regions = _regions.GetOrCreateValue(y.Storage);
        int end = y.Offset + y.Length;
        foreach (var region in regions)
        {
            if (region.Overlaps(y) && (region.Offset < y.Offset || region.End > end))
                throw new BDenseException($"a part, {y.Shape}, of what depends on an input is written anew, which cannot be recorded");
        }
        regions.RemoveAll(region => region.Overlaps(y));
        if (value is not null)
            regions.Add(new Region(y.Offset, y.Length, value));
    }

    /// <summary>An operand with a batch: a value, or of known numbers the row that all samples share.</summary>
    internal TraceOperand Batched(Tensor x)
    {
        if (!IsKnown(x))
            return Read(x);
        int n = _recorder!.Batch, row = x.Length / n;
        var values = Values(x);
        bool same = x.Shape.Rank > 0 && x.Shape[0] % n == 0;
        for (int i = 1; i < n && same; i++)
            same = values.Slice(i * row, row).SequenceEqual(values[..row]);
        if (!same)
            throw new BDenseException($"known numbers {x.Shape} differ between the samples of a batch, so they fit no other batch");
        using var first = x.View(0, new Shape([x.Shape[0] / n, .. x.Shape.ToArray()[1..]]));
        return Constant(first);
    }

    private bool IsKnown(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var x in tensors)
        {
            if (x is not null && _regions.TryGetValue(x.Storage, out var regions) && regions.Exists(region => region.Overlaps(x)))
                return false;
        }
        return true;
    }

    private TraceRead Read(Tensor x) =>
        _regions.GetOrCreateValue(x.Storage).Find(r => r.Offset == x.Offset && r.Length == x.Length) is { } region
            ? new TraceRead(region.Value, x.Shape)
            : throw new BDenseException($"a part, {x.Shape}, of what depends on an input is read alone, which cannot be recorded");

    /// <summary>Weights: numbers that must be known.</summary>
    private TraceConstant Known(Tensor x, string what) =>
        IsKnown(x) ? Constant(x) : throw new BDenseException($"{what} depend on an input, which cannot be recorded");

    private TraceConstant Constant(Tensor x)
    {
        var kept = _constants.GetOrCreateValue(x.Storage);
        var key = (x.Storage.Version, x.Offset, x.Length);
        if (!kept.TryGetValue(key, out float[]? values))
            kept.Add(key, values = Values(x).ToArray());
        return new TraceConstant(values, x.Shape);
    }

    /// <summary>A new value for y, once the operands are read.</summary>
    private TraceValue Written(Tensor y)
    {
        var value = _recorder!.NewValue(y.Shape);
        Mark(y, value);
        return value;
    }

    private sealed record Region(int Offset, int Length, TraceValue Value)
    {
        public int End => Offset + Length;

        public bool Overlaps(Tensor x) => Offset < x.Offset + x.Length && x.Offset < End;
    }
}
