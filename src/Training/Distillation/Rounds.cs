using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Runs;

namespace BDense.Training.Distillation;

/// <summary>Options of a method that goes in rounds: after each the student is the next one's teacher.</summary>
public abstract record RoundsDistill : Distill
{
    /// <summary>As where nothing is asked for.</summary>
    protected RoundsDistill()
    {
    }

    /// <summary>With what the methods share as it is for another.</summary>
    protected RoundsDistill(Distill shared)
        : base(shared)
    {
    }

    /// <summary>
    /// Rounds, each with <see cref="Distill.Jump"/> times fewer steps; the teacher of the first takes Nfe * Jump^Rounds steps.
    /// </summary>
    public int Rounds { get; init; } = 1;

    /// <summary>Mirrors half of the images.</summary>
    public bool Flip { get; init; }

    /// <inheritdoc/>
    public override int TeacherSteps => (int)Math.Pow(Jump!.Value, Rounds);

    /// <inheritdoc/>
    public override long UpdatesOf(long iterations) => iterations * Rounds;

    /// <inheritdoc/>
    protected override string? KnowsItsEnd => Rounds > 1 ? $"they are shared out among {Rounds} rounds" : null;

    /// <summary>Options of <c>--rounds</c> and what is short for it, and of the images.</summary>
    public static IReadOnlyList<MethodOption> RoundsOptions { get; } =
    [
        MethodOption.Whole<RoundsDistill>("--rounds", "Rounds; the first teacher takes nfe * jump^rounds steps. Default: 1.",
            1, SharedOptions.MostSteps, (o, v) => o with { Rounds = v }),
        MethodOption.Whole<RoundsDistill>("--teacher-steps",
            "Steps of the first teacher, in place of --rounds: nfe times a power of the jump.", 1, SharedOptions.MostSteps,
            (o, v) => o with { Rounds = RoundsFrom(v, o.Nfe, o.Jump ?? Math.Max(2, o.Branches)) }),
        MethodOption.Flag<RoundsDistill>("--flip", "Mirror half of the images.", (o, v) => o with { Flip = v || o.Flip }),
    ];

    /// <summary>Steps of the student of round <paramref name="round"/>, from 0; its teacher takes Jump times as many.</summary>
    internal int StepsAfter(int round) => Nfe * (int)Math.Pow(Jump!.Value, Rounds - 1 - round);

    /// <summary>The rounds' ranges; of resolved options.</summary>
    protected void ValidateRounds()
    {
        Require(Rounds >= 1, $"PD has 1 round or more, not {Rounds}");
        Require(Nfe * Math.Pow(Jump!.Value, Rounds) <= SharedOptions.MostSteps,
            $"{Rounds} rounds of {Jump} to {Nfe} steps need more than {SharedOptions.MostSteps} teacher steps");
        Require(Updates >= Rounds, $"{Updates} updates for {Rounds} rounds");
    }

    /// <summary>
    /// Rounds from a teacher of <paramref name="steps"/> steps down to <paramref name="nfe"/>, each <paramref name="jump"/> times fewer.
    /// </summary>
    /// <exception cref="UsageException">The numbers do not nest.</exception>
    public static int RoundsFrom(int steps, int nfe, int jump)
    {
        if (steps < 1 || nfe < 1 || jump < 2)
            throw new UsageException(
                $"rounds lead from 2 steps or more to 1 or more, each by 2 or more in one: not from {steps} to {nfe} by {jump}");
        // The last product may be beyond 32 bits.
        long n = nfe;
        int rounds = 0;
        for (; n < steps; n *= jump)
            rounds++;
        return n == steps && rounds > 0 ? rounds
            : throw new UsageException(
                $"{steps} steps do not become {nfe} by rounds that each take {jump} steps in one; {Math.Max(n, (long)nfe * jump)} would");
    }
}

/// <summary>Updates shared out among rounds, or stages, of equal length; the last takes what is left over.</summary>
/// <param name="Updates">All together, at least <paramref name="Count"/>.</param>
/// <param name="Count">Rounds.</param>
internal readonly record struct Shares(long Updates, int Count)
{
    /// <summary>The round that an update belongs to, its place there, and the round's length.</summary>
    public (int Round, long Within, long Length) PlaceOf(long update)
    {
        long each = Updates / Count;
        int round = (int)Math.Min(update / each, Count - 1);
        return (round, update - round * each, round == Count - 1 ? Updates - round * each : each);
    }
}

/// <summary>
/// The rounds of a training: which is under way, its teacher and its optimizer. A round begins with the last one's student as the teacher
/// and with a fresh optimizer; the student goes on from its own weights.
/// </summary>
/// <param name="student">Stays the caller's.</param>
/// <param name="firstTeacher">Stays the caller's.</param>
/// <param name="options">Resolved.</param>
/// <param name="fromAverage">A round goes on from the moving average of the one before, where there is one.</param>
internal sealed class Rounds(INetwork student, INetwork firstTeacher, RoundsDistill options, bool fromAverage) : IDisposable
{
    private const string TeacherFile = "teacher.safetensors", RoundKey = "round";

    private INetwork? _laterTeacher;

    /// <summary>The round under way, from 0.</summary>
    public int Round { get; private set; }

    /// <summary>Of the round under way.</summary>
    public INetwork Teacher => _laterTeacher ?? firstTeacher;

    /// <summary>Of the round under way.</summary>
    public Optimizer Optimizer { get; private set; } = DistillationMethods.NewOptimizer(student, options);

    /// <summary>Goes on to the round of an update; its place there, and the round's length.</summary>
    public (long Within, long Length) Enter(long update)
    {
        var (round, within, length) = new Shares(options.Updates, options.Rounds).PlaceOf(update);
        while (Round < round)
            BeginNext();
        return (within, length);
    }

    /// <summary>Student, optimizer and teacher into a checkpoint's folder; what is no tensor is returned.</summary>
    public JsonObject Save(string folder)
    {
        Checkpoint.Save(folder, student);
        Optimizer.Save(folder, student);
        if (_laterTeacher is not null)
            Checkpoint.Save(Path.Combine(folder, TeacherFile), _laterTeacher);
        return new JsonObject { [RoundKey] = Round };
    }

    /// <summary>What <see cref="Save"/> wrote.</summary>
    /// <exception cref="BDenseException">Damaged, or of another run.</exception>
    public void Load(string folder, JsonObject state)
    {
        string file = Path.Combine(folder, RunFolder.StateFile);
        Checkpoint.LoadInto(student, folder);
        Optimizer.Load(folder, student);
        int round = RunJson.FromNode<int>(state[RoundKey], file, RoundKey);
        if (round < 0 || round >= options.Rounds)
            throw new BDenseException($"{file}: '{RoundKey}' is {round}, not in 0..{options.Rounds - 1}");
        Round = round;
        _laterTeacher?.Dispose();
        _laterTeacher = round > 0 ? Checkpoint.Load(student.Backend, Path.Combine(folder, TeacherFile)) : null;
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        _laterTeacher?.Dispose();
    }

    private void BeginNext()
    {
        if (fromAverage && Optimizer.Ema is { } average)
            student.Parameters.CopyFrom(average);
        _laterTeacher?.Dispose();
        _laterTeacher = student.Clone();
        Optimizer.Dispose();
        Optimizer = DistillationMethods.NewOptimizer(student, options);
        Round++;
    }
}
