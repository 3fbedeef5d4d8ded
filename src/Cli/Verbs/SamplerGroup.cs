using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Training.Distillation;
using BDense.Training.Samplers;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Cli.Verbs;

/// <summary>
/// The options of a sampler, one group for every verb that samples what a person names: where they are defined, read into
/// <see cref="SamplerOptions"/>, and written again as a command line has them.
/// </summary>
internal sealed class SamplerGroup
{
    private readonly Option<string?> _preset = new("--preset")
    {
        Description = $"For a teacher: a published sampler; other options go before it. "
            + $"{string.Join("; ", SamplerPresets.All.Select(p => $"{p.Name}: {p.What}"))}.",
        HelpName = "NAME",
    };

    private readonly Option<string?> _solver = new("--solver")
    {
        Description = $"For a teacher: {string.Join(", ", SolverCatalog.All.Select(s => s.Name))}. Default: heun, which samples as EDM "
            + "does, down to 0; every other ends at sigma 0.006, as SFD's teacher, where nothing else is asked for.",
        HelpName = "NAME",
    };

    private readonly Option<int?> _steps = Numbers.OptionalInt("--steps",
        "For a teacher: solver steps, a last one to 0 among them; default 18. A student takes as many as it was distilled for.", min: 1,
        max: Most.SolverSteps);
    private readonly Option<int?> _order = Numbers.OptionalInt("--order", "For a multistep solver: its largest order; default its own.",
        min: 1, max: 4);

    private readonly Option<string?> _schedule = new("--schedule")
    {
        Description = $"For a teacher: {string.Join(", ", ScheduleCatalog.Names)}, or a file of 'bdense fit', which brings its steps and "
            + "its solver. Default: polynomial.",
        HelpName = "NAME",
    };

    private readonly Option<double?> _rho = Numbers.OptionalReal("--rho", "Of the polynomial schedule; default 7.", min: 0, max: 1000,
        above: true);
    private readonly Option<double?> _sigmaMin = Numbers.OptionalReal("--sigma-min",
        "For a teacher: the last noise level above 0; default 0.002 before a step to 0, else 0.006. 0 is short for --to-zero after "
        + "0.002, as EDM samples.", min: 0, max: Most.Sigma);
    private readonly Option<double?> _sigmaMax = Numbers.OptionalReal("--sigma-max", "For a teacher: the first noise level; default 80.",
        min: 0, max: Most.Sigma, above: true);
    private readonly Option<bool> _toZero = new("--to-zero")
    {
        Description = "For a teacher: the last of the steps goes from --sigma-min to 0, as EDM and k-diffusion sample. Default: with "
            + "heun, where no --sigma-min is given. --to-zero false: it does not.",
    };
    private readonly Option<bool> _analytical = new("--analytical-first-step")
    {
        Description = "For a teacher: the first evaluation is that of unit-variance data, and costs none.",
    };
    private readonly Option<bool> _lowerOrder = new("--lower-order-final")
    {
        Description = "For a teacher with dpmpp*, dpm*-eps or unipc-*: end at orders 2 and 1. Default: true; --lower-order-final "
            + "false does not.",
    };
    private readonly Option<double?> _churn = Numbers.OptionalReal("--churn",
        "For heun: S_churn, fresh noise between steps; 0, as by default, for none.", min: 0, max: Most.Sigma);
    private readonly Option<double?> _churnMin = Numbers.OptionalReal("--churn-min",
        "With --churn: S_min, the least noise level that is churned; default 0.", min: 0, max: Most.Sigma);
    private readonly Option<double?> _churnMax = Numbers.OptionalReal("--churn-max",
        "With --churn: S_max, the greatest one; default: no limit.", min: 0, max: Most.Sigma);
    private readonly Option<double?> _churnNoise = Numbers.OptionalReal("--churn-noise",
        "With --churn: S_noise, the fresh noise's deviation; default 1.", min: 0, max: 1000);
    private readonly Option<double?> _threshold = Numbers.OptionalReal("--threshold",
        "Dynamic thresholding of the denoised image: the quantile, usually 0.995; 0, as by default, for none.", min: 0, max: 1);
    private readonly Option<double?> _floor = Numbers.OptionalReal("--threshold-floor",
        "With --threshold: the least that the quantile counts for; default 1, as published.", min: 0, max: Most.Sigma, above: true);
    private readonly Option<bool> _clip = new("--clip")
    {
        Description = "Clip the denoised image to [-1, 1] in every step, as progressive distillation samples.",
    };
    private readonly Option<bool> _folded = new("--folded")
    {
        Description = "For a student: sample through its folded heads, whatever --fuse says of folded-heads.",
    };
    private readonly Option<string?> _layout = new("--layout")
    {
        Description = "For a network of several heads from a file that does not say it: chained (default, SFD's) or parallel (PD's).",
        HelpName = "NAME",
    };

    /// <summary>Also where students are compared without any other option of the group.</summary>
    public Option<int?> Nfe { get; } = Numbers.OptionalInt("--nfe",
        "For a student of sfd-v: network evaluations, one of those it was distilled for. For a file of several heads alone: those of "
        + "SFD's levels.", min: 1, max: Most.Nfe);

    /// <summary>As <see cref="Nfe"/>.</summary>
    public Option<bool> Fitted { get; } = new("--fitted")
    {
        Description = "For a student: with the steps that 'bdense fit' has fitted to its checkpoint.",
    };

    /// <summary>All but <see cref="Nfe"/> and <see cref="Fitted"/>.</summary>
    public IReadOnlyList<Option> Others =>
        [_preset, _solver, _steps, _order, _schedule, _rho, _sigmaMin, _sigmaMax, _toZero, _analytical, _lowerOrder,
        _churn, _churnMin, _churnMax, _churnNoise, _threshold, _floor, _clip, _folded, _layout];

    public void AddTo(Command command)
    {
        foreach (var option in Others.Concat([Nfe, Fitted]))
            command.Options.Add(option);
    }

    /// <summary>What is asked for, over what the preset says.</summary>
    /// <param name="parse">The call.</param>
    /// <param name="paths">What is to be sampled.</param>
    /// <exception cref="UsageException">No such preset or layout; or options that no path is for.</exception>
    public SamplerOptions Read(ParseResult parse, IReadOnlyList<string> paths)
    {
        var start = parse.GetValue(_preset) is { } name ? SamplerPresets.Find(name).Options : new SamplerOptions();
        if (parse.GetValue(_preset) is not null && paths.All(SavedSampler.IsStudent))
            throw new UsageException($"--preset is for a teacher; {paths[0]} is a student and samples as it was distilled");
        // A schedule's file brings its own noise levels and their number.
        if (parse.GetValue(_schedule) is { } on && ScheduleFile.IsFile(on))
            start = start with { Steps = null, Rho = null, SigmaMin = null, SigmaMax = null, ToZero = null };
        double? churn = parse.GetValue(_churn) ?? start.Churn, threshold = parse.GetValue(_threshold) ?? start.Threshold;
        bool clip = parse.GetValue(_clip);
        // Limits of a preset go with what they limit; another solver than the preset's has no use for its own.
        bool churns = churn > 0, thresholds = threshold > 0, own = parse.GetValue(_solver) is null;
        return new SamplerOptions
        {
            Solver = parse.GetValue(_solver) ?? start.Solver,
            Steps = parse.GetValue(_steps) ?? start.Steps,
            Order = parse.GetValue(_order) ?? (own ? start.Order : null),
            Schedule = parse.GetValue(_schedule) ?? start.Schedule,
            Rho = parse.GetValue(_rho) ?? (parse.GetValue(_schedule) is null ? start.Rho : null),
            SigmaMin = parse.GetValue(_sigmaMin) ?? start.SigmaMin,
            SigmaMax = parse.GetValue(_sigmaMax) ?? start.SigmaMax,
            ToZero = Flag(_toZero) ?? (parse.GetValue(_sigmaMin) == 0 ? null : start.ToZero),
            AnalyticalFirstStep = Flag(_analytical) ?? start.AnalyticalFirstStep,
            LowerOrderFinal = Flag(_lowerOrder) ?? (own ? start.LowerOrderFinal : null),
            Churn = churn,
            ChurnMin = parse.GetValue(_churnMin) ?? (churns ? start.ChurnMin : null),
            ChurnMax = parse.GetValue(_churnMax) ?? (churns ? start.ChurnMax : null),
            ChurnNoise = parse.GetValue(_churnNoise) ?? (churns ? start.ChurnNoise : null),
            Threshold = clip && parse.GetValue(_threshold) is null ? null : threshold,
            ThresholdFloor = parse.GetValue(_floor) ?? (thresholds && !clip ? start.ThresholdFloor : null),
            Clip = clip,
            Nfe = parse.GetValue(Nfe),
            Fitted = parse.GetValue(Fitted),
            Folded = parse.GetValue(_folded),
            Layout = parse.GetValue(_layout) is { } layout ? LayoutOf(layout) : null,
        };

        bool? Flag(Option<bool> option) => parse.GetResult(option) is { Implicit: false } ? parse.GetValue(option) : null;
    }

    /// <summary>The options that make the same sampler again, as a command line has them; what is none does not concern it.</summary>
    /// <param name="o">Resolved.</param>
    public string Arguments(SamplerOptions o)
    {
        var words = new List<string>();
        Add(_solver, o.Solver);
        Add(_steps, Number(o.Steps));
        Add(_order, Number(o.Order));
        Add(_schedule, o.Schedule is { } path ? Quoted(path) : null);
        Add(_rho, Number(o.Rho));
        Add(_sigmaMin, Number(o.SigmaMin));
        Add(_sigmaMax, Number(o.SigmaMax));
        Add(_toZero, Truth(o.ToZero));
        Add(_analytical, Truth(o.AnalyticalFirstStep));
        Add(_lowerOrder, Truth(o.LowerOrderFinal));
        Add(_churn, Number(o.Churn));
        Add(_churnMin, Number(o.ChurnMin));
        Add(_churnMax, Number(o.ChurnMax));
        Add(_churnNoise, Number(o.ChurnNoise));
        Add(Nfe, Number(o.Nfe));
        Add(_layout, o.Layout?.ToString().ToLowerInvariant());
        Add(_threshold, o.Clip ? null : Number(o.Threshold));
        Add(_floor, Number(o.ThresholdFloor));
        foreach (var (flag, isOn) in new[] { (_clip, o.Clip), (Fitted, o.Fitted), (_folded, o.Folded) })
        {
            if (isOn)
                words.Add(flag.Name);
        }
        return string.Join(' ', words);

        void Add(Option option, string? value)
        {
            if (value is not null)
                words.AddRange([option.Name, value]);
        }

        // Every digit: the same double comes back.
        static string? Number<T>(T? value) where T : struct, IFormattable => value?.ToString(null, CultureInfo.InvariantCulture);

        static string? Truth(bool? value) => value is { } is_ ? (is_ ? "true" : "false") : null;
    }

    /// <summary>A path as a shell takes it for one word.</summary>
    public static string Quoted(string path) =>
        path.All(c => char.IsLetterOrDigit(c) || "/._-+:,=@%".Contains(c, StringComparison.Ordinal)) ? path
            : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static BranchLayout LayoutOf(string name) => name.ToLowerInvariant() switch
    {
        "chained" => BranchLayout.Chained,
        "parallel" => BranchLayout.Parallel,
        _ => throw new UsageException($"--layout: there is no {Printable.Quoted(name)}; there are chained, parallel"),
    };
}
