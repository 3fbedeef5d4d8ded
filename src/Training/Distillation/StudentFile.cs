using System.Globalization;
using System.Text.Json.Serialization;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Distillation.Methods.BranchDistillation;
using BDense.Training.Runs;
using BDense.Training.Schedules;
using BDense.Training.Solvers;

namespace BDense.Training.Distillation;

/// <summary>One of a student's intervals.</summary>
/// <param name="Index">From 0.</param>
/// <param name="Analytical">Whether it costs no evaluation.</param>
/// <param name="Sigmas">Its K + 1 noise levels.</param>
public sealed record StudentInterval(int Index, bool Analytical, double[] Sigmas);

/// <summary>
/// What sampling a student takes besides its weights, as <c>student.json</c> beside an exported network: enough to sample the folder as
/// the run itself.
/// </summary>
/// <param name="Folded">Whether the network is the plain one of a single interval; such a file describes no sampler.</param>
/// <param name="StepCondition">The number of nodes that the network is told; none for nothing.</param>
/// <param name="Intervals">All of them, in turn.</param>
/// <param name="Layout">How states follow from several heads; older files do not say it.</param>
/// <param name="OwnSteps">Of the authors' own variant of PD: its number of steps. Older files do not say it.</param>
/// <param name="Method">Of a method that samples in another way (<see cref="StudentWay"/>): its name; else none.</param>
public sealed record StudentFile(bool Folded, int? StepCondition, IReadOnlyList<StudentInterval> Intervals, BranchLayout? Layout = null,
    int? OwnSteps = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Method = null)
{
    /// <summary>Of the file, in a student's folder.</summary>
    public const string Name = "student.json";

    /// <summary>Of a student, or of one of its intervals alone.</summary>
    public static StudentFile Of(Student student, int? interval = null)
    {
        int first = student.Grid.Intervals - student.Evaluations;
        var intervals = Enumerable.Range(0, student.Grid.Intervals).Where(i => interval is null || i == interval)
            .Select(i => new StudentInterval(i, student.Way is null && i < first, student.Grid.Nodes(i)));
        var file = new StudentFile(interval is not null, student.StepCondition ? student.Grid.Student.Count : null, [.. intervals],
            student.Layout);
        return student.Way?.Describe(file) ?? file;
    }

    /// <summary>The file that belongs to a network's folder or file; none if there is none, or it is of a folded network.</summary>
    /// <param name="path">An exported folder, or the model.safetensors in it; another file may lie there by chance.</param>
    /// <exception cref="BDenseException">It is there and cannot be read.</exception>
    public static string? Find(string path)
    {
        bool isFolder = Directory.Exists(path);
        if (!isFolder && Path.GetFileName(path) != Checkpoint.ModelFile)
            return null;
        string file = Path.Combine(isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!, Name);
        return File.Exists(file) && !Read(file).Folded ? file : null;
    }

    /// <exception cref="BDenseException">No such file, or none that holds together.</exception>
    public static StudentFile Read(string path)
    {
        var file = RunJson.FromNode<StudentFile>(RunJson.Read(path), path);
        bool holds = file.Intervals is { Count: > 0 and <= 65536 } all
            && all.All(i => i?.Sigmas is { Length: >= 2 and <= Backend.MaxBranches + 1 })
            && all.All(i => i.Sigmas.Length == all[0].Sigmas.Length)
            && (file.Folded || all.Select((i, n) => i.Index == n && (!i.Analytical || n == 0)).All(fits => fits));
        if (!holds)
            throw new BDenseException(
                $"{path}: a student has intervals numbered from 0, each of as many noise levels, the first alone analytical");
        foreach (var (interval, next) in file.Folded ? [] : file.Intervals.Zip(file.Intervals.Skip(1)))
        {
            if (interval.Sigmas[^1] != next.Sigmas[0])
                throw new BDenseException(
                    string.Create(CultureInfo.InvariantCulture,
                        $"{path}: interval {interval.Index} ends at noise level {interval.Sigmas[^1]:g6}, and the next begins at "
                            + $"{next.Sigmas[0]:g6}"));
        }
        try
        {
            foreach (var interval in file.Intervals)
                ScheduleCatalog.Given(interval.Sigmas);
        }
        catch (BDenseException e)
        {
            throw new BDenseException($"{path}: {e.Message}", e);
        }
        return file;
    }

    /// <summary>The student of a network that lies beside the file.</summary>
    /// <param name="network">Stays the caller's.</param>
    /// <param name="path">Where the file is from, for messages.</param>
    /// <param name="layout">Asked for, where the file does not say it.</param>
    /// <param name="threshold">As of <see cref="Student"/>.</param>
    /// <exception cref="BDenseException">The network has other heads than the file's intervals have levels, or the layout is
    /// unknown.</exception>
    public Student Student(INetwork network, string path, BranchLayout? layout, Thresholding? threshold)
    {
        int k = network.Config.Branches;
        // The one method of files that name none.
        string? method = Method ?? (OwnSteps is null ? null : BranchDistillationMethod.Instance.Name);
        if (method is not null)
            return DistillationMethods.Find(method).Sampler(network, this, path);
        if (Intervals[0].Sigmas.Length != k + 1)
            throw new BDenseException(
                $"{path} divides an interval into {Intervals[0].Sigmas.Length - 1} steps, and the network beside it has {k} heads");
        if (StepCondition is not null && !network.Config.StepCondition)
            throw new BDenseException($"{path} tells the network its number of nodes, and the network beside it has no layers for that");
        if (StepCondition is { } nodes && nodes != Intervals.Count + 1)
            throw new BDenseException(
                $"{path} has {Intervals.Count} intervals, and tells the network of {nodes} nodes in place of {Intervals.Count + 1}");
        if (Layout is not null && layout is not null && layout != Layout)
            throw new UsageException(
                $"--layout {layout.ToString()!.ToLowerInvariant()}: {path} says {Layout.ToString()!.ToLowerInvariant()}");
        var how = Layout ?? layout ?? (k == 1 ? BranchLayout.Parallel
            : throw new BDenseException(
                $"{path} was written by an older version and does not say how the heads follow each other: give --layout chained (SFD's "
                    + "default) or parallel (PD's), or export the run again"));
        double[] teacher = [Intervals[0].Sigmas[0], .. Intervals.SelectMany(i => i.Sigmas.Skip(1))],
            student = [Intervals[0].Sigmas[0], .. Intervals.Select(i => i.Sigmas[^1])];
        return new Student(network, how, NestedGrid.Of(student, teacher, k, path), Intervals[0].Analytical,
            StepCondition is not null)
        { Threshold = threshold };
    }
}
