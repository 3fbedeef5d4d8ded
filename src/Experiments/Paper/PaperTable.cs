using BDense.Kernels;
using BDense.Training.Distillation;

namespace BDense.Experiments.Paper;

/// <summary>A column of a paper's table.</summary>
/// <param name="Setting">The paper's NFE or number of steps.</param>
/// <param name="Plain">FID without branches.</param>
/// <param name="Dense">FID with B-DENSE.</param>
public sealed record PaperColumn(int Setting, double Plain, double Dense);

/// <summary>
/// A table of the B-DENSE paper (arXiv 2602.15971): FID of the plain method and of the same with dense branches.
/// </summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="Title">For people.</param>
/// <param name="Method">Its name among <see cref="BDense.Training.Distillation.DistillationMethods.All"/>.</param>
/// <param name="Branches">K of the dense rows.</param>
/// <param name="SettingName">What the settings count.</param>
/// <param name="Columns">By setting.</param>
/// <param name="Network">The paper's network, by its name in the catalogue.</param>
/// <param name="Weights">The authors' branch weights.</param>
public sealed record PaperTable(string Name, string Title, string Method, int Branches, string SettingName,
    IReadOnlyList<PaperColumn> Columns, string Network, string Weights)
{
    public static IReadOnlyList<PaperTable> All { get; } =
    [
        new("table1", "Table 1: progressive distillation on CIFAR-10", "pd", 2, "steps",
            [new(512, 11.96, 8.92), new(256, 21.52, 12.04), new(128, 39.66, 20.81)], "ddpm-cifar10", "uniform"),
        // The weights are the authors' best of an automatic search on this very figure.
        new("table2-cifar10", "Table 2: simple and fast distillation on CIFAR-10", "sfd", 4, "NFE",
            [new(2, 4.53, 4.40), new(3, 3.58, 3.52), new(4, 3.24, 3.21), new(5, 3.06, 3.01)], "edm-cifar10",
            "exponential:1.23014,-4.08537"),
        new("table2-imagenet64", "Table 2: simple and fast distillation on ImageNet 64 x 64", "sfd", 4, "NFE",
            [new(2, 10.25, 9.57), new(3, 6.35, 6.54), new(4, 4.99, 5.97), new(5, 4.33, 5.91)], "edm-imagenet64",
            "fixed:0.013921,0.055710,0.222939,0.892163"),
    ];

    /// <exception cref="UsageException">There is no such table; the message lists those there are.</exception>
    public static PaperTable Find(string name) => All.FirstOrDefault(t => t.Name == name)
        ?? throw new UsageException($"there is no table '{name}'{Suggestion.OrAll(name, All.Select(t => t.Name))}");

    /// <summary>Whether it is of progressive distillation, which goes in rounds over data.</summary>
    public bool IsPd => Method == "pd";

    /// <summary>PD or SFD.</summary>
    public string PlainTitle => DistillationMethods.Find(Method).Defaults.Title;

    public string DenseTitle => PlainTitle + " + B-DENSE";
}
