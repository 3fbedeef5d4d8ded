using BDense.Kernels;
using BDense.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace BDense.Tests.Onnx;

/// <summary>A model run by ONNX Runtime, images in and out as they lie here, [N,H,W,C].</summary>
internal sealed class OnnxRun : IDisposable
{
    private readonly InferenceSession _session;
    private readonly List<NamedOnnxValue> _feeds = [];

    public OnnxRun(byte[] model)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        _session = new InferenceSession(model, options);
    }

    public OnnxRun(OnnxModel model)
        : this(model.ToArray())
    {
    }

    public IEnumerable<string> Inputs => _session.InputMetadata.Keys;

    public OnnxRun Images(string name, float[] images, Shape shape)
    {
        float[] planes = Swapped(images, shape[0], shape[1] * shape[2], shape[3]);
        _feeds.Add(NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(planes, [shape[0], shape[3], shape[1], shape[2]])));
        return this;
    }

    public OnnxRun Floats(string name, params float[] values)
    {
        _feeds.Add(NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(values, [values.Length])));
        return this;
    }

    public OnnxRun Classes(params long[] values)
    {
        _feeds.Add(NamedOnnxValue.CreateFromTensor("class", new DenseTensor<long>(values, [values.Length])));
        return this;
    }

    /// <summary>The only output; what was given before is forgotten.</summary>
    public float[] Run()
    {
        var y = Result();
        return Swapped([.. y], y.Dimensions[0], y.Dimensions[1], y.Dimensions[2] * y.Dimensions[3]);
    }

    /// <summary>As the model gives it, [N,C,H,W].</summary>
    public float[] RunPlanes() => [.. Result()];

    private DenseTensor<float> Result()
    {
        using var results = _session.Run(_feeds);
        _feeds.Clear();
        return results.Single().AsTensor<float>().ToDenseTensor();
    }

    public void Dispose() => _session.Dispose();

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
}
