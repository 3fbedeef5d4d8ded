using BDense.Kernels;
using BDense.Kernels.Ilgpu;
using static BDense.Kernels.Ilgpu.IlgpuBackend;
using static BDense.Kernels.Reference.ReferenceBackend;

namespace FusedRmsNorm;

/// <summary>
/// Root-mean-square normalisation (Zhang and Sennrich 2019, eq. 4), alone or with SiLU in the same pass: r = 1/sqrt(mean(x^2) + epsilon) of
/// each row, xhat = x r, u = xhat gamma, y = u or u sigmoid(u). Here are its checks and costs, its launches, and the same in plain C#.
/// </summary>
public static class RmsNorm
{
    /// <summary>Rows of one share of dgamma.</summary>
    public const int ShareRows = 32;

    /// <summary>[1, shares, C] for the gradient of gamma.</summary>
    public static Shape Shares(int rows, int c) => new(1, (rows + ShareRows - 1) / ShareRows, c);

    /// <summary>y [rows,C], which may be x, and r [rows] for the backward pass, from x [rows,C] and gamma [C]; epsilon is above 0.</summary>
    public static void RmsNormForward(this Backend backend, Tensor x, Tensor gamma, float epsilon, bool silu, Tensor y, Tensor r)
    {
        int c = gamma.Length, rows = r.Length;
        var call = backend.Call();
        if (!(epsilon > 0))
            throw call.Refusal($"epsilon is {epsilon}, expected above 0");
        call.Reads(x, new Shape(rows, c));
        call.Reads(gamma, new Shape(c));
        call.Writes(y, new Shape(rows, c), mayBe: x);
        call.Writes(r, new Shape(rows));
        if (!call.Runs(flops: (silu ? 8L : 4L) * x.Length))
            return;
        if (backend is IlgpuBackend gpu)
            gpu.LaunchGroups(RmsNormKernels.RmsNormKernel, rows, View(x), View(gamma), epsilon, silu ? 1 : 0, View(y), View(r));
        else
            ForShares(backend, rows, row =>
            {
                Span<float> xs = Row(x, row, c), ys = Row(y, row, c), g = Values(gamma);
                double squares = 0;
                foreach (float value in xs)
                    squares += (double)value * value;
                float scale = Values(r)[row] = (float)(1 / Math.Sqrt(squares / c + epsilon));
                for (int i = 0; i < c; i++)
                    ys[i] = silu ? DeviceMath.Silu(xs[i] * scale * g[i]) : xs[i] * scale * g[i];
            });
    }

    /// <summary>
    /// du = dy, through SiLU's derivative where fused; g = du gamma; dx [rows,C] = r (g - xhat mean(g xhat)); shares: for each 32 rows the sum
    /// of du xhat, all of which add up to dgamma. xhat and u are computed again from x and r of the forward pass.
    /// </summary>
    public static void RmsNormBackward(this Backend backend, Tensor dy, Tensor x, Tensor gamma, Tensor r, bool silu, Tensor dx, Tensor shares)
    {
        int c = gamma.Length, rows = r.Length;
        var call = backend.Call();
        call.Reads(dy, new Shape(rows, c));
        call.Reads(x, new Shape(rows, c));
        call.Reads(gamma, new Shape(c));
        call.Reads(r, new Shape(rows));
        call.Writes(dx, new Shape(rows, c));
        call.Writes(shares, Shares(rows, c));
        if (!call.Runs(flops: (silu ? 18L : 10L) * x.Length))
            return;
        if (backend is IlgpuBackend gpu)
            gpu.LaunchGroups(RmsNormKernels.RmsNormBackwardKernel, Shares(rows, c)[1], View(dy), View(x), View(gamma), View(r), silu ? 1 : 0,
                View(dx), View(shares));
        else
            ForShares(backend, rows, row =>
            {
                Span<float> dys = Row(dy, row, c), xs = Row(x, row, c), dxs = Row(dx, row, c), g = Values(gamma), share = Row(shares, row / ShareRows, c);
                if (row % ShareRows == 0)
                    share.Clear();
                (float scale, double dot) = (Values(r)[row], 0);
                for (int i = 0; i < c; i++)
                {
                    float xhat = xs[i] * scale, du = dys[i] * (silu ? DeviceMath.SiluDerivative(xhat * g[i]) : 1f);
                    share[i] += du * xhat;
                    dxs[i] = du * g[i];
                    dot += dxs[i] * xhat;
                }
                for (int i = 0; i < c; i++)
                    dxs[i] = scale * (dxs[i] - xs[i] * scale * (float)(dot / c));
            });
    }

    private static Span<float> Row(Tensor x, int row, int c) => Values(x).Slice(row * c, c);

    /// <summary>A share's rows a task, in order: which thread does it changes no bits.</summary>
    private static void ForShares(Backend backend, int rows, Action<int> body) =>
        ((BDense.Kernels.Reference.ReferenceBackend)backend).For(Shares(rows, c: 1)[1], share =>
        {
            for (int row = share * ShareRows; row < Math.Min(rows, (share + 1) * ShareRows); row++)
                body(row);
        });
}
