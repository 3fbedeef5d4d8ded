using BDense.Kernels;

namespace BDense.Model.Autodiff;

/// <summary>
/// Attention as a composition: matrices of heads, scores, softmax, values. Its probabilities, Tokens^2 a head, are kept. Scores are
/// float32, also where qkv and the probabilities are BF16: a score's exponential has the score's absolute error.
/// </summary>
public sealed partial class Tape
{
    private Variable PlainAttention(in AttentionShape s, Variable qkv, Shape output)
    {
        var y = Output(output, qkv.RequiresGradient, qkv.Type);
        var matrices = Scratch(new Shape(3 * s.Heads, s.N * s.Tokens, s.HeadSize), qkv.Type);
        var p = Scratch(Scores(s).C, qkv.Type);
        using var heads = Backend.Empty(new Shape(s.Heads, s.N * s.Tokens, s.HeadSize), qkv.Type);
        using var packed = qkv.Data.Reshape(new Shape(s.N * s.Tokens, 3 * s.Heads, s.HeadSize));
        using var probabilities = p.Reshape(new Shape(s.N * s.Heads * s.Tokens, s.Tokens));
        Backend.Transpose(packed, matrices);
        using Tensor q = Part(s, matrices, 0), k = Part(s, matrices, 1), v = Part(s, matrices, 2);
        using (var scores = p.Type == ElementType.Float32 ? probabilities.Share() : Backend.Empty(probabilities.Shape))
        {
            Backend.MatMul(Scores(s), q, k, scores, ScoreScale(s));
            Backend.Softmax(scores, probabilities);
        }
        Backend.MatMul(Values(s), p, v, heads);
        Backend.Transpose(heads, y.Data);
        return Record(y, new PlainAttentionNode(s, qkv, matrices, p, y));
    }

    private static float ScoreScale(in AttentionShape s) => (float)(1 / Math.Sqrt(s.HeadSize));

    /// <summary>Scores [Heads*N,Tokens,Tokens] = q k^T.</summary>
    private static MatMulShape Scores(in AttentionShape s) => new(s.N * s.Heads, s.Tokens, s.Tokens, s.HeadSize, TransB: true);

    /// <summary>[Heads*N,Tokens,HeadSize] = p v.</summary>
    private static MatMulShape Values(in AttentionShape s) => new(s.N * s.Heads, s.Tokens, s.HeadSize, s.Tokens);

    /// <summary>q, k or v out of [3*Heads,N*Tokens,HeadSize].</summary>
    private static Tensor Part(in AttentionShape s, Tensor matrices, int part)
    {
        var shape = new Shape(s.Heads * s.N, s.Tokens, s.HeadSize);
        return matrices.View(part * shape.Length, shape);
    }

    private sealed class PlainAttentionNode(AttentionShape s, Variable qkv, Tensor matrices, Tensor p, Variable y) : Node(y)
    {
        public override void Backward(Tape tape, Tensor dy)
        {
            var backend = tape.Backend;
            using var dheads = backend.Empty(new Shape(s.Heads, s.N * s.Tokens, s.HeadSize), dy.Type);
            using var dmatrices = backend.Empty(matrices.Shape, matrices.Type);
            using var dp = backend.Empty(p.Shape, p.Type);
            using var rows = dy.Reshape(new Shape(s.N * s.Tokens, s.Heads, s.HeadSize));
            using Tensor flatP = p.Reshape(new Shape(s.N * s.Heads * s.Tokens, s.Tokens)), flatDp = dp.Reshape(flatP.Shape);
            using Tensor q = Part(s, matrices, 0), k = Part(s, matrices, 1), v = Part(s, matrices, 2);
            using Tensor dq = Part(s, dmatrices, 0), dk = Part(s, dmatrices, 1), dv = Part(s, dmatrices, 2);
            backend.Transpose(rows, dheads);
            backend.MatMul(Values(s) with { N = s.Tokens, K = s.HeadSize, TransB = true }, dheads, v, dp);
            backend.MatMul(Values(s) with { TransA = true }, p, dheads, dv);
            backend.SoftmaxBackward(flatDp, flatP, flatDp);
            backend.MatMul(Values(s), dp, k, dq, ScoreScale(s));
            backend.MatMul(Values(s) with { TransA = true }, dp, q, dk, ScoreScale(s));
            var dqkv = tape.Scratch(qkv);
            backend.Transpose(dmatrices, dqkv);
            tape.Contribute(qkv, dqkv);
        }

        public override void Release()
        {
            matrices.Dispose();
            p.Dispose();
        }
    }
}
