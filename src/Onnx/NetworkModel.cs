using BDense.Kernels;
using BDense.Kernels.Tracing;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Onnx.Lowering;

namespace BDense.Onnx;

/// <summary>A network as an ONNX model.</summary>
public static class NetworkModel
{
    private const string X = "x", Sigma = "sigma", Step = "step", Scaled = "scaled", Noise = "c_noise", Labels = "labels",
        Heads = "heads";

    /// <summary>
    /// D(x; sigma): <c>x</c> [N,C,H,W], <c>sigma</c> [N], <c>class</c> int64 [N] of a network with classes and <c>step</c> [N] of one with
    /// SFD's step condition, to <c>denoised</c> [N,K*C,H,W], the image that each of the K heads stands for, D_j = c_skip x + c_out F_j.
    /// </summary>
    /// <param name="network">On any backend; it stays as it is.</param>
    /// <param name="about">What the file is to say about itself besides.</param>
    /// <exception cref="BDenseException">It does an operation that cannot be written, or is larger than an ONNX file may be.</exception>
    public static OnnxModel Of(INetwork network, IReadOnlyList<(string Key, string Value)>? about = null)
    {
        using var backend = new TracingBackend();
        using var traced = TracedNetwork.Copy(backend, network);
        var c = traced.Config;
        return OnnxModel.Of(backend, "network", recorder => Record(recorder, traced), (trace, at) => Build(trace, at, c),
            [.. Facts(c), .. about ?? []]);
    }

    internal static IEnumerable<(string Key, string Value)> Facts(NetworkConfig c) =>
    [
        ("family", c.Family), ("heads", FormattableString.Invariant($"{c.Branches}")),
        ("classes", FormattableString.Invariant($"{c.LabelCount}")),
    ];

    private static void Record(TraceRecorder recorder, INetwork network)
    {
        var (backend, c, n) = (network.Backend, network.Config, recorder.Batch);
        using Tensor x = backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.ImageChannels)), noise = backend.Empty(new Shape(n));
        using var labels = c.LabelCount > 0 ? backend.Empty(new Shape(n, c.LabelCount)) : null;
        using var step = c.StepCondition ? backend.Empty(new Shape(n)) : null;
        recorder.Input(Scaled, x);
        recorder.Input(Noise, noise);
        if (labels is not null)
            recorder.Input(Labels, labels);
        if (step is not null)
            recorder.Input(Step, step);
        using var tape = Tape.For(network, recording: false);
        var heads = network.Forward(tape, tape.Input(x), noise, new ForwardOptions(Labels: labels, Step: step));
        recorder.Output(Heads, heads.Data);
    }

    private static void Build(Trace trace, LoweredGraph at, NetworkConfig c)
    {
        var graph = at.Graph;
        int n = trace.Batch, side = c.Resolution;
        string x = graph.Input(X, OnnxNames.Batch, c.ImageChannels, side, side), sigma = graph.Input(Sigma, OnnxNames.Batch);
        var numbers = new SigmaNumbers(graph, c, sigma);
        foreach (var (name, value) in trace.Inputs)
        {
            at.Define(value, name switch
            {
                Scaled => Lowered.OfPlanes(value.Shape, graph.Node("Mul", x, numbers.In())),
                Noise => Lowered.OfRows(value.Shape, numbers.Noise()),
                Labels => ClassInput.Rows(graph, c.LabelCount, n),
                _ => Lowered.OfRows(value.Shape, graph.Input(Step, OnnxNames.Batch)),
            });
        }
        at.Run(trace);
        string heads = at.Planes(trace.Outputs.Single().Operand, new Shape(n, side, side, c.Branches * c.HeadChannels));
        graph.Output("denoised", Denoised(graph, c, numbers, x, heads), OnnxNames.Batch, c.Branches * c.ImageChannels, side, side);
    }

    private static string Denoised(GraphBuilder graph, NetworkConfig c, SigmaNumbers numbers, string x, string heads)
    {
        if (c.Prediction == Prediction.Both)
        {
            int half = c.Branches * c.ImageChannels;
            var (alpha, sigmaVp) = numbers.Merging();
            heads = graph.Node("Sub", graph.Node("Mul", Part(half), alpha), graph.Node("Mul", Part(0), sigmaVp));

            string Part(int first) =>
                graph.Node("Slice", [heads, graph.Integers(first), graph.Integers(first + half), graph.Integers(1)]);
        }
        string scaled = graph.Node("Mul", heads, numbers.Out());
        if (numbers.Skip() is not { } skip)
            return scaled;
        string kept = graph.Node("Mul", x, skip);
        string each = c.Branches == 1 ? kept : graph.Node("Concat", [.. Enumerable.Repeat(kept, c.Branches)], ("axis", 1));
        return graph.Node("Add", each, scaled);
    }
}
