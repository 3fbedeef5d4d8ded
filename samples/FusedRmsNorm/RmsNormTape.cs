namespace FusedRmsNorm;

/// <summary>The operation on the tape, and the fusion that it is part of.</summary>
public static class RmsNormTape
{
    /// <summary>As <c>--fuse</c> names it; the tape's <see cref="Execution"/> says whether it is on.</summary>
    public static Fusion Fused { get; } = new("rmsnorm-silu", does: "SiLU in RMSNorm's kernel, forward and backward",
        instead: "a launch of its own each way, and its input is kept", saves: "a launch each way, and what lies between");

    /// <summary>silu(x r gamma): one operation with the fusion, two without. x is [...,C], gamma [C].</summary>
    public static Variable RmsNormSilu(this Tape tape, Variable x, Variable gamma, float epsilon = 1e-6f)
    {
        int c = gamma.Shape.Length, rows = x.Shape.Length / c;
        bool fused = tape.Execution.Fusions.Has(Fused);
        var r = tape.Scratch(new Shape(rows));
        var y = tape.Output(x.Shape, x.RequiresGradient || gamma.RequiresGradient);
        tape.Backend.RmsNormForward(x.Data, gamma.Data, epsilon, silu: fused, y.Data, r);
        tape.Record(y, saved: [x, gamma], kept: [r], (tape, dy) =>
        {
            Tensor dx = tape.Scratch(x.Shape), dgamma = tape.Scratch(new Shape(1, c));
            using var shares = tape.Backend.Empty(RmsNorm.Shares(rows, c));
            tape.Backend.RmsNormBackward(dy, x.Data, gamma.Data, r, silu: fused, dx, shares);
            tape.Backend.BroadcastAddBackward(shares, dgamma);
            tape.Contribute(x, dx);
            tape.Contribute(gamma, dgamma);
        });
        if (!fused)
            tape.Replace(ref y, tape.Silu(y));
        return y;
    }
}
