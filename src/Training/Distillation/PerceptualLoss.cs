using BDense.Kernels;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using Microsoft.ML.OnnxRuntime;

namespace BDense.Training.Distillation;

/// <summary>
/// A perceptual distance p(x, y) from an ONNX file that the user brings, such as LPIPS (Zhang et al. 2018), which the second stage of SFD
/// adds on its last step. ONNX Runtime does not differentiate, so the file holds the gradient too.
/// </summary>
/// <remarks>
/// Inputs <c>student</c> and <c>teacher</c>, [N,C,H,W] float32, images about in [-1, 1] as the networks have them; any resizing is inside.
/// Outputs <c>loss</c>, of any shape, whose sum is sum_n p(x_n, y_n), and <c>gradient</c>, [N,C,H,W], of that sum with respect to
/// <c>student</c>.
/// </remarks>
public sealed class PerceptualLoss : IDisposable
{
    private static readonly string[] Inputs = ["student", "teacher"], Outputs = ["loss", "gradient"];

    private readonly string _path;
    private readonly InferenceSession _session;

    /// <exception cref="BDenseException">No such file, no ONNX network, or one without these inputs and outputs.</exception>
    public PerceptualLoss(string path)
    {
        _path = path;
        if (!File.Exists(path))
            throw new BDenseException($"{path}: no such file{(Directory.Exists(path) ? "; it is a folder" : "")}");
        _session = OnnxFeatures.Open(path, threads: 0);
        if (Inputs.Order().SequenceEqual(_session.InputMetadata.Keys.Order()) && Outputs.All(_session.OutputMetadata.ContainsKey))
            return;
        string has = $"{string.Join(", ", _session.InputMetadata.Keys)} to {string.Join(", ", _session.OutputMetadata.Keys)}";
        _session.Dispose();
        throw new BDenseException($"{path}: a perceptual distance takes student and teacher to loss and gradient, this network {has}");
    }

    /// <summary>sum_n p(x_n, y_n) and its gradient with respect to x.</summary>
    /// <param name="x">[N,H,W,C]</param>
    /// <param name="y">[N,H,W,C]</param>
    /// <param name="shape">N, H, W, C.</param>
    /// <exception cref="BDenseException">The network does not take images of this size, or gives a gradient of another.</exception>
    public (double Loss, float[] Gradient) Compute(float[] x, float[] y, Shape shape)
    {
        int n = shape[0], pixels = shape[1] * shape[2], c = shape[3];
        long[] extents = [n, c, shape[1], shape[2]];
        try
        {
            using OrtValue student = OrtValue.CreateTensorValueFromMemory(GivenNoise.Transposed(x, n, pixels, c), extents),
                teacher = OrtValue.CreateTensorValueFromMemory(GivenNoise.Transposed(y, n, pixels, c), extents);
            using var options = new RunOptions();
            using var results = _session.Run(options, Inputs, [student, teacher], Outputs);
            double loss = 0;
            foreach (float value in results[0].GetTensorDataAsSpan<float>())
                loss += value;
            float[] gradient = results[1].GetTensorDataAsSpan<float>().ToArray();
            return gradient.Length == x.Length ? (loss, GivenNoise.Transposed(gradient, n, c, pixels))
                : throw new BDenseException($"{_path}: gave a gradient of {gradient.Length} numbers for images of {x.Length}");
        }
        catch (OnnxRuntimeException e)
        {
            throw new BDenseException($"{_path}: failed on {n} images of {c} x {shape[1]} x {shape[2]}: {OnnxFeatures.OneLine(e)}", e);
        }
    }

    /// <summary>Frees the network.</summary>
    public void Dispose() => _session.Dispose();
}
