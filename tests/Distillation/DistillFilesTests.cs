using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.BranchDistillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Distillation;

/// <summary>
/// Options in configuration files: those of runs before methods were objects, whose one record had every method's fields.
/// </summary>
public sealed class DistillFilesTests
{
    // As commit 0dc6bc1 wrote them: sfd-v and its second stage, pd in two rounds, the authors' variant.
    private const string SecondStage = """
        {"method":"sfd", "branches":1, "jump":3, "layout":"chained", "weights":"quadrature", "projection":0, "nfe":1,
        "nfeChoices":null, "stepCondition":true, "firstStage":{"method":"sfd", "branches":1, "jump":4, "layout":"chained",
        "weights":"quadrature", "projection":0, "nfe":5, "nfeChoices":"1,5", "stepCondition":true, "firstStage":null, "rounds":1,
        "solver":"dpmpp3m", "teacherThreshold":null, "updates":4, "flip":false, "sumElements":false, "batch":2, "learningRate":0.0003,
        "decay":"half", "warmup":0, "weightDecay":0, "clipNorm":0, "ema":0, "seed":1, "cacheTrajectories":0, "schedule":"polynomial",
        "sigmaMin":0.006, "sigmaMax":80, "rho":7, "perceptual":null, "toZero":false, "analyticalFirstStep":true, "distance":"l1",
        "delta":0.03, "weighting":"snrTruncated", "dropout":true}, "rounds":1, "solver":"dpmpp3m", "teacherThreshold":null, "updates":4,
        "flip":false, "sumElements":false, "batch":2, "learningRate":0.0003, "decay":"half", "warmup":0, "weightDecay":0, "clipNorm":0,
        "ema":0, "seed":1, "cacheTrajectories":0, "schedule":"polynomial", "sigmaMin":0.006, "sigmaMax":80, "rho":7, "perceptual":null,
        "toZero":false, "analyticalFirstStep":true, "distance":"l1", "delta":0.03, "weighting":"snrTruncated", "dropout":true}
        """;

    private const string InRounds = """
        {"method":"pd", "branches":1, "jump":2, "layout":"parallel", "weights":"exponential", "projection":0, "nfe":2,
        "nfeChoices":null, "stepCondition":false, "firstStage":null, "rounds":2, "solver":"dpmpp3m", "teacherThreshold":null,
        "updates":4, "flip":true, "sumElements":false, "batch":2, "learningRate":0.0003, "decay":"linear", "warmup":0, "weightDecay":0,
        "clipNorm":1, "ema":0.9, "seed":1, "cacheTrajectories":0, "schedule":"polynomial", "sigmaMin":0.006, "sigmaMax":80, "rho":7,
        "perceptual":null, "toZero":false, "analyticalFirstStep":false, "distance":"l2", "delta":0.03, "weighting":"snrTruncated",
        "dropout":false}
        """;

    private static readonly string Variant = InRounds.Replace("\"pd\"", "\"branchDistillation\"", StringComparison.Ordinal)
        .Replace("exponential", "uniform", StringComparison.Ordinal).Replace("\"linear\"", "\"constant\"", StringComparison.Ordinal)
        .Replace("\"clipNorm\":1", "\"clipNorm\":0", StringComparison.Ordinal)
        .Replace("\"dropout\":false", "\"dropout\":true", StringComparison.Ordinal);

    private static readonly TestCaseData[] Old =
    [
        new TestCaseData(SecondStage, typeof(SfdOptions)).SetArgDisplayNames("SFD, second stage"),
        new TestCaseData(InRounds, typeof(PdOptions)).SetArgDisplayNames("PD in two rounds"),
        new TestCaseData(Variant, typeof(BranchDistillationOptions)).SetArgDisplayNames("PD, authors' variant"),
    ];

    [TestCaseSource(nameof(Old))]
    public void Old_files_are_read_and_written_again_to_the_byte(string text, Type kind)
    {
        var node = JsonNode.Parse(text)!;
        var options = Distill.FromFile(node, "config.json").Resolve();
        Assert.That(options, Is.TypeOf(kind));
        Assert.That(RunJson.ToText(RunJson.ToNode(options)), Is.EqualTo(RunJson.ToText(node)));
        Assert.That(RunJson.ToText(RunJson.ToNode<Distill>(options)), Is.EqualTo(RunJson.ToText(node)));
        // Within another record, as a study's cells have them.
        Assert.That(RunJson.FromNode<Wrapped>(RunJson.ToNode(new Wrapped(options)), "cell.json").Options, Is.EqualTo(options));
    }

    [Test]
    public void Fields_that_another_method_had_do_not_matter()
    {
        var node = JsonNode.Parse(InRounds)!;
        node["solver"] = "heun";
        node["cacheTrajectories"] = 3;
        Assert.That(Distill.FromFile(node, "config.json"), Is.EqualTo(Distill.FromFile(JsonNode.Parse(InRounds)!, "config.json")));
    }

    [TestCase("method", "\"dmd\"", "field 'distill.method': there is no 'dmd'; there are sfd, pd, branchDistillation")]
    [TestCase("method", "3", "field 'distill.method': not the name of a method")]
    [TestCase("jump", "\"two\"", "field 'distill.jump': expected a whole number")]
    [TestCase("toZero", "1", "field 'distill.toZero': expected true or false")]
    [TestCase("intervals", "3", "field 'distill.intervals': there is no such field")]
    public void What_cannot_be_is_named(string field, string value, string message)
    {
        var node = JsonNode.Parse(InRounds)!;
        node[field] = JsonNode.Parse(value);
        var refused = Assert.Throws<BDenseException>(() => Distill.FromFile(node, "config.json"))!;
        Assert.That(refused.Message, Does.StartWith("config.json: " + message));
    }

    private sealed record Wrapped(Distill Options);
}
