using static BDense.Kernels.Ilgpu.IlgpuBackend;
using static BDense.Kernels.Reference.ReferenceBackend;

namespace FusedRmsNorm;

/// <summary>
/// Root-mean-square normalisation (Zhang and Sennrich 2019, eq. 4), alone or with SiLU in the same pass. For each row of C values
/// r = 1/sqrt(mean(x^2) + epsilon), xhat = x r, u = xhat gamma, y = u or u sigmoid(u). Checks and costs, launches, and plain C#.
/// </summary>
public static class RmsNorm
{
    /// <summary>Rows whose share of dgamma is added up by one group or task.</summary>
    public const int ShareRows = 32;

    /// <summary>[1, shares, C]: what <see cref="RmsNormBackward"/> gives for the gradient of gamma.</summary>
    public static Shape Shares(int rows, int c) => new(1, (rows + ShareRows - 1) / ShareRows, c);

    /// <summary>y [rows,C], which may be x, and r [rows] for the backward pass; from x [rows,C], gamma [C] and epsilon above 0.</summary>
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
        else if (backend is ReferenceBackend cpu)
            cpu.For(rows, ShareRows, n =>
            {
                Span<float> xs = Row(x, n, c), ys = Row(y, n, c), g = Values(gamma);
                double squares = 0;
                foreach (float value in xs)
                    squares += (double)value * value;
                float scale = Values(r)[n] = (float)(1 / Math.Sqrt(squares / c + epsilon));
                for (int i = 0; i < c; i++)
                    ys[i] = silu ? DeviceMath.Silu(xs[i] * scale * g[i]) : xs[i] * scale * g[i];
            });
    }

    /// <summary>du = dy dy/du; g = du gamma; dx = r (g - xhat mean(g xhat)); a share is the sum of du xhat over 32 rows.</summary>
    public static void RmsNormBackward(
        this Backend backend, Tensor dy, Tensor x, Tensor gamma, Tensor r, bool silu, Tensor dx, Tensor shares)
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
            gpu.LaunchGroups(RmsNormKernels.RmsNormBackwardKernel, shares.Length / c, View(dy), View(x), View(gamma), View(r),
                silu ? 1 : 0, View(dx), View(shares));
        else if (backend is ReferenceBackend cpu)
            cpu.For(rows, ShareRows, n =>
            {
                Span<float> dys = Row(dy, n, c), xs = Row(x, n, c), dxs = Row(dx, n, c);
                Span<float> g = Values(gamma), share = Row(shares, n / ShareRows, c);
                (float scale, double dot) = (Values(r)[n], 0);
                for (int i = 0; i < c; i++)
                {
                    float xhat = xs[i] * scale, du = dys[i] * (silu ? DeviceMath.SiluDerivative(xhat * g[i]) : 1f);
                    share[i] = n % ShareRows == 0 ? du * xhat : share[i] + du * xhat;
                    dxs[i] = du * g[i];
                    dot += dxs[i] * xhat;
                }
                for (int i = 0; i < c; i++)
                    dxs[i] = scale * (dxs[i] - xs[i] * scale * (float)(dot / c));
            });
    }

    private static Span<float> Row(Tensor x, int n, int c) => Values(x).Slice(n * c, c);
}
