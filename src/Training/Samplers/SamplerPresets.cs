using BDense.Kernels;
using BDense.Training.Solvers;

namespace BDense.Training.Samplers;

/// <summary>A published sampler under a name; what is asked for besides goes before it.</summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="What">Whose.</param>
/// <param name="Options">The settings.</param>
public sealed record SamplerPreset(string Name, string What, SamplerOptions Options);

/// <summary>The presets of samplers, for teachers.</summary>
public static class SamplerPresets
{
    private static readonly SamplerOptions Edm = new()
    {
        Solver = "heun",
        Steps = 18,
        Schedule = "polynomial",
        Rho = 7,
        SigmaMin = 0.002,
        SigmaMax = 80,
        ToZero = true,
        Churn = 0,
    };

    /// <summary>All of them, in the order of the help.</summary>
    public static IReadOnlyList<SamplerPreset> All { get; } =
    [
        new("edm", "EDM's on CIFAR-10, NFE 35 (Karras et al. 2022, algorithm 1)", Edm),
        // The authors' generate.py, as its README has it.
        new("edm-ffhq64", "EDM's on FFHQ and AFHQv2 64 x 64, NFE 79", Edm with { Steps = 40 }),
        // Table 5 of the paper.
        new("edm-imagenet64", "EDM's on ImageNet 64 x 64, stochastic, NFE 511 (algorithm 2)",
            Edm with { Steps = 256, Churn = 40, ChurnMin = 0.05, ChurnMax = 50, ChurnNoise = 1.003 }),
        new("sfd-teacher",
            "SFD's teacher for a student of NFE 2: DPM-Solver++(3M) with thresholding, NFE 12 (Zhou et al. 2024, the authors' code)",
            new SamplerOptions
        {
            Solver = "dpmpp3m",
            Steps = 12,
            Order = 3,
            Schedule = "polynomial",
            Rho = 7,
            SigmaMin = 0.006,
            SigmaMax = 80,
            ToZero = false,
            AnalyticalFirstStep = false,
            LowerOrderFinal = true,
            Threshold = Thresholding.PublishedQuantile,
            ThresholdFloor = Thresholding.PublishedFloor,
        }),
    ];

    /// <exception cref="UsageException">There is none of that name; the message lists those there are.</exception>
    public static SamplerPreset Find(string name) => All.FirstOrDefault(p => p.Name == name)
        ?? throw new UsageException($"there is no preset '{name}'{Suggestion.OrAll(name, All.Select(p => p.Name))}");
}
