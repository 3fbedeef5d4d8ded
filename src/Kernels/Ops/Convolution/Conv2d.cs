using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>Geometry of a 2-D convolution, NHWC x KRSC -> NPQK. P = (H + PadBegin + PadEnd - R) / Stride + 1, Q likewise.</summary>
/// <param name="N">Batch.</param>
/// <param name="H">Input rows.</param>
/// <param name="W">Input columns.</param>
/// <param name="C">Input channels.</param>
/// <param name="K">Output channels.</param>
/// <param name="R">Kernel rows.</param>
/// <param name="S">Kernel columns.</param>
/// <param name="Stride">Step in both directions, 1 or more.</param>
/// <param name="PadBegin">Zeros before the first row and column.</param>
/// <param name="PadEnd">Zeros after the last row and column (diffusers' downsampling pads 0 before and 1 after).</param>
public readonly record struct Conv2dShape(int N, int H, int W, int C, int K, int R, int S, int Stride = 1, int PadBegin = 0, int PadEnd = 0)
{
    /// <summary>Odd kernel, stride 1, output as large as the input.</summary>
    public static Conv2dShape Same(int n, int h, int w, int c, int k, int kernel) =>
        new(n, h, w, c, k, kernel, kernel, 1, kernel / 2, kernel / 2);

    /// <summary>Height of the output, (H + PadBegin + PadEnd - R) / Stride + 1 rounded down; 0 for no stride.</summary>
    public int P => Stride == 0 ? 0 : (H + PadBegin + PadEnd - R) / Stride + 1;

    /// <summary>Width of the output, likewise.</summary>
    public int Q => Stride == 0 ? 0 : (W + PadBegin + PadEnd - S) / Stride + 1;

    /// <summary>[N,H,W,C]</summary>
    public Shape Input => new(N, H, W, C);

    /// <summary>[K,R,S,C]</summary>
    public Shape Weight => new(K, R, S, C);

    /// <summary>[N,P,Q,K]</summary>
    public Shape Output => new(N, P, Q, K);

    /// <summary>The output as blocks, whose moments a convolution can write beside it.</summary>
    public MomentsShape OutputBlocks => new(N, P * Q, K);

    /// <summary>Multiply-adds of one pass: N P Q K R S C.</summary>
    public long Macs => (long)N * P * Q * K * R * S * C;

    internal bool IsValid => N >= 0 && H > 0 && W > 0 && C > 0 && K > 0 && R > 0 && S > 0 && Stride > 0 && PadBegin >= 0 && PadEnd >= 0
        && (long)H + PadBegin + PadEnd is var rows && (long)W + PadBegin + PadEnd is var columns && rows >= R && columns >= S
        && Math.Max(rows, columns) < Shape.MaxLength;
}

public abstract partial class Backend
{
    /// <summary>
    /// y[n,p,q,k] = bias[k] + sum_{r,s,c} x[n, p*Stride + r - PadBegin, q*Stride + s - PadBegin, c] w[k,r,s,c]; zeros outside.
    /// </summary>
    /// <param name="s">Geometry.</param>
    /// <param name="x">[N,H,W,C]; may be BF16.</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="bias">[K] or none.</param>
    /// <param name="y">[N,P,Q,K], overwritten; may be BF16.</param>
    public void Conv2d(in Conv2dShape s, Tensor x, Tensor w, Tensor? bias, Tensor y)
    {
        Require(s.IsValid, $"no such convolution: {s}");
        ExpectActivation(x, s.Input);
        Expect(w, s.Weight);
        if (bias is not null)
            Expect(bias, new Shape(s.K));
        ExpectActivation(y, s.Output);
        Report(new OpCost(x.Bytes + w.Bytes + (bias?.Bytes ?? 0), y.Bytes, 2 * s.Macs) { Macs = s.Macs });
        Writes(y);
        if (!Computes)
            return;
        using var t = Operands(nameof(Conv2d), x, y, null, null, w, bias);
        Conv2dCore(s, t.Read(x), w, bias, t.Write(y));
        t.Store();
    }

    /// <summary>
    /// Gradient with respect to the input (dgrad): dx[n,h,w,c] = sum over all (p,q,r,s,k) that read it of dy[n,p,q,k] w[k,r,s,c].
    /// </summary>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="dy">[N,P,Q,K]; may be BF16.</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="dx">[N,H,W,C], overwritten; may be BF16.</param>
    public void Conv2dDgrad(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx)
    {
        Require(s.IsValid, $"no such convolution: {s}");
        ExpectActivation(dy, s.Output);
        Expect(w, s.Weight);
        ExpectActivation(dx, s.Input);
        Report(new OpCost(dy.Bytes + w.Bytes, dx.Bytes, 2 * s.Macs) { Macs = s.Macs });
        Writes(dx);
        if (!Computes)
            return;
        using var t = Operands(nameof(Conv2dDgrad), dy, dx, null, null, w);
        Conv2dDgradCore(s, t.Read(dy), w, t.Write(dx));
        t.Store();
    }

    /// <summary>
    /// Gradients with respect to weight and bias (wgrad): dw[k,r,s,c] += sum_{n,p,q} dy[n,p,q,k] x[...]; dbias[k] += sum dy.
    /// </summary>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="x">[N,H,W,C]; may be BF16.</param>
    /// <param name="dy">[N,P,Q,K]; may be BF16.</param>
    /// <param name="dw">[K,R,S,C], accumulated.</param>
    /// <param name="dbias">[K], accumulated; or none.</param>
    public void Conv2dWgrad(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, Tensor? dbias)
    {
        Require(s.IsValid, $"no such convolution: {s}");
        ExpectActivation(x, s.Input);
        ExpectActivation(dy, s.Output);
        Expect(dw, s.Weight);
        if (dbias is not null)
            Expect(dbias, new Shape(s.K));
        Report(new OpCost(x.Bytes + dy.Bytes + dw.Bytes, dw.Bytes, 2 * s.Macs) { Macs = s.Macs });
        Writes(dw);
        Writes(dbias);
        if (!Computes)
            return;
        using var t = Operands(nameof(Conv2dWgrad), x, dy, null, null, dw, dbias);
        Conv2dWgradCore(s, t.Read(x), t.Read(dy), dw, dbias);
    }

    private protected abstract void Conv2dCore(in Conv2dShape s, Tensor x, Tensor w, Tensor? bias, Tensor y);

    private protected abstract void Conv2dDgradCore(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx);

    private protected abstract void Conv2dWgradCore(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, Tensor? dbias);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> Conv2dByName()
    {
        string[] extents = ["N", "SIZE", "C", "K", "R"];
        yield return new("conv2d", extents, [4, 16, 64, 64, 3], (t, e) =>
        {
            var s = Conv2dShape.Same(e[0], e[1], e[1], e[2], e[3], e[4]);
            Tensor x = t.Normal(s.Input), w = t.Normal(s.Weight), bias = t.Normal(new(s.K)), y = t.Empty(s.Output), dy = t.Normal(s.Output),
                dx = t.Empty(s.Input),
                dw = t.Zeros(s.Weight), dbias = t.Zeros(bias.Shape);
            return
            [
                new("forward", () => t.Backend.Conv2d(s, x, w, bias, y)), new("dgrad", () => t.Backend.Conv2dDgrad(s, dy, w, dx)),
                new("wgrad", () => t.Backend.Conv2dWgrad(s, x, dy, dw, dbias)),
            ];
        });
    }
}
