using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Distillation;
using BDense.Training.Samplers;

namespace BDense.Experiments;

/// <summary>
/// The way of a batch of noises to images: the state at every node, and the denoised image that each step between two nodes aims at.
/// </summary>
/// <param name="Sigmas">sigma_0 > ... > sigma_n.</param>
/// <param name="States">x at each of them, [N,H,W,C].</param>
/// <param name="Predictions">
/// One for every step: D in x' = x + (sigma' - sigma) (x - D) / sigma, solved for D. For chained heads and Euler's method it is what the
/// network predicted; for a solver of higher order and for parallel heads what the step amounts to.
/// </param>
public sealed record Trajectory(double[] Sigmas, IReadOnlyList<float[]> States, IReadOnlyList<float[]> Predictions)
{
    /// <summary>
    /// What each head predicts, one for every step as <see cref="Predictions"/>: head j at step j of an interval, from the interval's
    /// start. Parallel heads differ there from the predictions. None where no head made the step; empty for a teacher.
    /// </summary>
    public IReadOnlyList<float[]?> Heads { get; init; } = [];

    /// <summary>How a student's teacher went.</summary>
    /// <exception cref="UsageException">Of a method without a grid that student and teacher both go over.</exception>
    public static SamplerOptions TeacherOf(Distill distill)
    {
        var o = distill.Resolve().Origin;
        return o.TeacherSampler() ?? throw new UsageException($"{o.Title} has no one grid to draw trajectories on");
    }

    /// <summary>The teacher's on the grid that a student was distilled from.</summary>
    public static Trajectory OfTeacher(INetwork teacher, SamplerOptions options, int count, ulong seed)
    {
        var states = new List<float[]>();
        var sampler = SamplerBuilder.Build(teacher, options, onStep: s => states.Add(s.State.ToArray()));
        Sampling.Generate(teacher, (x, labels, fresh) =>
        {
            states.Add(x.ToArray());
            return sampler.Run(x, labels, fresh);
        }, ImageDraws.Of(seed), count, count, sampler.Sigma);
        return Of(sampler.Grid, states);
    }

    /// <summary>A student's, at the nodes of all its heads.</summary>
    public static Trajectory OfStudent(Student student, int count, ulong seed)
    {
        var (sigmas, states) = (new List<double> { student.StartSigma }, new List<float[]>());
        Sampling.Generate(student.Network, (x, labels, fresh) =>
        {
            states.Add(x.ToArray());
            return student.Sample(x, labels, (_, sigma, state) =>
            {
                sigmas.Add(sigma);
                states.Add(state.ToArray());
            }, fresh: fresh);
        }, ImageDraws.Of(seed), count, count, student.StartSigma);
        var walk = Of([.. sigmas], states);
        int k = student.Grid.Branches, analytical = (student.Grid.Intervals - student.Evaluations) * k;
        return walk with
        {
            // From the start of the interval where heads are parallel, from the state before where they are chained.
            Heads = [.. Enumerable.Range(0, states.Count - 1).Select(i => i < analytical ? null
                : student.Layout == BranchLayout.Chained ? walk.Predictions[i] : walk.Predicted(i - i % k, i + 1))],
        };
    }

    /// <summary>The place of a noise level among the nodes; -1 where it is none of them.</summary>
    public int IndexOf(double sigma) => Array.FindIndex(Sigmas, s => Math.Abs(s - sigma) <= 1e-6 * sigma);

    /// <summary>Root mean square distance to another trajectory at every node that both have, but the first.</summary>
    public (double[] Sigmas, double[] Rmse) ErrorTo(Trajectory other)
    {
        var shared = Enumerable.Range(1, Sigmas.Length - 1).Select(i => (Own: i, Other: other.IndexOf(Sigmas[i]))).Where(p => p.Other >= 0)
            .ToArray();
        return ([.. shared.Select(p => Sigmas[p.Own])],
            [.. shared.Select(p => Math.Sqrt(States[p.Own].Zip(other.States[p.Other], (a, b) => ((double)a - b) * (a - b)).Average()))]);
    }

    private static Trajectory Of(double[] sigmas, List<float[]> states)
    {
        var walk = new Trajectory(sigmas, states, []);
        return walk with { Predictions = [.. Enumerable.Range(0, sigmas.Length - 1).Select(i => walk.Predicted(i, i + 1))] };
    }

    /// <summary>D with which an Euler step leads from one node to another.</summary>
    private float[] Predicted(int from, int to)
    {
        double factor = Sigmas[from] / (Sigmas[from] - Sigmas[to]);
        return [.. States[from].Zip(States[to], (x, y) => (float)(x + (y - x) * factor))];
    }
}
