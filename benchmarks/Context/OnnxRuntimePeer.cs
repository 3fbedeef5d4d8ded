using BDense.Benchmarks.Comparison;
using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using BDense.Kernels.Tracing;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Onnx;
using BDense.Onnx.Lowering;
using Microsoft.ML.OnnxRuntime;

namespace BDense.Benchmarks.Context;

/// <summary>
/// ONNX Runtime's CPU kernels on the network as <c>bdense export --format onnx</c> writes it, with as many threads as we have and all of
/// its graph optimizations.
/// </summary>
public sealed class OnnxRuntimePeer(int threads) : IPeer
{
    private const string X = "x", Noise = "c_noise", Next = "next";

    public string Name => "ONNX Runtime";

    public string? Unavailable { get; } = WhyNot();

    public bool Takes(Workload work) => work is Sampling;

    public IEnumerable<Running> Start(Workload work)
    {
        var w = (Sampling)work;
        var images = w.Training.Images;
        using var settings = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        };
        // Its threads spin within a run, as they do by default, but not after one: for some 20 ms they would take a core from our sample.
        settings.AddSessionConfigEntry("session.force_spinning_stop", "1");
        var session = new InferenceSession(Model(w), settings);
        long[] planes = [images[0], images[3], images[1], images[2]];
        var result = new float[images.Length];
        var x = OrtValue.CreateTensorValueFromMemory(Swapped(w.Training.X, images[0], images[1] * images[2], images[3]), planes);
        var noise = OrtValue.CreateTensorValueFromMemory(w.Training.Noise, [w.Batch]);
        var next = OrtValue.CreateTensorValueFromMemory(result, planes);
        var options = new RunOptions();
        return
        [
            new("", () => session.Run(options, [X, Noise], [x, noise], [Next], [next]),
                () => new() { [Next] = Swapped(result, images[0], images[3], images[1] * images[2]) }, session, x, noise, next, options),
        ];
    }

    public void Dispose() { }

    /// <summary>What <see cref="Sampling"/> does, written down: (x + F(x; c_noise)) / 2.</summary>
    private static byte[] Model(Sampling work)
    {
        using var backend = new TracingBackend(1);
        using var network = new Network(backend, work.Config, seed: null);
        for (int i = 0; i < network.Parameters.All.Count; i++)
            network.Parameters.All[i].Value.Upload(TrainingStep.Values(network.Parameters.All[i], i));
        return OnnxModel.Of(backend, "sampling", recorder =>
        {
            int n = recorder.Batch, side = work.Config.Resolution;
            using Tensor x = backend.Empty(new Shape(n, side, side, work.Config.ImageChannels)), noise = backend.Empty(new Shape(n)),
                next = backend.Empty(x.Shape);
            recorder.Input(X, x);
            recorder.Input(Noise, noise);
            using var tape = Tape.For(network, recording: false);
            backend.LinearCombination([0.5f, 0.5f], [x, network.Forward(tape, tape.Input(x), noise).Data], next);
            recorder.Output(Next, next);
        }, (trace, at) =>
        {
            var c = work.Config;
            foreach (var (name, value) in trace.Inputs)
            {
                at.Define(value, name == X
                    ? Lowered.OfPlanes(value.Shape, at.Graph.Input(X, OnnxNames.Batch, c.ImageChannels, c.Resolution, c.Resolution))
                    : Lowered.OfRows(value.Shape, at.Graph.Input(Noise, OnnxNames.Batch)));
            }
            at.Run(trace);
            var image = new Shape(trace.Batch, c.Resolution, c.Resolution, c.ImageChannels);
            at.Graph.Output(Next, at.Planes(trace.Outputs.Single().Operand, image), OnnxNames.Batch, c.ImageChannels, c.Resolution,
                c.Resolution);
        }, []).ToArray();
    }

    /// <summary>[N,Rows,Columns] to [N,Columns,Rows].</summary>
    private static float[] Swapped(float[] x, int n, int rows, int columns)
    {
        var y = new float[x.Length];
        for (int i = 0; i < n; i++)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    y[(i * columns + column) * rows + row] = x[(i * rows + row) * columns + column];
            }
        }
        return y;
    }

    private static string? WhyNot()
    {
        try
        {
            using var options = new SessionOptions();
            return null;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or BadImageFormatException)
        {
            return $"ONNX Runtime's library cannot be loaded: {(e.InnerException ?? e).Message.Split('\n')[0].Trim()}";
        }
    }
}
