using BDense.Kernels;
using BDense.Training.Solvers;

namespace BDense.Training.Schedules;

/// <summary>
/// Geometry-inspired time scheduling: of the nodes of a teacher's fine grid those few between which Euler's method leaves the teacher's
/// trajectory least. Chen et al. 2024, "On the trajectory regularity of ODE-based diffusion sampling", with the authors' code for the
/// cost: trajectories of one network share their shape, so that a schedule fitted to a few of them serves all.
/// </summary>
/// <remarks>
/// The cost of a step from node i to node j is what it adds to the distance from the chord between noise and image:
/// c_ij = E[dev(x_i + (t_j - t_i) d_i) - dev(x_j)], dev(x) = |x - x_0 - u u' (x - x_0)|, u = (x_N - x_0) / |x_N - x_0|, d_i the
/// teacher's slope (x_i - D_i) / t_i. The path of k steps from node i costs V[i,k] = min_j c_ij + gamma V[j,k-1]; gamma above 1,
/// the memory coefficient, charges later steps for the errors that they inherit.
/// </remarks>
public static class Gits
{
    /// <summary>gamma as published.</summary>
    public const double Memory = 1.15;

    /// <summary>Nodes of the teacher's grid as published.</summary>
    public const int Nodes = 61;

    /// <summary>The teacher's solver as published.</summary>
    public const string TeacherSolver = "ipndm";

    /// <summary>The schedule: <paramref name="steps"/> + 1 of the grid's noise levels, both ends among them.</summary>
    /// <param name="batches">Noises at grid[0], each with its denoiser.</param>
    /// <param name="teacher">Its solver.</param>
    /// <param name="grid">Its nodes.</param>
    /// <param name="steps">1 to as many as the grid has.</param>
    /// <param name="memory">gamma, above 0.</param>
    /// <param name="cancellation">Looked at between the teacher's steps.</param>
    public static double[] Fit(IEnumerable<(Denoise Denoise, Tensor X)> batches, Solver teacher, double[] grid, int steps,
        double memory = Memory, CancellationToken cancellation = default) =>
        [.. Path(Costs(batches, teacher, grid, cancellation), steps, memory).Select(i => grid[i])];

    /// <summary>c_ij for i below j, the mean over all samples; 0 elsewhere. States are kept on the host, a batch at a time.</summary>
    /// <param name="batches">[N,...] each.</param>
    /// <param name="teacher">Its solver.</param>
    /// <param name="grid">Its nodes.</param>
    /// <param name="cancellation">Looked at between the teacher's steps.</param>
    public static double[,] Costs(IEnumerable<(Denoise Denoise, Tensor X)> batches, Solver teacher, double[] grid,
        CancellationToken cancellation = default)
    {
        int last = grid.Length - 1;
        var costs = new double[grid.Length, grid.Length];
        long samples = 0;
        foreach (var (denoise, x) in batches)
        {
            var (states, denoised) = (new List<float[]> { x.ToArray() }, new List<float[]>());
            using (teacher.Run(denoise, x, grid, new SolverOptions
            {
                Cancellation = cancellation,
                OnStep = s =>
                {
                    states.Add(s.State.ToArray());
                    denoised.Add(s.Denoised.ToArray());
                },
            }))
            {
                int n = x.Shape[0], length = x.Length / n;
                for (int sample = 0; sample < n; sample++)
                    AddCosts(costs, states, denoised, grid, sample * length, length);
                samples += n;
            }
        }
        for (int i = 0; i <= last; i++)
        {
            for (int j = 0; j <= last; j++)
                costs[i, j] /= Math.Max(1, samples);
        }
        return costs;
    }

    /// <summary>The cheapest path from the first node to the last in exactly so many steps: its nodes' places.</summary>
    /// <exception cref="UsageException">More steps than there are, or none.</exception>
    public static int[] Path(double[,] costs, int steps, double memory)
    {
        int last = costs.GetLength(0) - 1;
        if (steps < 1 || steps > last)
            throw new UsageException($"a schedule of 1 to {last} steps can be chosen among {last + 1} nodes, not of {steps}");
        if (!(memory > 0 && double.IsFinite(memory)))
            throw new UsageException(FormattableString.Invariant($"the memory coefficient is above 0, not {memory}"));
        var (value, next) = (new double[last + 1, steps + 1], new int[last + 1, steps + 1]);
        for (int i = 0; i < last; i++)
            (value[i, 1], next[i, 1]) = (costs[i, last], last);
        for (int k = 2; k <= steps; k++)
        {
            // k steps must still fit between node i and the last.
            for (int i = 0; i <= last - k; i++)
            {
                value[i, k] = double.PositiveInfinity;
                for (int j = i + 1; j <= last - k + 1; j++)
                {
                    double path = costs[i, j] + memory * value[j, k - 1];
                    if (path < value[i, k])
                        (value[i, k], next[i, k]) = (path, j);
                }
            }
        }
        var places = new int[steps + 1];
        for (int k = steps; k >= 1; k--)
            places[steps - k + 1] = next[places[steps - k], k];
        return places;
    }

    /// <summary>One sample's. |p + h q|^2 of the parts of x_i - x_0 and d_i across the chord follows from three inner products.</summary>
    private static void AddCosts(double[,] costs, List<float[]> states, List<float[]> denoised, double[] grid, int at, int length)
    {
        int last = grid.Length - 1;
        float[] first = states[0], end = states[last];
        double chord = 0;
        for (int e = at; e < at + length; e++)
            chord += ((double)end[e] - first[e]) * ((double)end[e] - first[e]);
        chord = Math.Sqrt(chord);
        var (own, cross, slope) = (new double[last + 1], new double[last + 1], new double[last + 1]);
        for (int i = 0; i <= last; i++)
        {
            double vv = 0, vd = 0, dd = 0, vu = 0, du = 0;
            for (int e = at; e < at + length; e++)
            {
                double u = ((double)end[e] - first[e]) / chord, v = (double)states[i][e] - first[e], d = i == last ? 0
                    : ((double)states[i][e] - denoised[i][e]) / grid[i];
                vv += v * v;
                vd += v * d;
                dd += d * d;
                vu += v * u;
                du += d * u;
            }
            (own[i], cross[i], slope[i]) = (vv - vu * vu, vd - vu * du, dd - du * du);
        }
        for (int i = 0; i < last; i++)
        {
            for (int j = i + 1; j <= last; j++)
            {
                double h = grid[j] - grid[i];
                costs[i, j] += Math.Sqrt(Math.Max(0, own[i] + 2 * h * cross[i] + h * h * slope[i])) - Math.Sqrt(Math.Max(0, own[j]));
            }
        }
    }
}
