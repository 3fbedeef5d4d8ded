using BDense.Training.Metrics;

namespace BDense.Experiments.Paper;

/// <summary>Turns the figures of single students into the table and its comparisons.</summary>
public static class ReproductionTable
{
    /// <summary>The rows: the teacher on each grid, the plain method, the dense one.</summary>
    /// <param name="plan">What was run.</param>
    /// <param name="students">The figures of every cell.</param>
    /// <param name="teachers">The teacher's own on each setting's grid.</param>
    /// <param name="fids">FID of every cell, by name; empty without.</param>
    public static IReadOnlyList<ReproductionRow> Rows(ReproductionPlan plan, IReadOnlyDictionary<string, MeasuredCell> students,
        IReadOnlyDictionary<int, MeasuredCell> teachers,
        IReadOnlyDictionary<string, double> fids)
    {
        var rows = new List<ReproductionRow>();
        foreach (var group in plan.Cells.GroupBy(c => (c.IsDense, c.Setting)).OrderBy(g => g.Key.IsDense))
        {
            var o = group.First().Options;
            MeasuredCell[] measured = [.. group.Select(c => students[c.Name])];
            var column = plan.Table.Columns.Single(c => c.Setting == group.Key.Setting);
            rows.Add(new ReproductionRow(group.Key.IsDense ? plan.Table.DenseTitle : plan.Table.PlainTitle, o.Branches,
                column.Setting, o.Nfe,
                group.Key.IsDense ? column.Dense : column.Plain,
                fids.Count == 0 ? null : OverSeeds([.. group.Select(c => fids[c.Name])]),
                Bootstrap.Mean([.. measured.Select(m => m.EndpointRmse)]), Bootstrap.Mean([.. measured.Select(m => m.FineRmse)]),
                measured.Any(m => double.IsNaN(m.Frechet)) ? null : OverSeeds([.. measured.Select(m => m.Frechet)]), o.Updates,
                measured.Average(m => m.Seconds), o.Weights!));
        }
        foreach (var (setting, m) in teachers)
        {
            var o = plan.Cells.First(c => c.Setting == setting).Options;
            rows.Add(new ReproductionRow("the teacher on its grid", 0, setting, o.Intervals * o.TeacherSteps, null, null, null,
                Bootstrap.Mean([m.FineRmse]),
                double.IsNaN(m.Frechet) ? null : OverSeeds([m.Frechet]), 0, 0, ""));
        }
        return rows;
    }

    /// <summary>Dense against plain at every setting.</summary>
    public static IReadOnlyList<ReproductionComparison> Comparisons(ReproductionPlan plan,
        IReadOnlyDictionary<string, MeasuredCell> students, IReadOnlyDictionary<string, double> fids)
    {
        var comparisons = new List<ReproductionComparison>();
        foreach (var group in plan.Cells.GroupBy(c => c.Setting))
        {
            var column = plan.Table.Columns.Single(c => c.Setting == group.Key);
            var metrics = new List<(string Name, Func<ReproductionCell, double[]> Of)>
            {
                ("RMSE teacher", c => students[c.Name].EndpointRmse),
                ("RMSE fine", c => students[c.Name].FineRmse),
            };
            if (group.All(c => !double.IsNaN(students[c.Name].Frechet)))
                metrics.Add(("Fréchet*", c => [students[c.Name].Frechet]));
            if (fids.Count > 0)
                metrics.Add(("FID", c => [fids[c.Name]]));
            foreach (var (name, of) in metrics)
            {
                double[][] plain = [.. group.Where(c => !c.IsDense).OrderBy(c => c.Options.Seed).Select(of)],
                    dense = [.. group.Where(c => c.IsDense).OrderBy(c => c.Options.Seed).Select(of)];
                // One number of one seed has no interval.
                if (plain.Length == 1 && plain[0].Length == 1)
                    continue;
                var c = Bootstrap.Compare(plain, dense);
                comparisons.Add(new ReproductionComparison(group.Key, name, column.Dense - column.Plain, c.Difference, c.Relative,
                    c.Verdict.Text()));
            }
        }
        return comparisons;
    }

    /// <summary>Mean and interval of one number a seed; of a single seed the number alone.</summary>
    private static Interval OverSeeds(double[] values) =>
        values.Length == 1 ? new Interval(values[0], values[0], values[0]) : Bootstrap.Mean([.. values.Select(v => new[] { v })]);
}
