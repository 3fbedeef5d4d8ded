using BDense.Kernels;
using BDense.Model.Networks;
using MathNet.Numerics.LinearAlgebra;

namespace BDense.Training.Distillation;

/// <summary>
/// A student's step with fitted coefficients: a linear multistep method over its heads. In an interval that starts at x_0 with noise level
/// sigma_0, the student's own endpoint x_K is corrected to x_K + a x_0 / sigma_0 + sum_j b_j D_j + sum_j c_j D'_j, where D_j are the
/// K denoised images that its heads stand for and D'_j those of the interval before. a, b, c are 1 + 2K numbers an interval, by
/// least squares against the teacher's state at the interval's end, interval after interval, over noises of their own.
/// </summary>
/// <remarks>
/// No network evaluation is added: the heads are there. One head is the plain student's: 1 + 2 numbers. Coefficients of a solver fitted
/// to a teacher: Liu et al. 2023 (OLSS), eq. 8; here to a distilled student and over heads of one evaluation.
/// </remarks>
public sealed class FittedSteps
{
    // Relative to each direction's own square: the heads nearly agree, and only what the data say clearly is to be corrected.
    private const double Ridge = 1e-4;

    private readonly Student _student;
    private readonly int _first;
    private readonly double[]?[] _coefficients;

    private FittedSteps(Student student)
    {
        _student = student;
        _first = student.Grid.Intervals - student.Evaluations;
        _coefficients = new double[student.Grid.Intervals][];
    }

    /// <summary>
    /// For each interval a, b_0..b_{K-1}, then c_0..c_{K-1} where there is an interval before; none for the analytical interval.
    /// </summary>
    public IReadOnlyList<double[]?> Coefficients => _coefficients;

    /// <summary>Coefficients of an earlier fit.</summary>
    /// <exception cref="BDenseException">Not as many as this student's intervals and heads ask for.</exception>
    public static FittedSteps Of(Student student, IReadOnlyList<double[]?> coefficients)
    {
        var fitted = new FittedSteps(student);
        int k = student.Grid.Branches;
        bool fits = coefficients.Count == student.Grid.Intervals && coefficients.Select((c, i) => i < fitted._first ? c is null
            : c is not null && (c.Length == 1 + k || (i > fitted._first && c.Length == 1 + 2 * k)) && c.All(double.IsFinite))
            .All(fit => fit);
        if (!fits)
            throw new BDenseException(
                $"fitted coefficients of another student: not 1 + {k} or 1 + {2 * k} finite numbers for each of {student.Evaluations} "
                    + "evaluations");
        coefficients.ToArray().CopyTo(fitted._coefficients, 0);
        return fitted;
    }

    /// <summary>Fits them.</summary>
    /// <param name="student">Stays as it is.</param>
    /// <param name="noises">Batches of x at the largest noise level, [N,H,W,C].</param>
    /// <param name="targets">For each batch and interval the teacher's state at the interval's end.</param>
    /// <param name="history">Whether the interval before is used.</param>
    /// <param name="labels">Of each batch, for a class-conditional student; or none.</param>
    public static FittedSteps Fit(Student student, IReadOnlyList<Tensor> noises, IReadOnlyList<float[][]> targets, bool history = true,
        IReadOnlyList<Tensor?>? labels = null)
    {
        var fitted = new FittedSteps(student);
        var walks = noises.Select((x, n) => new Walk(x.Share(), [], labels?[n])).ToList();
        try
        {
            for (int i = 0; i < student.Grid.Intervals; i++)
            {
                if (i < fitted._first)
                {
                    walks.ForEach(w => w.Go(fitted.Analytical(i, w.State), []));
                    continue;
                }
                var steps = walks.Select(w => fitted.Directions(i, w, history)).ToList();
                fitted._coefficients[i] = Solve(steps, [.. targets.Select(t => t[i])]);
                for (int n = 0; n < walks.Count; n++)
                    fitted.Advance(i, walks[n], steps[n]);
            }
        }
        finally
        {
            walks.ForEach(w => w.Dispose());
        }
        return fitted;
    }

    /// <summary>
    /// As <see cref="Student.Sample"/>, which calls it; the caller disposes the endpoint. The last state of each interval is shown
    /// corrected.
    /// </summary>
    public Tensor Sample(Tensor x, Tensor? labels = null, Action<int, double, Tensor>? onState = null,
        CancellationToken cancellation = default)
    {
        int k = _student.Grid.Branches;
        using var walk = new Walk(x.Share(), [], labels);
        for (int i = 0; i < _student.Grid.Intervals; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (i < _first)
            {
                walk.Go(Analytical(i, walk.State, onState), []);
                continue;
            }
            Advance(i, walk, Directions(i, walk, _coefficients[i]!.Length > 1 + k, onState));
            onState?.Invoke((i + 1) * k, _student.Grid.Student[i + 1], walk.State);
        }
        return walk.State.Share();
    }

    private Tensor Analytical(int i, Tensor x, Action<int, double, Tensor>? onState = null)
    {
        var nodes = _student.Grid.Nodes(i);
        return Student.AnalyticalInterval(x, nodes, (j, y) => onState?.Invoke(i * _student.Grid.Branches + j, nodes[j], y));
    }

    /// <summary>x_K, and the directions to correct it along.</summary>
    private Step Directions(int i, Walk walk, bool history, Action<int, double, Tensor>? onState = null)
    {
        var backend = walk.State.Backend;
        var nodes = _student.Grid.Nodes(i);
        int k = _student.Grid.Branches;
        var shape = walk.State.Shape;
        using var condition = _student.StepCondition ? DistillationMethods.StepCondition(backend, _student.Grid, shape[0]) : null;
        using var states = StateStep.States(new Denoiser(_student.Network), _student.Layout, walk.State, nodes,
            new ForwardOptions(Labels: walk.Labels, Step: condition));
        var denoised = new Tensor[k];
        for (int j = 0; j < k; j++)
        {
            // D_j from the Euler step that it made: x_{j+1} = r x + (1 - r) D_j, from state j or, in parallel, from the start.
            bool chained = _student.Layout == BranchLayout.Chained && j > 0;
            double r = nodes[j + 1] / (chained ? nodes[j] : nodes[0]);
            using var to = StateStep.StateOf(states, j, shape);
            using var from = chained ? StateStep.StateOf(states, j - 1, shape) : walk.State.Share();
            denoised[j] = backend.Empty(shape);
            backend.LinearCombination([(float)(1 / (1 - r)), (float)(-r / (1 - r))], [to, from], denoised[j]);
            if (j < k - 1)
                onState?.Invoke(i * k + j + 1, nodes[j + 1], to);
        }
        using var last = StateStep.StateOf(states, k - 1, shape);
        var end = backend.Empty(shape);
        backend.Copy(last, end);
        var start = backend.Empty(shape);
        backend.Scale(walk.State, (float)(1 / nodes[0]), start);
        return new Step(end, start, denoised, history ? walk.Denoised : []);
    }

    private void Advance(int i, Walk walk, Step step)
    {
        var c = _coefficients[i]!;
        var directions = step.Directions;
        for (int from = 0; from < directions.Count; from += Backend.MaxTerms - 1)
        {
            var part = directions.Skip(from).Take(Backend.MaxTerms - 1).ToArray();
            step.End.Backend.LinearCombination([1f, .. c.Skip(from).Take(part.Length).Select(v => (float)v)],
                [step.End, .. part], step.End);
        }
        step.Start.Dispose();
        walk.Go(step.End, step.Denoised);
    }

    private static double[] Solve(List<Step> steps, float[][] targets)
    {
        int m = steps[0].Directions.Count;
        var (normal, right) = (Matrix<double>.Build.Dense(m, m), Vector<double>.Build.Dense(m));
        for (int n = 0; n < steps.Count; n++)
        {
            float[] end = steps[n].End.ToArray();
            float[][] directions = [.. steps[n].Directions.Select(d => d.ToArray())];
            for (int p = 0; p < m; p++)
            {
                for (int q = 0; q <= p; q++)
                    normal[p, q] += Inner(directions[p], e => directions[q][e]);
                right[p] += Inner(directions[p], e => (double)targets[n][e] - end[e]);
            }
        }
        for (int p = 0; p < m; p++)
        {
            for (int q = 0; q < p; q++)
                normal[q, p] = normal[p, q];
        }
        for (int p = 0; p < m; p++)
            normal[p, p] = normal[p, p] * (1 + Ridge) + 1e-30;
        return normal.Cholesky().Solve(right).ToArray();

        static double Inner(float[] a, Func<int, double> b)
        {
            double sum = 0;
            for (int e = 0; e < a.Length; e++)
                sum += a[e] * b(e);
            return sum;
        }
    }

    /// <summary>One batch's step before it is corrected: x_K, x_0 / sigma_0, the heads' images, and those of the interval before.</summary>
    private sealed record Step(Tensor End, Tensor Start, Tensor[] Denoised, Tensor[] Before)
    {
        public IReadOnlyList<Tensor> Directions => [Start, .. Denoised, .. Before];
    }

    /// <summary>One batch on its way: its state, the last interval's images, and its classes, which stay the caller's.</summary>
    private sealed class Walk(Tensor state, Tensor[] denoised, Tensor? labels) : IDisposable
    {
        public Tensor? Labels => labels;

        public Tensor State { get; private set; } = state;

        public Tensor[] Denoised { get; private set; } = denoised;

        public void Go(Tensor next, Tensor[] images)
        {
            Dispose();
            (State, Denoised) = (next, images);
        }

        public void Dispose()
        {
            State.Dispose();
            foreach (var image in Denoised)
                image.Dispose();
        }
    }
}
