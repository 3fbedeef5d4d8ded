using BDense.Kernels;
using BDense.Kernels.Devices;

namespace BDense.Model.Autodiff;

/// <summary>What can be done in one kernel, or as a composition of plain ones with the same result up to rounding.</summary>
[Flags]
public enum Fusion
{
    /// <summary>No fusion: compositions of plain operations everywhere.</summary>
    None = 0,

    /// <summary>SiLU in GroupNorm's last pass, forward and backward; else a launch of its own each way, and its input is kept.</summary>
    GroupNormSilu = 1,

    /// <summary>Scores that never reach memory (Dao et al. 2022); else q k^T, softmax and p v as three products' worth of memory.</summary>
    Attention = 2,

    /// <summary>q, k and v in one product of 3C columns; else in three, which are then packed.</summary>
    Qkv = 4,

    /// <summary>The mask is drawn again in the backward pass; else it is drawn once and kept.</summary>
    Dropout = 8,

    /// <summary>States, distance, weighted sums and gradient of the dense-trajectory loss in one pass; else as plain operations.</summary>
    TrajectoryLoss = 16,

    /// <summary>Preconditioning and solver step as one linear combination of x_0 and the raw heads; else D first, then the step.</summary>
    PreconditionStep = 32,

    /// <summary>Clipping, Adam and moving average of all parameters in one launch; else launches for each and for each parameter.</summary>
    Adam = 64,

    /// <summary>Sampling through one convolution that equals all K heads; else through the heads.</summary>
    FoldedHeads = 128,

    /// <summary>Embedding, residual and its scale in the convolution's registers; else a launch each. For a 1x1 convolution too.</summary>
    ConvEpilogue = 256,

    /// <summary>
    /// GroupNorm's scale, shift and SiLU while the convolution loads its input, forward and wgrad: the normalised activation is neither
    /// written nor kept; else it is both. Without <see cref="GroupNormSilu"/>, or with dropout in between, it is there anyway.
    /// </summary>
    ConvPrologue = 512,

    /// <summary>Resampling and convolution as one: means in the load, or 2x2 taps on the small image; else a launch of its own, each way.</summary>
    ResampleConv = 1024,
}

/// <summary>The set of fusions that a tape, a network or a training uses.</summary>
/// <param name="Set">Those that are on.</param>
public readonly record struct Fusions(Fusion Set)
{
    private static readonly (Fusion Fusion, string Name)[] Table =
    [
        (Fusion.GroupNormSilu, "groupnorm-silu"), (Fusion.Attention, "attention"), (Fusion.Qkv, "qkv"), (Fusion.Dropout, "dropout"),
        (Fusion.TrajectoryLoss, "trajectory-loss"), (Fusion.PreconditionStep, "precondition-step"), (Fusion.Adam, "adam"),
        (Fusion.FoldedHeads, "folded-heads"), (Fusion.ConvEpilogue, "conv-epilogue"), (Fusion.ConvPrologue, "conv-prologue"),
        (Fusion.ResampleConv, "resample-conv"),
    ];

    /// <summary>Every fusion there is.</summary>
    public static Fusions All { get; } = new(Table.Aggregate(Fusion.None, (set, row) => set | row.Fusion));

    /// <summary>What runs take unless told otherwise: all that is no slower anywhere. <see cref="Fusion.ConvPrologue"/> trades time for memory in training.</summary>
    public static Fusions Usual { get; } = All.Without(Fusion.ConvPrologue);

    /// <summary>Compositions everywhere.</summary>
    public static Fusions None { get; } = new(Fusion.None);

    /// <summary>As <c>--fuse</c> takes them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Table.Select(row => row.Name)];

    /// <summary>Whether a fusion is on.</summary>
    public bool Has(Fusion fusion) => (Set & fusion) == fusion;

    /// <summary>These and one more.</summary>
    public Fusions With(Fusion fusion) => new(Set | fusion);

    /// <summary>These but one.</summary>
    public Fusions Without(Fusion fusion) => new(Set & ~fusion);

    /// <summary>The fusion of a name.</summary>
    /// <exception cref="UsageException">There is none; the message lists those there are.</exception>
    public static Fusion Find(string name)
    {
        foreach (var row in Table)
        {
            if (row.Name == name)
                return row.Fusion;
        }
        throw new UsageException($"there is no fusion '{name}'; there are all, none, {string.Join(", ", Names)}");
    }

    /// <summary>As <c>--fuse</c> takes it.</summary>
    public static string NameOf(Fusion fusion) => Table.Single(row => row.Fusion == fusion).Name;

    /// <summary>
    /// <c>all</c>, <c>none</c>, <c>usual</c>, or names with commas between, each switched off by a minus before it, read from left to right:
    /// <c>a,b</c> is these two alone, <c>-c</c> or <c>all,-c</c> everything but c.
    /// </summary>
    /// <exception cref="UsageException">A name that there is not.</exception>
    public static Fusions Parse(string text)
    {
        string[] items = text.Split(',', StringSplitOptions.TrimEntries);
        // What is switched off must have been on.
        var fusions = items[0].StartsWith('-') ? All : None;
        foreach (string item in items)
        {
            fusions = item switch
            {
                "all" => All,
                "none" => None,
                "usual" => Usual,
                ['-', .. var name] => fusions.Without(Find(name)),
                _ => fusions.With(Find(item)),
            };
        }
        return fusions;
    }

    /// <summary><c>all</c>, <c>usual</c>, <c>none</c> or the names that are on.</summary>
    public override string ToString()
    {
        if (this == All)
            return "all";
        if (this == Usual)
            return "usual";
        var fusions = this;
        return this == None ? "none" : string.Join(',', Table.Where(row => fusions.Has(row.Fusion)).Select(row => row.Name));
    }
}

/// <summary>How passes of a network run: what they compute is the same up to rounding.</summary>
/// <param name="Fusions">Fused kernels, or compositions.</param>
/// <param name="Recompute">Keep each block's input alone, and run the block again in the backward pass: less memory, the same bits.</param>
/// <param name="Graph">Capture training updates and passes once and replay them (<see cref="StepGraph"/>): less host time, the same bits.</param>
public sealed record Execution(Fusions Fusions, bool Recompute = false, bool Graph = false)
{
    /// <summary>The usual fusions; blocks are kept, and nothing is captured.</summary>
    public static Execution Default { get; } = new(Fusions.Usual);
}
