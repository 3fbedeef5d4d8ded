using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Training.Distillation;

/// <summary>How a branch state depends on the heads.</summary>
public enum BranchLayout
{
    /// <summary>State b is b Euler steps from x_0, step j on head j: B-DENSE on SFD.</summary>
    Chained,

    /// <summary>State b is one Euler (DDIM) step from x_0 on head b alone: B-DENSE on progressive distillation.</summary>
    Parallel,
}

/// <summary>
/// The linear trajectory map: x_b = S_b x_0 + sum_j M[b,j] F_j, b = 1..K, for every sample its own noise levels
/// sigma_0 > sigma_1 > ... > sigma_K. With D_j = c_skip x_0 + c_out F_j at sigma_0 (any prediction), r_b = sigma_b / sigma_0:
/// S_b = r_b + c_skip (1 - r_b) in both layouts;
/// chained, M[b,j] = c_out (sigma_b / sigma_{j+1} - sigma_b / sigma_j) for j below b, else 0: b Euler steps
/// x_{j+1} = x_j + (sigma_{j+1} - sigma_j) (x_j - D_j) / sigma_j written out;
/// parallel, M[b,b-1] = c_out (1 - r_b): DDIM steps from x_0 to each sigma_b.
/// </summary>
/// <remarks>
/// One branch is both: plain SFD and plain progressive distillation; to sigma_1 = 0 it is the denoiser itself
/// (S = c_skip, M = c_out), so that denoising score matching is the same loss. Everything is computed in doubles.
/// </remarks>
public sealed class TrajectoryMap
{
    private TrajectoryMap(int samples, int branches)
    {
        Samples = samples;
        Branches = branches;
        Skip = new double[samples * branches];
        Map = new double[samples * branches * branches];
    }

    /// <summary>N.</summary>
    public int Samples { get; }

    /// <summary>K.</summary>
    public int Branches { get; }

    /// <summary>S: [N,K]</summary>
    public double[] Skip { get; }

    /// <summary>M: [N,K,K]; row b - 1 belongs to state b.</summary>
    public double[] Map { get; }

    /// <param name="layout">Chained or parallel.</param>
    /// <param name="prediction">What F predicts.</param>
    /// <param name="sigmaData">Of the network; used by EDM's prediction.</param>
    /// <param name="nodes">[N,K+1] falling noise levels, sample after sample; or [K+1] for all. The last may be 0.</param>
    /// <param name="branches">K.</param>
    /// <param name="samples">N.</param>
    public static TrajectoryMap Of(BranchLayout layout, Prediction prediction, double sigmaData, ReadOnlySpan<double> nodes,
        int branches, int samples)
    {
        if (branches is < 1 or > Backend.MaxBranches)
            throw new UsageException($"{branches} branches; 1 to {Backend.MaxBranches} are possible");
        if (nodes.Length != branches + 1 && nodes.Length != samples * (branches + 1))
            throw new BDenseException($"{nodes.Length} noise levels for {samples} samples of {branches} branches");
        var map = new TrajectoryMap(samples, branches);
        for (int n = 0; n < samples; n++)
        {
            var sigma = nodes.Length == branches + 1 ? nodes : nodes.Slice(n * (branches + 1), branches + 1);
            var c = Preconditioning.At(prediction, sigma[0], sigmaData);
            for (int b = 1; b <= branches; b++)
            {
                if (!(sigma[b] < sigma[b - 1] && sigma[b] >= 0))
                    throw new BDenseException(
                        FormattableString.Invariant($"branch times fall: {sigma[b - 1]:g6} is followed by {sigma[b]:g6}"));
                double ratio = sigma[b] / sigma[0];
                map.Skip[n * branches + b - 1] = ratio + c.Skip * (1 - ratio);
                var row = map.Row(n, b);
                if (layout == BranchLayout.Parallel)
                {
                    row[b - 1] = c.Out * (1 - ratio);
                    continue;
                }
                // sigma_b / sigma_{j+1} at j = b - 1 is 1, also where sigma_b = 0.
                for (int j = 0; j < b; j++)
                    row[j] = c.Out * ((j == b - 1 ? 1 : sigma[b] / sigma[j + 1]) - sigma[b] / sigma[j]);
            }
        }
        return map;
    }

    /// <summary>
    /// c_j = M[K,j] / sum_j M[K,j]: the endpoint depends on sum_j c_j F_j alone, so these fold K heads into one
    /// (<see cref="BranchHead.Fold(INetwork, ReadOnlySpan{double})"/>). Chained: (1/sigma_{j+1} - 1/sigma_j) / (1/sigma_K - 1/sigma_0);
    /// parallel: the last head.
    /// </summary>
    public double[] FoldCoefficients(int sample = 0)
    {
        var row = Row(sample, Branches).ToArray();
        double sum = row.Sum();
        return [.. row.Select(m => m / sum)];
    }

    /// <summary>S and M on the device.</summary>
    public (Tensor Skip, Tensor Map) Upload(Backend backend) =>
        (backend.FromArray(Floats(Skip), new Shape(Samples, Branches)),
            backend.FromArray(Floats(Map), new Shape(Samples, Branches, Branches)));

    internal static float[] Floats(double[] values) => Array.ConvertAll(values, v => (float)v);

    private Span<double> Row(int sample, int b) => Map.AsSpan((sample * Branches + b - 1) * Branches, Branches);
}
