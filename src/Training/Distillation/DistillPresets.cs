using BDense.Kernels;

namespace BDense.Training.Distillation;

/// <summary>Published settings under a name; what is asked for besides goes before them.</summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="What">Which system, and where it was read.</param>
/// <param name="Options">The settings; Updates is found by <see cref="UpdatesOf"/>.</param>
/// <param name="Iterations">Iterations, of a method in rounds of one round.</param>
public sealed record DistillPreset(string Name, string What, Distill Options, long Iterations)
{
    /// <summary>Optimizer updates for the published number of iterations or rounds, at the options' NFE.</summary>
    public long UpdatesOf(Distill o) => o.UpdatesOf(Iterations);
}

/// <summary>The presets of all methods.</summary>
public static class DistillPresets
{
    /// <summary>The preset of the authors' own progressive distillation.</summary>
    public const string BranchDistillation = "branch-distillation";

    /// <summary>Method by method.</summary>
    public static IReadOnlyList<DistillPreset> All { get; } = [.. DistillationMethods.All.SelectMany(m => m.Presets)];

    /// <summary>The preset of a name.</summary>
    /// <exception cref="UsageException">There is none of that name; the message lists those there are.</exception>
    public static DistillPreset Find(string name) => All.FirstOrDefault(p => p.Name == name)
        ?? throw new UsageException($"there is no preset '{name}'{Suggestion.OrAll(name, All.Select(p => p.Name))}");
}
