namespace BDense.Kernels.Tracing;

/// <summary>
/// What a <see cref="TracingBackend"/> was asked for: the operations, in order, that lead from the inputs to the outputs. Whatever depends
/// on no input has been computed and is a constant.
/// </summary>
/// <param name="Batch">N, with which it was recorded.</param>
/// <param name="Inputs">By name.</param>
/// <param name="Outputs">By name.</param>
/// <param name="Steps">Those that an output depends on.</param>
public sealed record Trace(int Batch, IReadOnlyList<(string Name, TraceValue Value)> Inputs,
    IReadOnlyList<(string Name, TraceOperand Operand)> Outputs, IReadOnlyList<TraceStep> Steps);

/// <summary>A trace while it is recorded.</summary>
public sealed class TraceRecorder
{
    private readonly TracingBackend _backend;
    private readonly List<(string, TraceValue)> _inputs = [];
    private readonly List<(string, TraceOperand)> _outputs = [];
    private readonly List<TraceStep> _steps = [];
    private int _values;

    internal TraceRecorder(TracingBackend backend, int batch) => (_backend, Batch) = (backend, batch);

    /// <summary>N: the first extent of inputs and outputs.</summary>
    public int Batch { get; }

    /// <summary>Makes a tensor an input: what it holds is not known from now on.</summary>
    /// <param name="name">Of the input.</param>
    /// <param name="x">Of the backend; its first extent is the batch.</param>
    public void Input(string name, Tensor x)
    {
        var value = NewValue(x.Shape);
        _backend.Mark(x, value);
        _inputs.Add((name, value));
    }

    /// <summary>Makes what a tensor holds an output.</summary>
    /// <param name="name">Of the output.</param>
    /// <param name="x">Of the backend; its first extent is the batch.</param>
    public void Output(string name, Tensor x) => _outputs.Add((name, _backend.Batched(x)));

    internal TraceValue NewValue(Shape shape) => new(_values++, shape);

    internal void Add(TraceStep step) => _steps.Add(step);

    internal Trace Finish()
    {
        var wanted = new HashSet<int>(_outputs.Select(o => o.Item2).OfType<TraceRead>().Select(read => read.Value.Number));
        var live = new List<TraceStep>();
        foreach (var step in Enumerable.Reverse(_steps))
        {
            if (!wanted.Contains(step.Output.Number))
                continue;
            live.Add(step);
            wanted.UnionWith(step.Operands.OfType<TraceRead>().Select(read => read.Value.Number));
        }
        live.Reverse();
        return new Trace(Batch, _inputs, _outputs, live);
    }
}
