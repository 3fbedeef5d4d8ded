using BDense.Kernels;
using BDense.Model.Layers;

namespace BDense.Model.Autodiff;

public sealed partial record Fusion
{
    /// <summary>SiLU in GroupNorm's last pass, forward and backward.</summary>
    public static Fusion GroupNormSilu { get; } = new("groupnorm-silu",
        does: "SiLU in GroupNorm's last pass (after scale and shift), and in its backward pass",
        instead: "GroupNorm, then SiLU; its input is kept",
        saves: "a launch each way; two trips of an activation forward, three backward, and one that is kept");
}

public sealed partial class Tape
{
    /// <summary>
    /// Group normalisation with gamma and beta, then u * (1 + scale) + shift if given, then SiLU if asked for;
    /// see <see cref="Backend.GroupNorm"/>. Saves x and each group's mean and rstd, not y.
    /// </summary>
    /// <param name="x">[N,...,C]</param>
    /// <param name="gamma">[C]</param>
    /// <param name="beta">[C]</param>
    /// <param name="groups">A divisor of C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="silu">Whether SiLU follows, in the same kernel if <see cref="Fusion.GroupNormSilu"/> is on.</param>
    /// <param name="scaleShift">[N,2C]: C scales, then C shifts, of each sample; or none.</param>
    public Variable GroupNorm(Variable x, Parameter gamma, Parameter beta, int groups, float epsilon, bool silu,
        Variable? scaleShift = null)
    {
        int n = x.Shape[0], c = x.Shape[-1];
        bool fused = Execution.Fusions.Has(Fusion.GroupNormSilu);
        var shape = new GroupNormShape(n, x.Shape.Length / (n * c), c, groups, epsilon, silu && fused);
        var y = Output(x.Shape, x.RequiresGradient || gamma.Gradient is not null || scaleShift is { RequiresGradient: true }, x.Type);
        var stats = Scratch(shape.Stats);
        Backend.GroupNorm(shape, x.Data, gamma.Value, beta.Value, scaleShift?.Data, y.Data, stats, MomentsFor(shape, x));
        Record(y, new GroupNormNode(shape, x, gamma, beta, scaleShift, stats, y));
        if (!silu || fused)
            return y;
        var activated = Silu(y);
        Drop(y);
        return activated;
    }

    /// <summary>Those of x, where it has some that the groups are whole blocks of.</summary>
    private static Tensor? MomentsFor(in GroupNormShape shape, Variable x) => shape.TakesMoments ? x.Moments : null;

    private sealed class GroupNormNode : Node
    {
        private readonly GroupNormShape _shape;
        private readonly Variable _x;
        private readonly Parameter _gamma, _beta;
        private readonly Variable? _scaleShift;
        private readonly Tensor _stats;

        public GroupNormNode(in GroupNormShape shape, Variable x, Parameter gamma, Parameter beta, Variable? scaleShift,
            Tensor stats, Variable y)
            : base(y)
        {
            (_shape, _x, _gamma, _beta, _scaleShift, _stats) = (shape, x, gamma, beta, scaleShift, stats);
            x.Save();
            scaleShift?.Save();
        }

        public override void Backward(Tape tape, Tensor dy)
        {
            var dx = tape.Scratch(_x);
            var dscaleShift = _scaleShift is null ? null : tape.Scratch(_scaleShift);
            // The kernel always writes all gradients; those of frozen parameters go to waste.
            var dgamma = _gamma.Gradient ?? tape.UnusedGradient(_gamma.Shape);
            var dbeta = _beta.Gradient ?? tape.UnusedGradient(_beta.Shape);
            tape.Backend.GroupNormBackward(_shape, dy, _x.Data, _stats, _gamma.Value, _beta.Value, _scaleShift?.Data,
                dx, dgamma, dbeta, dscaleShift);
            if (_gamma.Gradient is null)
                dgamma.Dispose();
            if (_beta.Gradient is null)
                dbeta.Dispose();
            tape.Contribute(_x, dx);
            if (_scaleShift is not null)
                tape.Contribute(_scaleShift, dscaleShift!);
        }

        public override void Release()
        {
            _x.Release();
            _scaleShift?.Release();
            _stats.Dispose();
        }
    }

    private Tensor UnusedGradient(Shape shape)
    {
        var waste = Scratch(shape);
        Backend.Fill(waste, 0f);
        return waste;
    }
}
