using System.Diagnostics;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Averaging;
using BDense.Training.Logging;
using BDense.Training.Samplers;
using BDense.Training.Watching;

namespace BDense.Training.Runs;

/// <summary>
/// Something that is trained in iterations, each a function of its number and of what <see cref="Save"/> keeps: nothing else.
/// </summary>
public interface ITraining : IDisposable
{
    /// <summary>Where it computes.</summary>
    Backend Backend { get; }

    /// <summary>What is trained, as it stands.</summary>
    INetwork Network { get; }

    /// <summary>Moving average of the network's weights, flat; none where none is kept.</summary>
    Tensor? Ema { get; }

    /// <summary>Iterations in the whole run.</summary>
    long Steps { get; }

    /// <summary>Optimizer updates that an iteration makes, on average.</summary>
    double UpdatesPerStep => 1;

    /// <summary>Images that an iteration sees.</summary>
    int ImagesPerStep { get; }

    /// <summary>Does iteration <paramref name="step"/>, counted from 0.</summary>
    /// <exception cref="BDenseException">Loss or gradient is not finite.</exception>
    StepReport Step(long step);

    /// <summary>How images are made with what has been trained so far.</summary>
    /// <param name="network">The trained one, or one of other weights in its place; stays the caller's.</param>
    ImageMaker Sampler(INetwork network);

    /// <summary>Whether there is a loss on images that it does not learn from: not where it learns from no images.</summary>
    bool HasHeldOutLoss => false;

    /// <summary>Its own loss on images that it does not learn from, a mean over them: without dropout, mirroring or a gradient.</summary>
    /// <param name="network">The trained one, or one of other weights in its place; stays the caller's.</param>
    /// <param name="batch">The images, and what is drawn for them.</param>
    double HeldOutLoss(INetwork network, HeldOutBatch batch) => throw new NotSupportedException("this training learns from no images");

    /// <summary>Writes all that the next iteration depends on into a folder; what is no tensor is returned.</summary>
    JsonObject Save(string folder);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    void Load(string folder, JsonObject state);
}

/// <summary>What an iteration tells: see <see cref="LogLine"/>.</summary>
public readonly record struct StepReport(double Loss, double[] Branches, double LearningRate, double GradientNorm,
    double[]? Weights = null);

/// <summary>Where a run stands.</summary>
/// <param name="Step">Iterations done.</param>
/// <param name="Total">Iterations in all.</param>
/// <param name="Loss">Of the last iteration.</param>
/// <param name="ImagesPerSecond">Over the last iterations.</param>
/// <param name="Remaining">Estimated time left.</param>
public readonly record struct TrainingProgress(long Step, long Total, double Loss, double ImagesPerSecond, TimeSpan Remaining);

/// <summary>How a loop runs.</summary>
public sealed record LoopOptions
{
    /// <summary>Iterations between checkpoints; 0 for one at the end alone.</summary>
    public long CheckpointEvery { get; init; }

    /// <summary>Called after every iteration.</summary>
    public Action<TrainingProgress>? OnProgress { get; init; }

    /// <summary>Ends the loop between two iterations, with a checkpoint.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>What the log is written as besides <see cref="RunFolder.LogFile"/>; a resumed run goes on with those that it has.</summary>
    public IReadOnlyList<LogFormat> Logs { get; init; } = [];

    /// <summary>Averages of the weights, updated after every iteration and a part of the checkpoints; or none.</summary>
    public EmaProfiles? Profiles { get; init; }

    /// <summary>Pictures of samples, in the run's folder; or none.</summary>
    public SampleGrids? Samples { get; init; }

    /// <summary>The loss on images that are not learned from; or none.</summary>
    public HeldOut? Validation { get; init; }
}

/// <summary>What came out.</summary>
/// <param name="Step">Iterations done, in all sessions.</param>
/// <param name="Interrupted">Whether it was cancelled before the end.</param>
/// <param name="FinalLoss">Mean over the last tenth of the iterations.</param>
/// <param name="ImagesPerSecond">Over all iterations.</param>
/// <param name="StepMilliseconds">Median time of an iteration.</param>
/// <param name="HostMilliseconds">Median of the part of an iteration in which the host did not wait for the device.</param>
/// <param name="PeakBytes">Most device memory in use at once, in all sessions where there is a folder.</param>
/// <param name="Log">Every iteration, those of earlier sessions too where there is a folder.</param>
/// <param name="Checkpoint">Folder of the last checkpoint; none without a run folder.</param>
public sealed record RunResult(long Step, bool Interrupted, double FinalLoss, double ImagesPerSecond, double StepMilliseconds,
    double HostMilliseconds, long PeakBytes,
    IReadOnlyList<LogLine> Log, string? Checkpoint)
{
    /// <summary>Iterations that were done before this session.</summary>
    public long First { get; init; }
}

/// <summary>The loop around every kind of training: progress, log, checkpoints, cancellation.</summary>
public static class TrainingLoop
{
    /// <summary>Trains to the end or to cancellation.</summary>
    /// <param name="training">What.</param>
    /// <param name="folder">Where checkpoints and log go, and where the run goes on from if it has a checkpoint; none to keep
    /// nothing.</param>
    /// <param name="options">How.</param>
    /// <exception cref="BDenseException">The run diverged, at a step that the message names; or a file cannot be read or
    /// written.</exception>
    public static RunResult Run(ITraining training, RunFolder? folder = null, LoopOptions? options = null)
    {
        options ??= new LoopOptions();
        using var alone = folder?.Lock();
        var (step, checkpoint) = Restore(training, folder, options.Profiles);
        long first = step, saved = step;
        // Before the work, not after it: a file that cannot be gone on from is said at once.
        folder?.ReadPeak();
        var log = new List<LogLine>(folder?.ReadLog().Where(line => line.Step <= first) ?? []);
        if (log.Count < first)
            training.Backend.OnNotice?.Invoke(
                $"{Path.Combine(folder!.FullName, RunFolder.LogFile)} holds {log.Count} of the {first} iterations before the checkpoint; "
                    + "the figures of the others are lost, the training itself is not");
        var (backend, pool) = (training.Backend, training.Backend.Pool);
        pool.ResetPeak();
        long sessionPeak = pool.PeakBytes;
        var clock = Stopwatch.StartNew();
        RunLog? writer = null;
        try
        {
            // What the run did beyond the checkpoint, it will do anew.
            if (folder is not null)
            {
                EmaProfiles.Begin(folder, step);
                SampleGrids.Begin(folder, step);
            }
            // Closed in here, since what it holds back may not find room any more.
            using var closing = writer = folder is null ? null : RunLog.Open(folder, step, options.Logs);
            while (step < training.Steps && !options.Cancellation.IsCancellationRequested)
            {
                folder?.RequireInPlace();
                pool.ResetPeak();
                var (start, waited) = (clock.Elapsed, backend.Waited);
                var report = training.Step(step);
                double milliseconds = (clock.Elapsed - start).TotalMilliseconds;
                step++;
                var line = new LogLine(step, report.Loss, report.Branches, report.LearningRate, report.GradientNorm, milliseconds,
                    milliseconds - (backend.Waited - waited).TotalMilliseconds, pool.PeakBytes, report.Weights)
                { Time = LogLine.Now };
                options.Profiles?.Update(step);
                if (folder is not null)
                    options.Profiles?.Store(folder, step);
                line = line with { Validation = options.Validation?.At(training, step) };
                if (folder is not null)
                    options.Samples?.At(training, folder, step);
                sessionPeak = Math.Max(sessionPeak, pool.PeakBytes);
                log.Add(line);
                writer?.Write(line);
                options.OnProgress?.Invoke(Progress(training, log, step));
                if (options.CheckpointEvery > 0 && step % options.CheckpointEvery == 0)
                    Save();
            }
            if (folder is not null && (step > saved || checkpoint is null))
                Save();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Failure(folder?.FullName ?? "the run", e);
        }
        folder?.RequireInPlace();
        // A session without an iteration has no peak of its own to tell.
        long peak = step > first || folder is null ? sessionPeak : 0;
        peak = folder?.RecordPeak(peak) ?? peak;
        double seconds = log.Sum(line => line.Milliseconds) / 1000;
        return new RunResult(step, step < training.Steps,
            log.Count == 0 ? 0 : log.TakeLast(Math.Max(1, log.Count / 10)).Average(line => line.Loss),
            seconds > 0 ? log.Count * training.ImagesPerStep / seconds : 0,
            Median([.. log.Select(line => line.Milliseconds)]), Median([.. log.Select(line => line.HostMilliseconds)]), peak,
            log, checkpoint)
        { First = first };

        void Save()
        {
            writer?.Flush();
            checkpoint = folder?.SaveCheckpoint(step, path =>
            {
                var state = training.Save(path);
                options.Profiles?.Save(path);
                return state;
            });
            saved = step;
        }
    }

    /// <summary>Reads the newest whole checkpoint, if there is one; returns the iterations done, and it.</summary>
    private static (long Step, string? Checkpoint) Restore(ITraining training, RunFolder? folder, EmaProfiles? profiles)
    {
        if (folder?.CheckpointToResume(training.Backend.OnNotice) is not { } checkpoint)
            return (0, null);
        string path = Path.Combine(checkpoint, RunFolder.StateFile);
        var state = RunJson.Read(path);
        if (state["step"] is not JsonValue value || !value.TryGetValue(out long step) || step < 0 || step > training.Steps)
            throw new BDenseException($"{path}: 'step' is missing or not in 0..{training.Steps}");
        training.Load(checkpoint, state);
        profiles?.Load(checkpoint);
        return (step, checkpoint);
    }

    private static TrainingProgress Progress(ITraining training, List<LogLine> log, long step)
    {
        const int Window = 20;
        double milliseconds = 0;
        int count = Math.Min(Window, log.Count);
        for (int i = log.Count - count; i < log.Count; i++)
            milliseconds += log[i].Milliseconds;
        double each = Math.Max(1e-6, milliseconds / count);
        return new TrainingProgress(step, training.Steps, log[^1].Loss, 1000 * training.ImagesPerStep / each,
            TimeSpan.FromMilliseconds(each * (training.Steps - step)));
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count == 0 ? 0 : values[values.Count / 2];
    }
}
