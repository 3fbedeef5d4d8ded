using System.Globalization;
using System.Text;
using BDense.Kernels;
using BDense.Training.Distillation;
using BDense.Training.Metrics;
using BDense.Training.Runs;

namespace BDense.Experiments;

/// <summary>One student of the study, as its file keeps it. Errors are RMSE, one number a noise, in the same order in every cell.</summary>
/// <param name="Variant">Name of the variant.</param>
/// <param name="Options">How it was distilled, seed included.</param>
/// <param name="Endpoint">To the teacher's endpoint on the grid it was distilled from.</param>
/// <param name="Fine">To the teacher's fine trajectory.</param>
/// <param name="FittedHeads">To the teacher's endpoint, with coefficients fitted over the heads of each interval
/// (<see cref="FittedSteps"/>).</param>
/// <param name="Fitted">The same, over the heads of the interval before too.</param>
/// <param name="FittedFine">To the fine trajectory, with coefficients fitted to its endpoints over the same heads.</param>
/// <param name="FrechetDistance">Over random convolutional features, as trained; NaN without data. Not FID.</param>
public sealed record StudyCell(string Variant, Distill Options, double[] Endpoint, double[] Fine, double[] FittedHeads, double[] Fitted,
    double[] FittedFine, double FrechetDistance)
{
    /// <summary>Of the cell's folder.</summary>
    internal static string NameOf(string variant, ulong seed) => string.Create(CultureInfo.InvariantCulture, $"{variant}-seed{seed}");

    /// <summary>A cell that <see cref="BranchStudy"/> wrote.</summary>
    /// <param name="file">Where.</param>
    /// <param name="name">Whose it must be: <see cref="NameOf"/>.</param>
    /// <param name="noises">How many errors of each kind it must have.</param>
    /// <exception cref="BDenseException">It cannot be read, or is of another variant, seed or number of noises.</exception>
    internal static StudyCell Read(string file, string name, int noises)
    {
        var cell = RunJson.FromNode<StudyCell>(RunJson.Read(file), file);
        if (NameOf(cell.Variant, cell.Options.Seed) != name)
            throw new BDenseException(
                $"{file} is of {cell.Variant}, seed {cell.Options.Seed}, not of {name}; remove it to train that student anew");
        foreach (var (field, errors) in new[] { ("endpoint", cell.Endpoint), ("fine", cell.Fine), ("fittedHeads", cell.FittedHeads),
            ("fitted", cell.Fitted), ("fittedFine", cell.FittedFine) })
        {
            if (errors.Length != noises || !errors.All(double.IsFinite))
                throw new BDenseException(
                    $"{file}: field '{field}' is not {noises} numbers, one a noise; remove it to train that student anew");
        }
        return cell with { Options = cell.Options.Resolve() };
    }
}

/// <summary>
/// A paired difference to the baseline, as a fraction of the baseline's mean, with its 95% interval over seeds and noises.
/// </summary>
/// <param name="Mean">Below 0 is better.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <param name="Verdict">helps, hurts, or cannot tell.</param>
public sealed record StudyEffect(double Mean, double Low, double High, string Verdict);

/// <summary>One variant over all seeds that it shares with its baseline.</summary>
/// <param name="Name">Variant.</param>
/// <param name="What">For people.</param>
/// <param name="Baseline">What it is held to.</param>
/// <param name="Weights">Branch weights.</param>
/// <param name="Passes">Forward and backward passes an update.</param>
/// <param name="Seeds">Training seeds.</param>
/// <param name="Endpoint">Mean RMSE to the teacher's endpoint.</param>
/// <param name="EndpointEffect">Against the baseline; none for the baseline.</param>
/// <param name="Fine">Mean RMSE to the fine trajectory.</param>
/// <param name="FineEffect">Against the baseline.</param>
/// <param name="FittedHeads">Mean RMSE to the teacher's endpoint with coefficients over the interval's heads.</param>
/// <param name="Fitted">With the heads of the interval before too.</param>
/// <param name="FittedEffect">Against the baseline as trained; for the baseline too.</param>
/// <param name="FittedPairEffect">Against the baseline fitted in the same way.</param>
/// <param name="FittedFine">Mean RMSE to the fine trajectory, with coefficients fitted to it.</param>
/// <param name="FittedFineEffect">Of that, against the baseline as trained.</param>
/// <param name="FittedFinePairEffect">Of that, against the baseline fitted in the same way.</param>
/// <param name="FrechetDistance">Mean.</param>
/// <param name="FrechetEffect">Against the baseline; none without data.</param>
public sealed record StudyRow(string Name, string What, string Baseline, string Weights, double Passes, IReadOnlyList<ulong> Seeds,
    double Endpoint, StudyEffect? EndpointEffect, double Fine, StudyEffect? FineEffect, double FittedHeads, double Fitted,
    StudyEffect? FittedEffect,
    StudyEffect? FittedPairEffect, double FittedFine, StudyEffect? FittedFineEffect, StudyEffect? FittedFinePairEffect,
    double FrechetDistance, StudyEffect? FrechetEffect);

/// <summary>What the study found.</summary>
/// <param name="Device">Where.</param>
/// <param name="Options">What all students share, seed and variant apart.</param>
/// <param name="Noises">Evaluation noises.</param>
/// <param name="TeacherFine">RMSE of the teacher's own endpoint, on the grid that SFD distils from, to its fine trajectory.</param>
/// <param name="Rows">A variant a row.</param>
public sealed record BranchStudyResults(string Device, Distill Options, int Noises, double TeacherFine, IReadOnlyList<StudyRow> Rows)
{
    /// <summary>Rows of all variants that have a cell, and whose baseline has one of the same seed.</summary>
    public static IReadOnlyList<StudyRow> Tabulate(IReadOnlyList<StudyVariant> variants, IReadOnlyList<StudyCell> cells)
    {
        var rows = new List<StudyRow>();
        foreach (var variant in variants)
        {
            var own = Of(variant.Name);
            var baseline = Of(variant.Baseline).Where(b => own.Any(c => c.Options.Seed == b.Options.Seed)).ToList();
            own = [.. own.Where(c => baseline.Any(b => b.Options.Seed == c.Options.Seed))];
            if (own.Count == 0)
                continue;
            bool pair = !variant.IsBaseline;
            bool frechet = own.Concat(baseline).All(c => double.IsFinite(c.FrechetDistance));
            rows.Add(new StudyRow(variant.Name, variant.What, variant.Baseline, own[0].Options.Weights!,
                StudyVariant.Passes(own[0].Options),
                [.. own.Select(c => c.Options.Seed)],
                Mean(c => c.Endpoint), pair ? Effect(c => c.Endpoint, c => c.Endpoint) : null,
                Mean(c => c.Fine), pair ? Effect(c => c.Fine, c => c.Fine) : null,
                Mean(c => c.FittedHeads), Mean(c => c.Fitted), Effect(c => c.Endpoint, c => c.Fitted),
                pair ? Effect(c => c.Fitted, c => c.Fitted) : null,
                Mean(c => c.FittedFine), Effect(c => c.Fine, c => c.FittedFine), pair ? Effect(c => c.FittedFine, c => c.FittedFine) : null,
                own.Average(c => c.FrechetDistance), pair && frechet ? Effect(c => [c.FrechetDistance], c => [c.FrechetDistance]) : null));

            double Mean(Func<StudyCell, double[]> errors) => own.Average(c => errors(c).Average());

            StudyEffect Effect(Func<StudyCell, double[]> before, Func<StudyCell, double[]> after)
            {
                var c = Bootstrap.Compare([.. baseline.Select(before)], [.. own.Select(after)]);
                double scale = baseline.Average(b => before(b).Average());
                // One run on each side says nothing about the methods.
                string verdict = own.Count == 1 ? "cannot tell"
                    : c.Verdict switch { Verdict.Better => "helps", Verdict.Worse => "hurts", _ => "cannot tell" };
                return new StudyEffect(c.Relative, c.Difference.Low / scale, c.Difference.High / scale, verdict);
            }
        }
        return rows;

        List<StudyCell> Of(string name) => [.. cells.Where(c => c.Variant == name).OrderBy(c => c.Options.Seed)];
    }

    /// <summary>The tables as Markdown: one of the variants as trained, one with fitted coefficients.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        var o = Options;
        text.Append(CultureInfo.InvariantCulture,
            $"NFE {o.Nfe}, {o.Updates} updates of {o.Batch} at {o.LearningRate}, {Noises} evaluation noises, {Device}. ");
        text.Append(CultureInfo.InvariantCulture, $"The teacher's own endpoint is {TeacherFine:0.0000} from its fine trajectory. ");
        text.Append("Differences to the baseline are paired, in per cent of its mean, with 95% intervals.\n\n");
        text.Append(
            "| variant | | passes | seeds | RMSE-teach | difference | | RMSE-fine | difference | | Frechet | difference "
            + "|\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
        foreach (var r in Rows)
            text.Append(CultureInfo.InvariantCulture,
                $"| `{r.Name}` | {r.What} | {r.Passes:0.##} | {r.Seeds.Count} | {r.Endpoint:0.0000} | {Text(r.EndpointEffect)} | "
                    + $"{r.EndpointEffect?.Verdict ?? "baseline"} | {r.Fine:0.0000} | {Text(r.FineEffect)} | "
                    + $"{r.FineEffect?.Verdict ?? "baseline"} | {r.FrechetDistance:0.00000} | {Text(r.FrechetEffect)} |\n");
        text.Append("\nWith fitted coefficients at sampling:\n\n");
        text.Append(
            "| variant | RMSE-teach, heads | and history | to the baseline as trained | to the baseline fitted | | RMSE-fine | to the "
            + "baseline as trained | to the baseline fitted | |\n|---|---|---|---|---|---|---|---|---|---|\n");
        foreach (var r in Rows)
            text.Append(CultureInfo.InvariantCulture,
                $"| `{r.Name}` | {r.FittedHeads:0.0000} | {r.Fitted:0.0000} | {Text(r.FittedEffect)} | {Text(r.FittedPairEffect)} | "
                    + $"{r.FittedPairEffect?.Verdict ?? "baseline"} | {r.FittedFine:0.0000} | {Text(r.FittedFineEffect)} | "
                    + $"{Text(r.FittedFinePairEffect)} | {r.FittedFinePairEffect?.Verdict ?? "baseline"} |\n");
        return text.ToString();
    }

    private static string Text(StudyEffect? e) => e is null ? ""
        : string.Create(CultureInfo.InvariantCulture,
            $"{100 * e.Mean:+0.0;-0.0;0.0}% [{100 * e.Low:+0.0;-0.0;0.0}, {100 * e.High:+0.0;-0.0;0.0}]");
}
