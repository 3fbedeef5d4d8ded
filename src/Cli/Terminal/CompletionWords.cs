using System.CommandLine;
using System.CommandLine.Completions;
using BDense.Cli.Verbs.Datasets;
using BDense.Experiments;
using BDense.Experiments.Paper;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;
using BDense.Model.Autodiff;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Logging;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Cli.Terminal;

/// <summary>The names that may stand after an option or in an argument's place: what a shell offers when Tab is pressed.</summary>
internal static class CompletionWords
{
    private static readonly string[] s_devices = ["auto", "cpu", "cuda", "cuda:0", "virtual", "virtual:a100", "opencl", "ilgpu-cpu"];

    /// <summary>By option or argument; where one name means different things, with the verb before it.</summary>
    private static readonly Dictionary<string, Func<IEnumerable<string>>> s_words = new()
    {
        ["--network"] = () => NetworkCatalog.Names,
        ["--solver"] = Solvers,
        ["--sampler"] = Solvers,
        ["--teacher-solver"] = Solvers,
        ["--schedule"] = () => ScheduleCatalog.Names,
        ["--preset"] = () => SamplerPresets.All.Select(p => p.Name),
        ["distill --preset"] = () => DistillPresets.All.Select(p => p.Name),
        ["--compat"] = () => [DistillPresets.BranchDistillation],
        ["--method"] = () => DistillationMethods.All.SelectMany(m => m.Names),
        ["--weights"] = () => BranchWeights.Kinds,
        ["--layout"] = () => ["chained", "parallel"],
        ["--device"] = () => s_devices,
        ["kernels --device"] = VirtualDevices,
        ["profile --device"] = VirtualDevices,
        ["--format"] = () => ["diffusers", "edm", "onnx"],
        ["--fuse"] = () => ["usual", "all", "none", .. Fusions.Names],
        ["--log"] = () => LogFormats.Names,
        ["--scale"] = () => ReproductionPlan.Scales,
        ["--kind"] = () => [ScheduleFile.Gits, ScheduleFile.AmedFixed],
        ["--variants"] = () => ["all", "sfd", "pd", .. StudyVariant.All.Select(v => v.Name)],
        ["--arch"] = () => GpuArchitecture.All.Select(a => a.Name),
        ["--op"] = Operations,
        ["--kernel"] = Kernels,
        ["kernels NAME"] = Kernels,
        ["profile NAME"] = () => Operations().Concat(Kernels()),
        ["TABLE"] = () => PaperTable.All.Select(t => t.Name),
        ["sources NAME"] = () => PublishedDataset.All.Select(d => d.Name),
        ["--config"] = () => NetworkCatalog.Names,
        ["SHELL"] = () => CompletionScript.Shells,
    };

    /// <summary>Gives each option and argument of a verb its words, and each argument the one word by which help calls it.</summary>
    public static void Attach(Command verb)
    {
        foreach (var option in verb.Options)
        {
            if (Find(verb, option.Name) is { } words)
                option.CompletionSources.Add(_ => words().Select(word => new CompletionItem(word)));
        }
        foreach (var argument in verb.Arguments)
        {
            // Without it the library's help lists all words in the argument's place.
            argument.HelpName ??= argument.Name;
            if (Find(verb, argument.Name) is { } words)
                argument.CompletionSources.Add(_ => words().Select(word => new CompletionItem(word)));
        }
    }

    private static Func<IEnumerable<string>>? Find(Command verb, string name) =>
        s_words.GetValueOrDefault($"{verb.Name} {name}") ?? s_words.GetValueOrDefault(name);

    private static IEnumerable<string> Solvers() => SolverCatalog.All.Select(s => s.Name);

    private static IEnumerable<string> VirtualDevices() => s_devices.Where(d => d.StartsWith("virtual", StringComparison.Ordinal));

    private static IEnumerable<string> Operations() => OperationCatalog.All.Select(o => o.Name);

    private static IEnumerable<string> Kernels() => KernelCatalog.Names.Select(n => n[..^"Kernel".Length]);
}
