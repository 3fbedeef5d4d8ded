using BDense.Kernels;
using BDense.Training.Distillation;
using BDense.Training.Metrics;

namespace BDense.Experiments.Paper;

/// <summary>What a reproduction found; written as <c>results.json</c>. Times in seconds.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Title">For people.</param>
/// <param name="Scale">tiny, small or full.</param>
/// <param name="SettingName">What the settings count.</param>
/// <param name="Device">Where it ran.</param>
/// <param name="Data">The images; none where none were needed.</param>
/// <param name="Seed">Of the teacher and of the first student.</param>
/// <param name="Seeds">Training runs of each student.</param>
/// <param name="Noises">Noises of the endpoint errors, the same for all.</param>
/// <param name="FidImages">Samples of each FID; 0 without an Inception network.</param>
/// <param name="ElapsedSeconds">Training and evaluation of everything, all sessions.</param>
/// <param name="Teacher">The teacher.</param>
/// <param name="TeacherFrechet">Random-feature Fréchet distance of its fine trajectories.</param>
/// <param name="Rows">Method by method, setting by setting.</param>
/// <param name="Comparisons">With branches against without.</param>
/// <param name="Differences">How this differs from the paper.</param>
public sealed record ReproductionResults(string Table, string Title, string Scale, string SettingName, string Device, string? Data,
    ulong Seed, int Seeds, int Noises, int FidImages,
    double ElapsedSeconds, ReproductionTeacher Teacher, double? TeacherFrechet, IReadOnlyList<ReproductionRow> Rows,
    IReadOnlyList<ReproductionComparison> Comparisons,
    IReadOnlyList<string> Differences);

/// <summary>The teacher.</summary>
/// <param name="Source">Trained here, or the user's path.</param>
/// <param name="Parameters">Numbers in it.</param>
/// <param name="Updates">Optimizer updates; 0 for the user's.</param>
/// <param name="FinalLoss">Mean over the last tenth of them.</param>
public sealed record ReproductionTeacher(string Source, long Parameters, int Updates, double FinalLoss);

/// <summary>One cell of the table: a method at a setting, over all its seeds.</summary>
/// <param name="Method">Title.</param>
/// <param name="Branches">K; 0 for the teacher on the students' grid.</param>
/// <param name="Setting">The paper's.</param>
/// <param name="Nfe">Network evaluations of a sample here.</param>
/// <param name="PaperFid">The paper's figure; none for the teacher.</param>
/// <param name="Fid">Measured, with the 95% interval over the seeds; none without an Inception network.</param>
/// <param name="EndpointRmse">Distance to the teacher's own endpoint on the grid it was distilled from.</param>
/// <param name="FineRmse">Distance to the teacher's fine trajectory.</param>
/// <param name="Frechet">Random-feature Fréchet distance to the data; not FID.</param>
/// <param name="Updates">Optimizer updates of one student.</param>
/// <param name="Seconds">Training time of one student, mean.</param>
/// <param name="Weights">Branch weights.</param>
public sealed record ReproductionRow(string Method, int Branches, int Setting, int Nfe, double? PaperFid, Interval? Fid,
    Interval? EndpointRmse, Interval FineRmse, Interval? Frechet,
    long Updates, double Seconds, string Weights);

/// <summary>Dense branches against none at one setting, paired by seed and noise.</summary>
/// <param name="Setting">The paper's.</param>
/// <param name="Metric">Which error.</param>
/// <param name="PaperDifference">The paper's difference in FID.</param>
/// <param name="Difference">Mean difference with its 95% interval; below 0 is in favour of the branches.</param>
/// <param name="Relative">Over the plain method's mean.</param>
/// <param name="Verdict">better, worse, no difference.</param>
public sealed record ReproductionComparison(int Setting, string Metric, double PaperDifference, Interval Difference, double Relative,
    string Verdict);

/// <summary>A student's figures as they are kept, so that a finished stage need not run again.</summary>
/// <param name="Options">How it was distilled; none for the teacher.</param>
/// <param name="EndpointRmse">Noise by noise; empty for the teacher itself.</param>
/// <param name="FineRmse">Noise by noise.</param>
/// <param name="Frechet">NaN without data.</param>
/// <param name="Seconds">Of training.</param>
public sealed record MeasuredCell(Distill? Options, double[] EndpointRmse, double[] FineRmse, double Frechet, double Seconds)
{
    /// <exception cref="BDenseException">The errors are not those of so many noises.</exception>
    internal void Require(int noises, string file)
    {
        bool fits = FineRmse.Length == noises && EndpointRmse.Length == (Options is null ? 0 : noises)
            && FineRmse.Concat(EndpointRmse).All(double.IsFinite);
        if (!fits)
            throw new BDenseException($"{file} does not hold the errors of {noises} noises; remove it to measure anew");
    }
}
