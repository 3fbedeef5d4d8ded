using System.Globalization;
using BDense.Kernels;
using BDense.Kernels.Tracing;
using BDense.Model.Networks;
using BDense.Onnx.Lowering;

namespace BDense.Onnx;

/// <summary>From noise to images: a solver over a denoiser, or a student as it was distilled.</summary>
/// <param name="x">[N,H,W,C] sigma times standard normal noise; stays as it is.</param>
/// <param name="labels">[N,LabelCount] of a network with classes; or none.</param>
/// <param name="fresh">Fills a tensor with the standard normal noise that a step (from 0) adds.</param>
/// <returns>[N,H,W,C]; the caller disposes it.</returns>
public delegate Tensor TracedSampler(Tensor x, Tensor? labels, Action<int, Tensor> fresh);

/// <summary>A whole sampler as one ONNX model.</summary>
public static class SamplerModel
{
    private const string Noise = "noise", Labels = "labels", Images = "images", Fresh = "fresh";

    /// <summary>
    /// <c>noise</c> [N,C,H,W], standard normal, and <c>class</c> int64 [N] of a network with classes, to <c>images</c> [N,C,H,W]. Noise
    /// levels, coefficients and folded heads are constants inside. A step that adds fresh noise has it as an input of its own, standard
    /// normal as well: <c>fresh0</c>, <c>fresh1</c>, by the step's number.
    /// </summary>
    /// <param name="network">On a <see cref="TracingBackend"/>: loaded there, or by <see cref="TracedNetwork.Copy"/>.</param>
    /// <param name="sigma">The first noise level, by which noise is multiplied.</param>
    /// <param name="sampler">With that network.</param>
    /// <param name="class_">The class of every image, in range; none for an input, where there are classes.</param>
    /// <param name="about">What the file is to say about itself besides.</param>
    /// <exception cref="BDenseException">A step that cannot be written, or more constants than an ONNX file holds.</exception>
    public static OnnxModel Of(INetwork network, double sigma, TracedSampler sampler, int? class_ = null,
        IReadOnlyList<(string Key, string Value)>? about = null)
    {
        var backend = network.Backend as TracingBackend
            ?? throw new ArgumentException($"the network lives on {network.Backend.Name}, where nothing is recorded", nameof(network));
        var c = network.Config;
        return OnnxModel.Of(backend, "sampler", recorder => Record(recorder, network, sigma, sampler, class_),
            (trace, at) => Build(trace, at, c),
            [.. NetworkModel.Facts(c), ("sigma", sigma.ToString(CultureInfo.InvariantCulture)), .. about ?? []]);
    }

    private static void Record(TraceRecorder recorder, INetwork network, double sigma, TracedSampler sampler, int? class_)
    {
        var (backend, c, n) = (network.Backend, network.Config, recorder.Batch);
        using var x = backend.Empty(new Shape(n, c.Resolution, c.Resolution, c.ImageChannels));
        using var labels = c.LabelCount > 0 ? Rows(backend, n, c.LabelCount, class_) : null;
        recorder.Input(Noise, x);
        if (labels is not null && class_ is null)
            recorder.Input(Labels, labels);
        backend.Scale(x, (float)sigma, x);
        using var images = sampler(x, labels, (step, noise) => recorder.Input(FormattableString.Invariant($"{Fresh}{step}"), noise));
        recorder.Output(Images, images);
    }

    /// <summary>One-hot rows of the class; of no class, to be an input, zeros.</summary>
    private static Tensor Rows(Backend backend, int n, int classes, int? class_)
    {
        var rows = new float[n * classes];
        for (int i = 0; i < n && class_ is not null; i++)
            rows[i * classes + class_.Value] = 1;
        return backend.FromArray(rows, new Shape(n, classes));
    }

    private static void Build(Trace trace, LoweredGraph at, NetworkConfig c)
    {
        var graph = at.Graph;
        int side = c.Resolution;
        foreach (var (name, value) in trace.Inputs)
        {
            at.Define(value, name == Labels ? ClassInput.Rows(graph, c.LabelCount, trace.Batch)
                : Lowered.OfPlanes(value.Shape, graph.Input(name, OnnxNames.Batch, c.ImageChannels, side, side)));
        }
        at.Run(trace);
        string images = at.Planes(trace.Outputs.Single().Operand, new Shape(trace.Batch, side, side, c.ImageChannels));
        graph.Output(Images, images, OnnxNames.Batch, c.ImageChannels, side, side);
    }
}
