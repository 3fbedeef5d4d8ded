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

/// <summary>
/// What becomes of a convolution's sum before it is stored: y = act((sum + bias[k] + embedding[n,k] + residual[n,p,q,k]) * scale).
/// </summary>
/// <param name="Bias">[K] or none.</param>
/// <param name="Embedding">[N,K], added to every pixel; or none.</param>
/// <param name="Residual">As the output, and not the output itself; may be BF16; or none.</param>
/// <param name="Scale">Not 0.</param>
/// <param name="Silu">Whether SiLU comes last.</param>
/// <param name="Moments">[N,PQ/16,K], overwritten: moments of y as it is stored, for a group normalisation of it (<see
/// cref="Backend.Moments"/>); or none.</param>
public readonly record struct ConvolutionEpilogue(Tensor? Bias, Tensor? Embedding = null, Tensor? Residual = null, float Scale = 1f,
    bool Silu = false, Tensor? Moments = null)
{
    /// <summary>Whether y is the sum and a bias, which every convolution adds.</summary>
    internal bool IsBias => Embedding is null && Residual is null && Scale == 1f && !Silu;

    /// <summary>Read.</summary>
    internal long Bytes => (Bias?.Bytes ?? 0) + (Embedding?.Bytes ?? 0) + (Residual?.Bytes ?? 0);
}

public abstract partial class Backend
{
    /// <summary>What this device does within a fused convolution's launches, and faster than apart: by shape alone.</summary>
    /// <param name="s">Geometry of the convolution, after resampling.</param>
    /// <param name="resampling">Of its input.</param>
    public virtual ConvolutionSupport SupportOf(in Conv2dShape s, Resampling resampling) => default;

    /// <summary>
    /// y = act((conv(resample(act(scale x + shift)), w) + bias + embedding + residual) * scale) in one launch, as far as the device has
    /// it (<see cref="SupportOf"/>); the rest as operations of their own, float32 in between, so that a BF16 y is rounded once. Bytes: x,
    /// w and what the epilogue adds read once, y written once; normalised, resampled and raw values never reach memory.
    /// </summary>
    /// <remarks>
    /// Upsampled by copies, the nine taps of a 3x3 kernel fall on four pixels of x: each of the four kinds of output pixel is a 2x2
    /// convolution of x, together the transpose of a 4x4 convolution of stride 2 (<see cref="UpsampleWeights"/>), 16 multiply-adds where
    /// there were 36. Downsampling is the mean in the load: 9 multiply-adds an input channel, where one kernel for both would be 6x6 with
    /// 36.
    /// </remarks>
    /// <param name="s">Geometry of the convolution: H and W are those after resampling.</param>
    /// <param name="x">[N,H,W,C]; [N,2H,2W,C] before <see cref="Resampling.Down"/>, [N,H/2,W/2,C] before
    /// <see cref="Resampling.Up"/>; may be BF16.</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="prologue">On the way in.</param>
    /// <param name="epilogue">On the way out.</param>
    /// <param name="y">[N,P,Q,K], overwritten; may be BF16.</param>
    public void FusedConv2d(
        in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue, Tensor y) =>
        FusedConv2d(PlanOf(s, prologue, epilogue), s, x, w, prologue, epilogue, y);

    /// <summary>As above, where the plan is made already.</summary>
    /// <param name="plan">What is done within the launch; what there is beside is composed.</param>
    /// <param name="s">Geometry of the convolution.</param>
    /// <param name="x">Input.</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="prologue">On the way in.</param>
    /// <param name="epilogue">On the way out.</param>
    /// <param name="y">[N,P,Q,K], overwritten; may be BF16.</param>
    /// <exception cref="BDenseException">Shapes do not fit, or the plan has within the launch what the device cannot do there.</exception>
    public void FusedConv2d(
        in SurroundingsPlan plan, in Conv2dShape s, Tensor x, Tensor w,
        in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue, Tensor y)
    {
        CheckFused(s, x, prologue);
        Expect(w, s.Weight);
        CheckEpilogue(s, epilogue);
        ExpectActivation(y, s.Output);
        bool aligned =
            AreAligned(x, prologue.ScaleShift, w, epilogue.Bias, epilogue.Embedding, epilogue.Residual, y, epilogue.Moments);
        var within = plan.Within(plan.Forward, aligned);
        using var made = Apart(s, x, prologue, within, out var rest);
        var u = made ?? x;
        bool whole = epilogue.IsBias || within.HasFlag(ConvolutionParts.Epilogue);
        var moments = within.HasFlag(ConvolutionParts.Moments) ? epilogue.Moments : null;
        Require(whole || moments is null, "the plan has moments within the launch of a result that is made behind it");
        var fused = (whole ? epilogue : new ConvolutionEpilogue(epilogue.Bias)) with { Moments = moments };
        using var sum = whole || y.Type == ElementType.Float32 ? y.Share() : Empty(y.Shape);
        if (rest.IsNone && fused.IsBias && moments is null)
            Conv2d(s, u, w, epilogue.Bias, sum);
        else
            FusedLaunch(s, u, w, rest, fused, sum);
        if (!whole)
            Finish(epilogue, sum);
        if (sum.Type != y.Type)
            Convert(sum, y);
        if (moments is null && epilogue.Moments is { } apart)
            Moments(s.OutputBlocks, y, apart);
    }

    private void FusedLaunch(
        in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue, Tensor y)
    {
        Require(prologue.Resampling != Resampling.Up || IsUpsampled(s, prologue.Resampling),
            $"no launch upsamples the input of {s}: the plan must have it apart", nameof(FusedConv2d));
        using var large = prologue.Resampling == Resampling.Up ? Empty(UpsampledShape(s).Weight) : w.Share();
        if (prologue.Resampling == Resampling.Up)
            UpsampleWeights(w, large);
        // The multiply-adds of the formula, also where the upsampled form takes fewer.
        var moments = epilogue.Moments;
        Report(new OpCost(x.Bytes + large.Bytes + (prologue.ScaleShift?.Bytes ?? 0) + epilogue.Bytes, y.Bytes + (moments?.Bytes ?? 0),
            FusedFlops(s, x, prologue) + (epilogue.IsBias ? 0 : (epilogue.Silu ? 7L : 3L) * y.Length)
                + (moments is null ? 0 : 4L * y.Length))
        { Macs = s.Macs }, nameof(FusedConv2d));
        Writes(y);
        Writes(moments);
        if (!Computes)
            return;
        using var t = Operands(
            nameof(FusedConv2d), x, y, epilogue.Residual, prologue.ScaleShift, large, epilogue.Bias, epilogue.Embedding, moments);
        var result = t.Write(y);
        // Of what is stored: where that is rounded behind the launch, they come behind it, too.
        bool isRoundedLater = result != y;
        FusedConv2dCore(s, t.Read(x), large, prologue, epilogue with
        {
            Residual = t.ReadOrNone(epilogue.Residual),
            Moments = isRoundedLater ? null : moments,
        }, result);
        t.Store();
        if (isRoundedLater && moments is not null)
            Moments(s.OutputBlocks, y, moments);
    }

    /// <summary>
    /// What <see cref="SupportOf"/> promises for the shape; anything else is refused, not composed. After <see cref="Resampling.Up"/> w is
    /// [C,4,4,K] (<see cref="UpsampleWeights"/>).
    /// </summary>
    /// <exception cref="BDenseException">The device has no such launch (<see cref="NoLaunch"/>).</exception>
    private protected abstract void FusedConv2dCore(
        in Conv2dShape s, Tensor x, Tensor w, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue, Tensor y);

    /// <summary>The same for wgrad, but for <see cref="Resampling.Up"/>.</summary>
    private protected abstract void FusedConv2dWgradCore(
        in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw, Tensor? dbias);

    /// <summary>
    /// The 4x4 convolution of stride 2 from the output of an upsampled 3x3 convolution to its input, whose transpose it is.
    /// </summary>
    private protected static Conv2dShape UpsampledShape(in Conv2dShape s) => new(s.N, s.H, s.W, s.K, s.C, 4, 4, 2, 1, 1);

    /// <summary>
    /// Whether a convolution of an upsampled input is the transpose of one of stride 2: 3x3, stride 1, as large as the input.
    /// </summary>
    private protected static bool IsUpsampled(in Conv2dShape s, Resampling resampling) =>
        resampling == Resampling.Up && s is { R: 3, S: 3, Stride: 1, PadBegin: 1, PadEnd: 1 };

    /// <summary>For a device that is asked for a launch it has not: what is wrong, and what would be right.</summary>
    private protected BDenseException NoLaunch(in Conv2dShape s, in ConvolutionPrologue p, in ConvolutionEpilogue e, string op)
    {
        var parts = SurroundingsRequest.Of(p, e).Asked;
        return new BDenseException($"{op}: {Name} has no launch of {s} with {parts} in it, for tensors that start where these do; "
            + $"a plan by SupportOf has within {SupportOf(s, p.Resampling).Forward} at most");
    }

    /// <summary>Whether all start at multiples of 16 bytes.</summary>
    private protected static bool AreAligned(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var x in tensors)
        {
            if (x is not null && x.ByteOffset % 16 != 0)
                return false;
        }
        return true;
    }

    /// <summary>What is apart, done, as the launch's input; and what is left to do within. None if nothing is apart.</summary>
    private Tensor? Apart(in Conv2dShape s, Tensor x, in ConvolutionPrologue p, ConvolutionParts within, out ConvolutionPrologue rest)
    {
        bool activate = p.ScaleShift is not null && !within.HasFlag(ConvolutionParts.Prologue);
        bool resample = p.Resampling != Resampling.None && !within.HasFlag(ConvolutionParts.Resampling);
        rest = new ConvolutionPrologue(activate ? null : p.ScaleShift, p.Silu && !activate, resample ? Resampling.None : p.Resampling);
        Require(!resample || rest.ScaleShift is null, "the plan normalises within the launch what it resamples apart, before it");
        var v = activate ? Made(x.Shape, x, p, static (b, x, p, v) => b.ScaleShift(x, p.ScaleShift!, p.Silu, v)) : null;
        if (!resample)
            return v;
        using (v)
        {
            return p.Resampling == Resampling.Up ? Made(s.Input, v ?? x, p, static (b, v, _, u) => b.Upsample(v, u))
                : Made(s.Input, v ?? x, p, static (b, v, _, u) => b.Downsample(v, u));
        }
    }

    /// <summary>A new tensor that <paramref name="make"/> has filled; none is left behind if it fails.</summary>
    private Tensor Made(Shape shape, Tensor from, in ConvolutionPrologue p, Action<Backend, Tensor, ConvolutionPrologue, Tensor> make)
    {
        var made = Empty(shape);
        try
        {
            make(this, from, p, made);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>The epilogue behind the bias as plain operations on y.</summary>
    private void Finish(in ConvolutionEpilogue e, Tensor y)
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
        ExpectActivation(x, p.Resampling switch
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
            ExpectActivation(residual, s.Output, op: op);
        if (e.Moments is { } moments)
        {
            Require(s.OutputBlocks.IsValid,
                $"{s.P} x {s.Q} pixels of {s.K} channels are not whole blocks of {MomentsShape.BlockPixels} pixels "
                + $"and {MomentsShape.BlockChannels} channels, whose moments are asked for", op);
            Expect(moments, s.OutputBlocks.Moments, op: op);
        }
        Require(e.Scale != 0f, "a scale of 0 leaves nothing of the convolution", op);
    }
}
