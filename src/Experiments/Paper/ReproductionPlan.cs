using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Pd;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;

namespace BDense.Experiments.Paper;

/// <summary>One student to train: a setting of the table, with or without branches, one seed.</summary>
/// <param name="Setting">The paper's NFE or number of steps.</param>
/// <param name="Options">Resolved.</param>
public sealed record ReproductionCell(int Setting, Distill Options)
{
    public bool IsDense => Options.Branches > 1;

    /// <summary>Of its folder and files.</summary>
    public string Name =>
        FormattableString.Invariant($"{(Options is RoundsDistill ? "pd" : "sfd")}-k{Options.Branches}-{Setting}-seed{Options.Seed}");
}

/// <summary>What it takes to run a table at one of three scales.</summary>
public sealed record ReproductionPlan
{
    public static IReadOnlyList<string> Scales { get; } = ["tiny", "small", "full"];

    public required PaperTable Table { get; init; }

    public required string Scale { get; init; }

    /// <summary>The network to train as the teacher; none where the user must bring a teacher.</summary>
    public NetworkConfig? Network { get; init; }

    public TeacherOptions? Teacher { get; init; }

    public required IReadOnlyList<ReproductionCell> Cells { get; init; }

    /// <summary>Noises of the endpoint errors.</summary>
    public required int Noises { get; init; }

    public int FineSteps { get; init; } = 40;

    /// <summary>Images of FID, where an Inception network is given.</summary>
    public required int FidImages { get; init; }

    /// <summary>Images at once in sampling.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>How this differs from the paper, a sentence each.</summary>
    public required IReadOnlyList<string> Differences { get; init; }

    /// <summary>Whether a dataset is needed: to train a teacher, and to noise in PD.</summary>
    public bool NeedsData => Network is not null || Table.IsPd;

    /// <summary>The plan of a table at a scale.</summary>
    /// <param name="table">Which.</param>
    /// <param name="scale">One of <see cref="Scales"/>.</param>
    /// <param name="settings">The paper's settings to run; none for the scale's own.</param>
    /// <param name="seeds">Training runs of each student; 0 for the scale's own.</param>
    /// <param name="seed">The first of them.</param>
    /// <exception cref="UsageException">No such scale or setting.</exception>
    public static ReproductionPlan Of(PaperTable table, string scale, IReadOnlyList<int>? settings, int seeds, ulong seed)
    {
        int[] all = [.. table.Columns.Select(c => c.Setting)];
        foreach (int setting in settings ?? [])
        {
            if (!all.Contains(setting))
                throw new UsageException($"{table.Name} has no {table.SettingName} {setting}; it has {string.Join(", ", all)}");
        }
        var size = scale switch
        {
            "tiny" => Tiny(table),
            "small" => Small(table),
            "full" => Full(table),
            _ => throw new UsageException($"there is no scale '{scale}'{Suggestion.OrAll(scale, Scales)}"),
        };
        int runs = seeds > 0 ? seeds : size.Seeds;
        IEnumerable<ReproductionCell> cells =
            from run in Enumerable.Range(0, runs)
            from setting in settings ?? size.Settings ?? all
            from branches in new[] { 1, table.Branches }
            select new ReproductionCell(setting, size.Student(setting, branches) with { Seed = seed + (ulong)run });
        return size.Plan with
        {
            Teacher = size.Plan.Teacher is null ? null : size.Plan.Teacher with { Seed = seed },
            Cells = [.. cells.Select(c => c with { Options = c.Options.Resolve() })],
        };
    }

    private sealed record Size(ReproductionPlan Plan, int Seeds, IReadOnlyList<int>? Settings, Func<int, int, Distill> Student);

    // Two CPU cores, some twenty minutes.
    private static Size Tiny(PaperTable table)
    {
        var plan = new ReproductionPlan
        {
            Table = table,
            Scale = "tiny",
            Network = NetworkCatalog.FindUNet("demo") with { ModelChannels = 16 },
            Teacher = new TeacherOptions
            {
                Steps = 1600,
                Batch = 64,
                LearningRate = 2e-3,
                EmaDecay = 0.995,
                Decay = Decay.Cosine,
                Flip = true,
            },
            Cells = [],
            Noises = 512,
            FidImages = 2560,
            Differences =
            [
                "Images are averaged down to 16 x 16; the teacher is a network of 0.2 million parameters trained for 1600 updates "
                + "of 64 images.",
                table.IsPd
                    ? "A teacher of 16 DDIM steps is halved to 8, 4 and 2 steps in rounds of 250 updates of 32 images, which stand for "
                        + "the paper's 512, 256 and 128; polynomial schedule from sigma 80 to 0.006; branch weights favour the endpoint, "
                        + "since equal ones (the authors') are known to harm here."
                    : "Students make 400 updates of 32 images (the authors: 1563 iterations of 128), along 16 batches of trajectories "
                        + "that are used again; learning rate 3e-4.",
                "The Fréchet distance is over random features of 512 samples; it is not FID.",
            ],
        };
        return new Size(plan, Seeds: 3, Settings: null, (setting, branches) => table.IsPd
            ? Halved(table, setting, branches, teacherSteps: 16, updatesARound: 250) with { Batch = 32 }
            : new SfdOptions
            {
                Branches = branches,
                Nfe = setting,
                Jump = 4,
                Weights = branches > 1 ? table.Weights : null,
                Updates = 400,
                Batch = 32,
                CacheTrajectories = 16,
            });
    }

    // A GPU, some two hours, most of them the teacher and FID.
    private static Size Small(PaperTable table)
    {
        int side = table.Network == "edm-imagenet64" ? 64 : 32;
        var plan = new ReproductionPlan
        {
            Table = table,
            Scale = "small",
            Network = NetworkCatalog.FindUNet("small-32") with
            {
                Resolution = side,
                ModelChannels = 64,
                BlocksPerLevel = 2,
                AttentionResolutions = [side / 4],
                Dropout = 0.1f,
            },
            Teacher = new TeacherOptions
            {
                Steps = 40_000,
                Batch = 128,
                LearningRate = 1e-3,
                EmaDecay = 0.9995,
                Decay = Decay.Cosine,
                Flip = true,
            },
            Cells = [],
            Noises = 2048,
            FidImages = 10_000,
            Batch = 256,
            Differences =
            [
                "The teacher is a network of some ten million parameters trained for 40,000 updates of 128 images, without classes.",
                table.IsPd
                    ? "A teacher of 64 DDIM steps is halved to 32, 16 and 8 steps, which stand for the paper's 512, 256 and 128; 5,000 "
                        + "updates a round; polynomial schedule from sigma 80 to 0.006; branch weights favour the endpoint."
                    : "Students make 800 iterations of 64 images; learning rate 1e-4.",
                "FID, where an Inception network is given, is over 10,000 samples.",
            ],
        };
        return new Size(plan, Seeds: 3, Settings: table.IsPd ? null : [2, 3], (setting, branches) => table.IsPd
            ? Halved(table, setting, branches, teacherSteps: 64, updatesARound: 5000) with { Batch = 128, LearningRate = 1e-4 }
            : new SfdOptions
            {
                Branches = branches,
                Nfe = setting,
                Jump = 4,
                Weights = branches > 1 ? table.Weights : null,
                Updates = 800L * setting,
                Batch = 64,
                LearningRate = 1e-4,
            });
    }

    // The paper's settings; the teacher is the user's.
    private static Size Full(PaperTable table)
    {
        bool isPd = table.IsPd;
        var preset = DistillPresets.Find(isPd ? DistillPresets.BranchDistillation : "sfd");
        var plan = new ReproductionPlan
        {
            Table = table,
            Scale = "full",
            Cells = [],
            Noises = 2048,
            FidImages = 50_000,
            Batch = 256,
            Differences = isPd
                ? ["The authors' own variant of progressive distillation (1000 steps of google/ddpm-cifar10-32 to 500, 250 and 125, "
                    + "which the paper calls 512, 256 and 128; linear schedules rebuilt in every round; 50,000 updates of 128 images a "
                    + "round; equal branch weights; 100 DDIM steps at sampling)."]
                : ["EDM's network in float32, where the authors train in float16; otherwise their settings: 1563 iterations of 128 "
                    + "images, Adam at 5e-5 and a tenth of it in the second half, L1, analytical first step, DPM-Solver++(3M) with three "
                    + "nodes inserted, their searched branch weights."],
        };
        return new Size(plan, Seeds: 1, Settings: null, (setting, branches) =>
        {
            int rounds = RoundsTo(table, setting);
            var options = preset.Options is RoundsDistill inRounds ? inRounds with { Rounds = rounds, Nfe = 1000 >> rounds }
                : preset.Options with { Nfe = setting };
            options = options with { Branches = branches, Weights = branches > 1 ? table.Weights : null };
            return options with { Updates = preset.UpdatesOf(options) };
        });
    }

    /// <summary>Round by round half the steps: the table's first setting after one round, its second after two.</summary>
    private static Distill Halved(PaperTable table, int setting, int branches, int teacherSteps, long updatesARound)
    {
        int rounds = RoundsTo(table, setting);
        return new PdOptions
        {
            Branches = branches,
            Jump = 2,
            Rounds = rounds,
            Nfe = teacherSteps >> rounds,
            Updates = updatesARound * rounds,
        };
    }

    private static int RoundsTo(PaperTable table, int setting) => table.Columns.Select(c => c.Setting).ToList().IndexOf(setting) + 1;
}
