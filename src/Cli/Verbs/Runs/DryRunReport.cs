using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Runs;
using BDense.Training.Watching;

namespace BDense.Cli.Verbs.Runs;

/// <summary>What <c>--dry-run</c> says about a training: shapes, parameters, memory, time. Nothing is written.</summary>
/// <param name="Run">The folder that it would write.</param>
/// <param name="Device">Where.</param>
/// <param name="Need">What it will hold, and what is free.</param>
/// <param name="AtOnce">Images of a pass.</param>
internal sealed record DryRunReport(string Run, Backend Device, RunOptions.MemoryNeed Need, int AtOnce)
{
    // So long steps are done to measure one.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <summary>Measures, and says it all.</summary>
    /// <param name="ui">To whom.</param>
    /// <param name="training">Does a few real steps.</param>
    /// <param name="counted">The length of the whole, as the person gave it: <c>1000 steps</c>.</param>
    /// <param name="averages">Averages in a checkpoint.</param>
    /// <param name="cancellation">Stops it.</param>
    public void Say(Ui ui, ITraining training, string counted, int averages, CancellationToken cancellation)
    {
        var config = training.Network.Config;
        var info = NetworkInfo.Describe(config);
        int[] images = [AtOnce, config.Resolution, config.Resolution, config.ImageChannels],
            heads = [.. images[..3], config.Branches * config.HeadChannels];
        var (memory, free, fits) = (Need.Plan, Need.Free, Need.Fits);
        long checkpoint = sizeof(float) * info.Parameters * (3 + averages);
        string activations = Device.ActivationType == ElementType.BFloat16 ? "bf16" : "fp32";
        var blocks = Blocks(training.Network).ToList();
        if (fits)
            ui.Note("bdense: measuring a few steps");
        var time = fits ? StepTiming.Measure(training, s_patience, cancellation) : null;
        double? whole = time?.Milliseconds * training.Steps / 1000;
        ui.Json(new
        {
            dryRun = true,
            run = Path.GetFullPath(Run),
            device = Device.Name,
            activations,
            images,
            heads,
            parameters = info.Parameters,
            macs = info.Macs,
            blocks = blocks.Select(block => new { name = block.Name, tensors = block.Tensors, parameters = block.Parameters }),
            memory = new
            {
                weights = memory.Weights,
                gradients = memory.Gradients,
                moments = memory.Moments,
                averages = memory.Averages,
                teacher = memory.Teacher,
                keptForms = memory.KeptForms,
                activations = memory.Activations,
                watching = memory.Watching,
                trajectories = memory.Trajectories,
                total = memory.Total,
                free,
                fits,
                measuredPeak = time?.PeakBytes,
            },
            checkpointBytes = checkpoint,
            iterations = training.Steps,
            stepMilliseconds = time?.Milliseconds,
            measuredSteps = time?.Steps ?? 0,
            includesFirst = time?.IsFirst,
            seconds = whole,
        });
        ui.Table(["parameters of", "tensors", "parameters"],
            blocks.Select(block => new[] { block.Name, $"{block.Tensors}", Count(block.Parameters) }));
        ui.Line($"images       {Shape(images)}, fp32; activations {activations}");
        ui.Line($"heads        {Shape(heads)}, {config.Branches} branch{(config.Branches == 1 ? "" : "es")}");
        ui.Line($"parameters   {Count(info.Parameters)}; {Count(info.Macs)} MACs for one sample forward");
        ui.Line($"memory       {Size(memory.Total)}, by a dry run; {Size(free)} are free on {Device.Name}"
            + (fits ? "" : ": it does not fit"));
        foreach (var (name, bytes) in memory.Parts())
            ui.Line($"             {Size(bytes)} {name}");
        ui.Line($"checkpoint   about {Size(checkpoint)} on disk each");
        ui.Line(time is null ? "time         not measured, since it does not fit"
            : string.Create(CultureInfo.InvariantCulture, $"time         {time.Milliseconds:0.0} ms an iteration, measured: ")
            + (time.IsFirst ? "the first, which also prepares kernels and memory (no other was waited for)"
                : $"median of {time.Steps} after the first") + $"; {Size(time.PeakBytes)} of memory at most");
        if (whole is { } seconds)
            ui.Line($"             {counted}: about {WholeProgress.Text(TimeSpan.FromSeconds(seconds))}, without checkpoints, pictures and "
                + "held-out losses");
        ui.Line($"nothing was written; without --dry-run the run goes to {Run}");
    }

    /// <summary>Parameters by the block that they belong to, in the order in which a network declares them.</summary>
    internal static IEnumerable<(string Name, int Tensors, long Parameters)> Blocks(INetwork network) =>
        from parameter in network.Parameters.All
        let parts = parameter.Name.Split('.')
        group parameter by string.Join('.', parts.Take(Math.Clamp(parts.Length - 1, 1, 3))) into block
        select (block.Key, block.Sum(p => p.StoredNames.Count), block.Sum(p => (long)p.Shape.Length));

    private static string Shape(int[] shape) => string.Join(" x ", shape);

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Size(long bytes) =>
        bytes < 1_000_000_000 ? FormattableString.Invariant($"{bytes / 1e6:0.0} MB")
            : FormattableString.Invariant($"{bytes / 1e9:0.00} GB");
}
