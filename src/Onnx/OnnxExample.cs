using System.Text;

namespace BDense.Onnx;

/// <summary>Ten lines that run a model, as they stand in the README beside it.</summary>
/// <remarks>They are made from the model's own inputs, so that they fit whatever it asks for.</remarks>
public static class OnnxExample
{
    /// <summary>File names of the two programs.</summary>
    public const string PythonFile = "example.py", CSharpFile = "Example.cs";

    /// <summary>The package that the C# program asks for, and its version.</summary>
    public const string Package = "Microsoft.ML.OnnxRuntime@1.31.1";

    private const int Images = 4;

    /// <summary>Python with NumPy and ONNX Runtime; writes images.npy of bytes, N x C x H x W.</summary>
    /// <param name="model">Of <see cref="NetworkModel"/> or <see cref="SamplerModel"/>.</param>
    /// <param name="file">Its file, beside the program.</param>
    public static string Python(OnnxModel model, string file)
    {
        var text = new StringBuilder("import numpy as np\nimport onnxruntime\n\n");
        text.Append($"session = onnxruntime.InferenceSession(\"{file}\", providers=[\"CPUExecutionProvider\"])\n");
        text.Append("random = np.random.default_rng(0)\nfeeds = {}\n");
        foreach (string name in model.Inputs)
            text.Append($"feeds[\"{name}\"] = {PythonValue(model, name)}\n");
        text.Append($"images = session.run([\"{model.Output}\"], feeds)[0]\n");
        text.Append("np.save(\"images.npy\", ((images.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8))\n");
        text.Append("print(\" x \".join(map(str, images.shape)), \"from\", images.min(), \"to\", images.max())\n");
        return text.ToString();
    }

    /// <summary>C# with ONNX Runtime's package: <c>dotnet run Example.cs</c>.</summary>
    /// <param name="model">As of <see cref="Python"/>.</param>
    /// <param name="file">Its file, in the folder where the program is run.</param>
    public static string CSharp(OnnxModel model, string file)
    {
        var text = new StringBuilder($"#:package {Package}\nusing Microsoft.ML.OnnxRuntime;\nusing Microsoft.ML.OnnxRuntime.Tensors;\n\n");
        text.Append($"using var session = new InferenceSession(\"{file}\");\nvar random = new Random(0);\n");
        text.Append("float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * ");
        text.Append("Math.Cos(Math.Tau * random.NextDouble()));\n");
        text.Append("DenseTensor<T> Of<T>(Func<T> next, params int[] shape) =>\n");
        text.Append("    new(Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(_ => next()).ToArray(), shape);\n");
        text.Append("using var results = session.Run(\n[\n");
        foreach (string name in model.Inputs)
            text.Append($"    NamedOnnxValue.CreateFromTensor(\"{name}\", {CSharpValue(model, name)}),\n");
        text.Append("]);\nvar images = results[0].AsTensor<float>();\n");
        text.Append("Console.WriteLine($\"{string.Join(\" x \", images.Dimensions.ToArray())} from {images.Min()} to {images.Max()}\");\n");
        return text.ToString();
    }

    private static string PythonValue(OnnxModel model, string name) => name switch
    {
        ClassInput.Name => $"np.zeros({Images}, dtype=np.int64)",
        "sigma" => $"np.full({Images}, 80, dtype=np.float32)",
        "step" => $"np.full({Images}, 4, dtype=np.float32)",
        "x" => $"80 * random.standard_normal({Shape(model, name)}, dtype=np.float32)",
        _ => $"random.standard_normal({Shape(model, name)}, dtype=np.float32)",
    };

    private static string CSharpValue(OnnxModel model, string name) => name switch
    {
        ClassInput.Name => $"Of(() => 0L, {Images})",
        "sigma" => $"Of(() => 80f, {Images})",
        "step" => $"Of(() => 4f, {Images})",
        "x" => $"Of(() => 80 * Normal(), {Extents(model, name)})",
        _ => $"Of(Normal, {Extents(model, name)})",
    };

    private static string Shape(OnnxModel model, string name) => $"({Extents(model, name)})";

    private static string Extents(OnnxModel model, string name) => string.Join(", ", [Images, .. model.ExtentsOf(name).Skip(1)]);
}
