using System.Runtime.CompilerServices;
using BDense.Kernels.Reference;
using BDense.Kernels.Tracing;
using BDense.Onnx;
using BDense.Tests.Networks;
using BDense.Training.Samplers;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace BDense.Tests.Onnx;

/// <summary>The programs that lie beside an exported model.</summary>
public sealed class ExampleTests
{
    private const string Begin = "// The program:", End = "// Its end.";

    [Test]
    public void The_program_in_CSharp_is_this_one_and_runs()
    {
        using var folder = new TemporaryFolder();
        var model = Model();
        string file = folder["sampler.onnx"];
        model.Save(file);
        string text = OnnxExample.CSharp(model, "sampler.onnx");
        string own = Own().Replace("InferenceSession(file)", "InferenceSession(\"sampler.onnx\")", StringComparison.Ordinal);
        Assert.That(text[text.IndexOf("using var", StringComparison.Ordinal)..], Is.EqualTo(own));

        // The program:
        using var session = new InferenceSession(file);
        var random = new Random(0);
        float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble()));
        DenseTensor<T> Of<T>(Func<T> next, params int[] shape) =>
            new(Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(_ => next()).ToArray(), shape);
        using var results = session.Run(
        [
            NamedOnnxValue.CreateFromTensor("noise", Of(Normal, 4, 3, 8, 8)),
            NamedOnnxValue.CreateFromTensor("class", Of(() => 0L, 4)),
        ]);
        var images = results[0].AsTensor<float>();
        Console.WriteLine($"{string.Join(" x ", images.Dimensions.ToArray())} from {images.Min()} to {images.Max()}");
        // Its end.

        Assert.That(images.Dimensions.ToArray(), Is.EqualTo(new[] { 4, 3, 8, 8 }));
        Assert.That(images.Max(), Is.GreaterThan(images.Min()));
    }

    [Test]
    public void The_package_is_the_one_that_is_tested_here()
    {
        string version = OnnxExample.Package.Split('@')[1];
        Assert.That(OrtEnv.Instance().GetVersionString(), Is.EqualTo(version));
    }

    [Test]
    public void The_program_in_Python_gives_every_input_its_kind()
    {
        string text = OnnxExample.Python(Model(), "sampler.onnx");
        Assert.That(text, Does.Contain("feeds[\"noise\"] = random.standard_normal((4, 3, 8, 8), dtype=np.float32)\n")
            .And.Contain("feeds[\"class\"] = np.zeros(4, dtype=np.int64)\n").And.Contain("session.run([\"images\"], feeds)"));
    }

    private static OnnxModel Model()
    {
        using var backend = new ReferenceBackend(1);
        using var network = TinyNetwork.Create(backend, TinyNetwork.Config, 5);
        using var tracing = new TracingBackend(1);
        using var traced = TracedNetwork.Copy(tracing, network);
        var sampler = SamplerBuilder.Build(traced, new SamplerOptions { Solver = "euler", Steps = 2 });
        return SamplerModel.Of(traced, sampler.Sigma, (x, labels, fresh) => sampler.Run(x, labels, (step, noise) => fresh(step, noise)));
    }

    /// <summary>The lines of this file between the two marks, without their indentation.</summary>
    private static string Own([CallerFilePath] string path = "")
    {
        var lines = File.ReadLines(path).SkipWhile(line => line.Trim() != Begin).Skip(1).TakeWhile(line => line.Trim() != End);
        return string.Concat(lines.Select(line => line[8..] + "\n"));
    }
}
