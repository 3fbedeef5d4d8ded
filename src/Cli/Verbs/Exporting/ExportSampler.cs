using System.CommandLine;
using System.Globalization;
using BDense.Cli.Reports;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Kernels.Tracing;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Onnx;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Cli.Verbs.Exporting;

/// <summary>The ONNX side of <c>bdense export</c>: a network, or with <c>--sampler</c> all from noise to images.</summary>
internal sealed class ExportSampler
{
    /// <summary>Files of an export.</summary>
    public const string NetworkFile = "network.onnx", SamplerFile = "sampler.onnx";

    private readonly SamplerGroup _group = new();

    private readonly Option<string?> _sampler = new("--sampler")
    {
        Description = "With --format onnx: the whole sampler as one graph, from noise to images; a student as it was distilled, a teacher "
            + "with the options below. NAME: a teacher's solver, short for --solver NAME.",
        HelpName = "NAME",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<int?> _class = Numbers.OptionalInt("--class",
        "With --sampler: the class of every image, from 0. Default: the class is an input of the graph.", min: 0, max: Most.Classes);

    /// <summary>Also of a network alone.</summary>
    public Option<int?> Nfe => _group.Nfe;

    public void AddTo(Command command)
    {
        command.Options.Add(_sampler);
        command.Options.Add(_class);
        _group.AddTo(command);
    }

    /// <summary>Whether a whole sampler is asked for.</summary>
    /// <exception cref="UsageException">In another format; or its options without it.</exception>
    public bool IsAsked(ParseResult parse, bool isOnnx)
    {
        bool asked = Given(_sampler);
        if (asked && !isOnnx)
            throw new UsageException("--sampler is a graph, which is written with --format onnx; other formats hold weights alone");
        foreach (var option in _group.Others.Concat([_group.Fitted, _class]))
        {
            if (!asked && Given(option))
                throw new UsageException($"{option.Name} goes with --format onnx --sampler");
        }
        return asked;

        bool Given(Option option) => parse.GetResult(option) is { Implicit: false };
    }

    /// <summary>Writes the sampler of a path.</summary>
    /// <param name="parse">The call.</param>
    /// <param name="path">The model.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="threads">That load it.</param>
    /// <param name="begin">Completes a card and checks it, before anything is written.</param>
    /// <exception cref="UsageException">The options do not fit the path or each other, or no graph does what they ask for.</exception>
    /// <exception cref="BDenseException">The graph cannot hold the network, or the place cannot be written.</exception>
    public Exported Write(ParseResult parse, string path, string folder, int threads, Func<ModelCard, ModelCard> begin)
    {
        var options = _group.Read(parse, [path]);
        if (parse.GetValue(_sampler) is { } name)
        {
            options = options.Solver is null || options.Solver == name ? options with { Solver = name }
                : throw new UsageException($"--sampler {name} and --solver {options.Solver} are one thing; give one");
        }
        if (options.Threshold > 0)
            throw new UsageException("--threshold is found on the host, sample by sample, and no graph does that; --clip is possible");
        using var backend = new TracingBackend(threads);
        using var saved = SavedSampler.Load(backend, path, options);
        var draws = new ImageDraws { Class = parse.GetValue(_class) };
        draws.RequireClasses(saved.Network, path);
        string arguments = _group.Arguments(saved.Options);
        var model = SamplerModel.Of(saved.Network, saved.Sigma,
            (x, labels, fresh) => saved.Sampler(x, labels, (step, noise) => fresh(step, noise)), draws.Class,
            [("sampler", arguments), ("nfe", saved.Evaluations.ToString(CultureInfo.InvariantCulture)),
                ("sigmas", string.Join(' ', saved.Grid.Select(s => s.ToString(CultureInfo.InvariantCulture))))]);
        var c = saved.Network.Config;
        var card = begin(new ModelCard(path, c, saved.Network.Parameters.Count)
        {
            Fingerprint = TrainedNetwork.Fingerprint(path, c),
            Command = "",
            Files = [],
            Nfe = saved.Evaluations,
            Levels = saved.Grid,
            Sampler = arguments,
        });
        string what = $"from `{string.Join("`, `", model.Inputs)}` to `{model.Output}`, opset {OnnxModel.Opset}: the noise levels and "
            + $"coefficients are inside{(c.Branches > 1 && saved.Options is { Fitted: false, Clip: false } ? ", the heads folded" : "")}";
        return new Exported("onnx", c.Branches, Save(model, folder, SamplerFile, what, card));
    }

    /// <summary>Writes a network alone.</summary>
    /// <returns>The card with the files in it.</returns>
    public static ModelCard WriteNetwork(string folder, INetwork network, ModelCard card)
    {
        var model = NetworkModel.Of(network);
        string what = $"from `{string.Join("`, `", model.Inputs)}` to `{model.Output}`, opset {OnnxModel.Opset}: D(x; sigma)"
            + (network.Config.Branches > 1 ? ", one image of each head, side by side in the channels" : "");
        return Save(model, folder, NetworkFile, what, card);
    }

    private static ModelCard Save(OnnxModel model, string folder, string file, string what, ModelCard card)
    {
        string python = OnnxExample.Python(model, file), csharp = OnnxExample.CSharp(model, file);
        model.Save(Path.Combine(folder, file));
        AtomicFile.WriteText(Path.Combine(folder, OnnxExample.PythonFile), python);
        AtomicFile.WriteText(Path.Combine(folder, OnnxExample.CSharpFile), csharp);
        return card with
        {
            Files = [(file, what), (OnnxExample.PythonFile, "ten lines that run it"), (OnnxExample.CSharpFile, "the same in C#")],
            Examples = [("python", OnnxExample.PythonFile, python), ("csharp", OnnxExample.CSharpFile, csharp)],
        };
    }
}
