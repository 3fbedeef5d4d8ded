using System.Runtime.CompilerServices;

namespace BDense.Kernels;

/// <summary>Resampling by the box filter [1,1].</summary>
public enum Resampling
{
    /// <summary>None.</summary>
    None,

    /// <summary>Means of 2x2 blocks.</summary>
    Down,

    /// <summary>Every pixel copied to a 2x2 block.</summary>
    Up,
}

/// <summary>
/// What becomes of a convolution's input on its way in: u = resample(act(scale[n,c] x + shift[n,c])). The padding's zeros are around u:
/// neither shift nor SiLU touches them.
/// </summary>
/// <param name="ScaleShift">[N,2C]: C scales, then C shifts, of each sample (<see cref="Backend.GroupNormFactors"/>); or none.</param>
/// <param name="Silu">Whether SiLU follows scale and shift.</param>
/// <param name="Resampling">Of the activated image.</param>
public readonly record struct ConvolutionPrologue(Tensor? ScaleShift, bool Silu = false, Resampling Resampling = Resampling.None)
{
    internal bool IsNone => ScaleShift is null && !Silu && Resampling == Resampling.None;
}

/// <summary>What becomes of a convolution's sum before it is stored: y = act((sum + bias[k] + embedding[n,k] + residual[n,p,q,k]) * scale).</summary>
/// <param name="Bias">[K] or none.</param>
/// <param name="Embedding">[N,K], added to every pixel; or none.</param>
/// <param name="Residual">As the output, and not the output itself; or none.</param>
/// <param name="Scale">Not 0.</param>
/// <param name="Silu">Whether SiLU comes last.</param>
public readonly record struct ConvolutionEpilogue(Tensor? Bias, Tensor? Embedding = null, Tensor? Residual = null, float Scale = 1f, bool Silu = false)
{
    /// <summary>Whether there is more than a bias, which every convolution adds.</summary>
    internal bool IsBias => Embedding is null && Residual is null && Scale == 1f && !Silu;

    /// <summary>Floats read.</summary>
    internal long Length => (Bias?.Length ?? 0L) + (Embedding?.Length ?? 0) + (Residual?.Length ?? 0);
}

/// <summary>What a device does within the convolution's own kernels.</summary>
[Flags]
public enum ConvolutionParts
{
    None = 0,

    /// <summary>Scale, shift and SiLU while the input is loaded, forward and wgrad.</summary>
    Prologue = 1,

    /// <summary>Resampling.</summary>
    Resampling = 2,

    /// <summary>Embedding, residual, scale and SiLU before the result is stored.</summary>
    Epilogue = 4,

    All = Prologue | Resampling | Epilogue,
}

public abstract partial class Backend
{
    /// <summary>
    /// Which parts of a fused convolution this device has a kernel for that is faster than the composition; the others are composed of
    /// plain operations. Depends on the shape alone.
    /// </summary>
    /// <param name="s">Geometry of the convolution, after resampling.</param>
    /// <param name="resampling">Of its input.</param>
    public virtual ConvolutionParts FusedParts(in Conv2dShape s, Resampling resampling) => ConvolutionParts.None;

    /// <summary>
    /// y = act((conv(resample(act(scale x + shift)), w) + bias + embedding + residual) * scale) in one launch, as far as the device has
    /// it (<see cref="FusedParts"/>). Bytes: x, w and what the epilogue adds read once, y written once; normalised, resampled and raw
    /// values never reach memory.
    /// </summary>
    /// <remarks>
    /// Upsampled by copies, the nine taps of a 3x3 kernel fall on four pixels of x: each of the four kinds of output pixel is a 2x2
    /// convolution of x, together the transpose of a 4x4 convolution of stride 2 (<see cref="UpsampleWeights"/>), 16 multiply-adds where
    /// there were 36. Downsampling is the mean in the load: 9 multiply-adds an input channel, where one kernel for both would be 6x6 with 36.
    /// </remarks>
    /// <param name="s">Geometry of the convolution: H and W are those after resampling.</param>
    /// <param name="x">[N,H,W,C]; [N,2H,2W,C] before <see cref="Resampling.Down"/>, [N,H/2,W/2,C] before <see cref="Resampling.Up"/>.</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="prologue">On the way in.</param>
    /// <param name="epilogue">On the way out.</param>
    /// <param name="y">[N,P,Q,K], overwritten.</param>
    public void FusedConv2d(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue, Tensor y)
    {
        CheckFused(s, x, prologue);
        Expect(w, s.Weight);
        CheckEpilogue(s, epilogue);
        Expect(y, s.Output);
        var parts = FusedParts(s, prologue.Resampling);
        if (Materialised(s, x, prologue, parts, out var rest) is { } input)
        {
            using (input)
                FusedConv2d(s, input, w, rest, epilogue, y);
            return;
        }
        if (!epilogue.IsBias && !parts.HasFlag(ConvolutionParts.Epilogue))
        {
            FusedConv2d(s, x, w, prologue, new ConvolutionEpilogue(epilogue.Bias), y);
            Finish(epilogue, y);
            return;
        }
        if (prologue.IsNone && epilogue.IsBias)
        {
            Conv2d(s, x, w, epilogue.Bias, y);
            return;
        }
        using var large = prologue.Resampling == Resampling.Up ? Empty(UpsampledShape(s).Weight) : w.Share();
        if (prologue.Resampling == Resampling.Up)
            UpsampleWeights(w, large);
        Report(OpCost.Of((long)x.Length + large.Length + (prologue.ScaleShift?.Length ?? 0) + epilogue.Length, y.Length, FusedFlops(s, x, prologue)
            + (epilogue.IsBias ? 0 : (epilogue.Silu ? 7L : 3L) * y.Length)));
        Writes(y);
        FusedConv2dCore(s, x, large, prologue, epilogue, y);
    }

    /// <summary>
    /// The gradient of <see cref="FusedConv2d"/> with respect to v = act(scale x + shift): dgrad, then the adjoint of the resampling. After
    /// <see cref="Resampling.Up"/> a 4x4 convolution of stride 2 over dy, where the device fuses resampling.
    /// </summary>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="dy">[N,P,Q,K]: the gradient of the convolution's sum.</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="resampling">Of the forward pass.</param>
    /// <param name="dv">As x there, overwritten.</param>
    public void FusedConv2dDgrad(in Conv2dShape s, Tensor dy, Tensor w, Resampling resampling, Tensor dv)
    {
        CheckFused(s, dv, new ConvolutionPrologue(null, Resampling: resampling));
        Expect(dy, s.Output);
        Expect(w, s.Weight);
        if (resampling == Resampling.None)
        {
            Conv2dDgrad(s, dy, w, dv);
        }
        else if (resampling == Resampling.Up && FusedParts(s, resampling).HasFlag(ConvolutionParts.Resampling))
        {
            var large = UpsampledShape(s);
            using var weights = Empty(large.Weight);
            UpsampleWeights(w, weights);
            Conv2d(large, dy, weights, null, dv);
        }
        else
        {
            using var du = Empty(s.Input);
            Conv2dDgrad(s, dy, w, du);
            if (resampling == Resampling.Up)
                Downsample(du, dv, 1f);
            else
                Upsample(du, dv, 0.25f);
        }
    }

    /// <summary>
    /// The gradients of <see cref="FusedConv2d"/> with respect to weight and bias: dw[k,r,s,c] += sum dy[n,p,q,k] u[...], dbias[k] += sum dy.
    /// u is computed again from x while it is loaded; after <see cref="Resampling.Up"/> this is the wgrad of the 4x4 convolution of stride 2
    /// with input and output exchanged, summed to 3x3.
    /// </summary>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="x">As in the forward pass.</param>
    /// <param name="prologue">Of the forward pass.</param>
    /// <param name="dy">[N,P,Q,K]: the gradient of the convolution's sum.</param>
    /// <param name="dw">[K,R,S,C], accumulated.</param>
    /// <param name="dbias">[K], accumulated; or none.</param>
    public void FusedConv2dWgrad(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw, Tensor? dbias)
    {
        CheckFused(s, x, prologue);
        Expect(dy, s.Output);
        Expect(dw, s.Weight);
        if (dbias is not null)
            Expect(dbias, new Shape(s.K));
        var parts = FusedParts(s, prologue.Resampling);
        // The way round has x in the place of dy, which is not loaded through a prologue.
        if (prologue.Resampling == Resampling.Up)
            parts &= ~ConvolutionParts.Prologue;
        if (Materialised(s, x, prologue, parts, out var rest) is { } input)
        {
            using (input)
                FusedConv2dWgrad(s, input, rest, dy, dw, dbias);
            return;
        }
        if (prologue.IsNone)
        {
            Conv2dWgrad(s, x, dy, dw, dbias);
            return;
        }
        if (prologue.Resampling == Resampling.Up)
        {
            var large = UpsampledShape(s);
            using (var dlarge = Zeros(large.Weight))
            {
                Conv2dWgrad(large, dy, x, dlarge, null);
                UpsampleWeightsBackward(dlarge, dw);
            }
            if (dbias is null)
                return;
            using Tensor pixels = dy.Reshape(new Shape(1, s.N * s.P * s.Q, s.K)), sum = Empty(new Shape(1, s.K)), total = dbias.Reshape(sum.Shape);
            BroadcastAddBackward(pixels, sum);
            Add(total, sum, total);
            return;
        }
        Report(OpCost.Of((long)x.Length + dy.Length + dw.Length + (prologue.ScaleShift?.Length ?? 0), dw.Length, FusedFlops(s, x, prologue)));
        Writes(dw);
        Writes(dbias);
        FusedConv2dWgradCore(s, x, prologue, dy, dw, dbias);
    }

    /// <summary>What <see cref="FusedParts"/> promises for the shape. After <see cref="Resampling.Up"/> w is [C,4,4,K] (<see cref="UpsampleWeights"/>).</summary>
    protected abstract void FusedConv2dCore(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue, Tensor y);

    /// <summary>The same for wgrad, but for <see cref="Resampling.Up"/>.</summary>
    protected abstract void FusedConv2dWgradCore(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw, Tensor? dbias);

    /// <summary>The 4x4 convolution of stride 2 from the output of an upsampled 3x3 convolution to its input, whose transpose it is.</summary>
    protected static Conv2dShape UpsampledShape(in Conv2dShape s) => new(s.N, s.H, s.W, s.K, s.C, 4, 4, 2, 1, 1);

    /// <summary>Whether a convolution of an upsampled input is the transpose of one of stride 2: 3x3, stride 1, as large as the input.</summary>
    protected static bool IsUpsampled(in Conv2dShape s, Resampling resampling) =>
        resampling == Resampling.Up && s is { R: 3, S: 3, Stride: 1, PadBegin: 1, PadEnd: 1 };

    /// <summary>The first of scale and shift, and resampling, that the device does not do by itself, done; and what is left to do. None if there is no such step.</summary>
    private Tensor? Materialised(in Conv2dShape s, Tensor x, in ConvolutionPrologue p, ConvolutionParts parts, out ConvolutionPrologue rest)
    {
        bool resample = p.Resampling != Resampling.None && !parts.HasFlag(ConvolutionParts.Resampling);
        bool activate = p.ScaleShift is not null && (resample || !parts.HasFlag(ConvolutionParts.Prologue));
        rest = activate ? new ConvolutionPrologue(null, Resampling: p.Resampling) : resample ? default : p;
        if (!activate && !resample)
            return null;
        var u = Empty(activate ? x.Shape : s.Input);
        try
        {
            if (activate)
                ScaleShift(x, p.ScaleShift!, p.Silu, u);
            else if (p.Resampling == Resampling.Up)
                Upsample(x, u);
            else
                Downsample(x, u);
            return u;
        }
        catch
        {
            u.Dispose();
            throw;
        }
    }

    /// <summary>The epilogue behind the bias as plain operations on y.</summary>
    private protected void Finish(in ConvolutionEpilogue e, Tensor y)
    {
        if (e.Embedding is not null)
            BroadcastAdd(y, e.Embedding, y);
        if (e.Residual is not null)
            LinearCombination([e.Scale, e.Scale], [y, e.Residual], y);
        else if (e.Scale != 1f)
            Scale(y, e.Scale, y);
        if (e.Silu)
            Silu(y, y);
    }

    private static long FusedFlops(in Conv2dShape s, Tensor x, in ConvolutionPrologue p) =>
        (p.Resampling == Resampling.Up ? 8 * s.Macs / 9 : 2 * s.Macs) + (p.ScaleShift is null ? 0 : (p.Silu ? 6L : 2L) * x.Length)
        + (p.Resampling == Resampling.Down ? x.Length : 0);

    private void CheckFused(in Conv2dShape s, Tensor x, in ConvolutionPrologue p, [CallerMemberName] string op = "")
    {
        Require(s.IsValid, $"no such convolution: {s}", op);
        Require(p.Resampling != Resampling.Up || (s.H % 2 == 0 && s.W % 2 == 0), $"{s.H} x {s.W} pixels are not twice as many as any", op);
        Require(p.ScaleShift is not null || !p.Silu, "SiLU on the way in needs scale and shift", op);
        Expect(x, p.Resampling switch
        {
            Resampling.Down => new Shape(s.N, 2 * s.H, 2 * s.W, s.C),
            Resampling.Up => new Shape(s.N, s.H / 2, s.W / 2, s.C),
            _ => s.Input,
        }, op: op);
        if (p.ScaleShift is { } scaleShift)
            Expect(scaleShift, new Shape(s.N, 2 * s.C), op: op);
    }

    private void CheckEpilogue(in Conv2dShape s, in ConvolutionEpilogue e, [CallerMemberName] string op = "")
    {
        if (e.Bias is { } bias)
            Expect(bias, new Shape(s.K), op: op);
        if (e.Embedding is { } embedding)
            Expect(embedding, new Shape(s.N, s.K), op: op);
        if (e.Residual is { } residual)
            Expect(residual, s.Output, op: op);
        Require(e.Scale != 0f, "a scale of 0 leaves nothing of the convolution", op);
    }
}
