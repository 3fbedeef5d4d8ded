using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial record Fusion
{
    /// <summary>Scores that never reach memory (Dao et al. 2022).</summary>
    public static Fusion Attention { get; } = new("attention",
        does: "scores never reach memory",
        instead: "transposition, q k^T, softmax, p v, transposition; the probabilities are kept",
        saves: "all trips of L x L scores and probabilities, and those that are kept");
}

public sealed partial class Tape
{
    /// <summary>
    /// y = softmax(q k^T / sqrt(HeadSize)) v over the pixels of each sample; see <see cref="Backend.Attention"/>. Saves qkv, y and the
    /// rows' log-sum-exp. Without <see cref="Fusion.Attention"/> a composition of matrix products and softmax.
    /// </summary>
    /// <param name="qkv">[N,H,W,3C]: all of q, then k, then v; within each, head after head.</param>
    /// <param name="heads">A divisor of C.</param>
    /// <returns>[N,H,W,C]</returns>
    public Variable Attention(Variable qkv, int heads)
    {
        int n = qkv.Shape[0], h = qkv.Shape[1], w = qkv.Shape[2], c = qkv.Shape[3] / 3;
        var shape = new AttentionShape(n, h * w, heads, c / heads);
        if (!Execution.Fusions.Has(Fusion.Attention))
            return PlainAttention(shape, qkv, new Shape(n, h, w, c));
        var y = Output(new Shape(n, h, w, c), qkv.RequiresGradient, qkv.Type);
        var lse = Scratch(shape.LogSumExp);
        Backend.Attention(shape, qkv.Data, y.Data, lse);
        return Record(y, new AttentionNode(shape, qkv, lse, y));
    }

    private sealed class AttentionNode : Node
    {
        private readonly AttentionShape _shape;
        private readonly Variable _qkv;
        private readonly Tensor _lse;

        public AttentionNode(in AttentionShape shape, Variable qkv, Tensor lse, Variable y)
            : base(y)
        {
            (_shape, _qkv, _lse) = (shape, qkv, lse);
            qkv.Save();
            y.Save();
        }

        public override void Backward(Tape tape, Tensor dy)
        {
            var dqkv = tape.Scratch(_qkv);
            tape.Backend.AttentionBackward(_shape, dy, _qkv.Data, Output.Data, _lse, dqkv);
            tape.Contribute(_qkv, dqkv);
        }

        public override void Release()
        {
            _qkv.Release();
            Output.Release();
            _lse.Dispose();
        }
    }
}
