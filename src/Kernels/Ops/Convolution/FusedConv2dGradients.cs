namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>
    /// The gradient of FusedConv2d with respect to v = act(scale x + shift): dgrad, then the adjoint of the resampling. After
    /// <see cref="Resampling.Up"/> a 4x4 convolution of stride 2 over dy, where the device fuses resampling.
    /// </summary>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="dy">[N,P,Q,K]: the gradient of the convolution's sum.</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="resampling">Of the forward pass.</param>
    /// <param name="dv">As x there, overwritten.</param>
    public void FusedConv2dDgrad(in Conv2dShape s, Tensor dy, Tensor w, Resampling resampling, Tensor dv) =>
        FusedConv2dDgrad(PlanOf(s, new ConvolutionPrologue(null, Resampling: resampling), new ConvolutionEpilogue(null)), s, dy, w,
            resampling, dv);

    /// <summary>As above, by the forward pass's plan.</summary>
    /// <param name="plan">What is done within the launches.</param>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="dy">[N,P,Q,K]</param>
    /// <param name="w">[K,R,S,C]</param>
    /// <param name="resampling">Of the forward pass.</param>
    /// <param name="dv">As x there, overwritten.</param>
    public void FusedConv2dDgrad(in SurroundingsPlan plan, in Conv2dShape s, Tensor dy, Tensor w, Resampling resampling, Tensor dv)
    {
        CheckFused(s, dv, new ConvolutionPrologue(null, Resampling: resampling));
        ExpectActivation(dy, s.Output);
        Expect(w, s.Weight);
        if (resampling == Resampling.None)
        {
            Conv2dDgrad(s, dy, w, dv);
        }
        else if (plan.Within(plan.Dgrad, AreAligned(dy, w, dv)).HasFlag(ConvolutionParts.Resampling))
        {
            Require(IsUpsampled(s, resampling),
                $"no launch has the adjoint of resampling {resampling} for {s}: the plan must have it apart");
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
    /// The gradients of FusedConv2d with respect to weight and bias: dw[k,r,s,c] += sum dy[n,p,q,k] u[...], dbias[k] += sum dy.
    /// u is computed again from x while it is loaded; after <see cref="Resampling.Up"/> this is the wgrad of the 4x4 convolution of stride
    /// 2 with input and output exchanged, summed to 3x3.
    /// </summary>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="x">As in the forward pass.</param>
    /// <param name="prologue">Of the forward pass.</param>
    /// <param name="dy">[N,P,Q,K]: the gradient of the convolution's sum.</param>
    /// <param name="dw">[K,R,S,C], accumulated.</param>
    /// <param name="dbias">[K], accumulated; or none.</param>
    public void FusedConv2dWgrad(in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw, Tensor? dbias) =>
        FusedConv2dWgrad(PlanOf(s, prologue, new ConvolutionEpilogue(null)), s, x, prologue, dy, dw, dbias);

    /// <summary>As above, by the forward pass's plan.</summary>
    /// <param name="plan">What is done within the launches.</param>
    /// <param name="s">Geometry of the forward pass.</param>
    /// <param name="x">As in the forward pass.</param>
    /// <param name="prologue">Of the forward pass.</param>
    /// <param name="dy">[N,P,Q,K]</param>
    /// <param name="dw">[K,R,S,C], accumulated.</param>
    /// <param name="dbias">[K], accumulated; or none.</param>
    public void FusedConv2dWgrad(
        in SurroundingsPlan plan, in Conv2dShape s, Tensor x, in ConvolutionPrologue prologue, Tensor dy, Tensor dw, Tensor? dbias)
    {
        CheckFused(s, x, prologue);
        ExpectActivation(dy, s.Output);
        Expect(dw, s.Weight);
        if (dbias is not null)
            Expect(dbias, new Shape(s.K));
        var within = plan.Within(plan.Wgrad, AreAligned(x, prologue.ScaleShift, dy, dw));
        using var made = Apart(s, x, prologue, within, out var rest);
        var u = made ?? x;
        if (rest.IsNone)
        {
            Conv2dWgrad(s, u, dy, dw, dbias);
            return;
        }
        if (rest.Resampling == Resampling.Up)
        {
            // x is in the place of dy here, which is not loaded through a prologue.
            Require(rest.ScaleShift is null && IsUpsampled(s, rest.Resampling),
                $"no launch has wgrad through {rest} for {s}: the plan must have it apart");
            UpsampledWgrad(s, u, dy, dw, dbias);
            return;
        }
        long read = u.Bytes + dy.Bytes + dw.Bytes + (rest.ScaleShift?.Bytes ?? 0);
        Report(new OpCost(read, dw.Bytes, FusedFlops(s, u, rest)) { Macs = s.Macs });
        Writes(dw);
        Writes(dbias);
        if (!Computes)
            return;
        using var t = Operands(nameof(FusedConv2dWgrad), u, dy, null, rest.ScaleShift, dw, dbias);
        FusedConv2dWgradCore(s, t.Read(u), rest, t.Read(dy), dw, dbias);
    }

    private void UpsampledWgrad(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, Tensor? dbias)
    {
        var large = UpsampledShape(s);
        using (var dlarge = Zeros(large.Weight))
        {
            Conv2dWgrad(large, dy, x, dlarge, null);
            UpsampleWeightsBackward(dlarge, dw);
        }
        if (dbias is null)
            return;
        using Tensor pixels = dy.Reshape(new Shape(1, s.N * s.P * s.Q, s.K)), sum = Empty(new Shape(1, s.K)),
            total = dbias.Reshape(sum.Shape);
        BroadcastAddBackward(pixels, sum);
        Add(total, sum, total);
    }

    private SurroundingsPlan PlanOf(in Conv2dShape s, in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue) =>
        SurroundingsPlan.Of(SurroundingsRequest.Of(prologue, epilogue), SupportOf(s, prologue.Resampling));
}
