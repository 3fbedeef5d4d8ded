namespace BDense.Kernels.Ptx.Attention;

/// <summary>
/// A warp's products of attention: scores of its 16 tokens and a block of others, which stay in registers
/// (<see cref="AttentionScores"/>), and sums of what is made of them.
/// </summary>
internal sealed class AttentionWarp(PtxWriter w, MmaShape shape, HeadTile tile, int head, bool isRounded)
{
    private readonly AttentionScores _softmax = new(w, tile.Block);

    /// <summary>Between the products.</summary>
    public AttentionScores Softmax => _softmax;

    private bool IsBf16 => shape == MmaShape.Bf16;

    /// <summary>Sums of a result: two rows of the head's channels.</summary>
    public Register<F32>[] NewSums() => w.Let<F32>(head / 2, _ => 0f);

    /// <summary>Scores of the warp's rows and a block: the sum over the channels, innermost in both, 32 bytes at a time.</summary>
    public void Scores(Value<U32> left, Value<U32> right)
    {
        var (rows, columns) = (w.Let(left), w.Let(right));
        foreach (var score in _softmax.Scores)
            w.Set(score, 0f);
        for (int k = 0; k < (tile.Pitch - 16) / 32; k++)
        {
            var a = w.LoadMatrices(4, rows + 32 * k);
            for (int n = 0; n < tile.Block / 16; n++)
                Multiply(_softmax.Scores, 8 * n, a, w.LoadMatrices(4, columns + n * 16 * tile.Pitch + 32 * k));
        }
    }

    /// <summary>sums += scores x the block's rows, or with the weights in the scores' place.</summary>
    /// <remarks>
    /// The products' own layout is that of a left operand: in BF16 as it is, in TF32 once the sum's order is 0, 2, 4, 6, 1, 3, 5, 7.
    /// </remarks>
    public void Add(Register<F32>[] sums, Value<U32> values, bool weights)
    {
        var (from, s) = (w.Let(values), weights ? _softmax.Weights : _softmax.Scores);
        if (IsBf16)
        {
            for (int k = 0; k < tile.Block / 16; k++)
            {
                var a = w.Let(4, i => AttentionScores.Pair(s, 4 * k + i));
                for (int n = 0; n < head / 16; n++)
                    Multiply(sums, 8 * n, a, w.LoadMatrices(4, from + k * 16 * tile.Pitch + 32 * n, transposed: true));
            }
            return;
        }
        for (int k = 0; k < tile.Block / 8; k++)
        {
            var a = w.Let(4, i => PtxWriter.RoundedForTf32(s[4 * k + i % 2 * 2 + i / 2]).As<B32>());
            for (int n = 0; n < head / 32; n++)
            {
                var even = w.LoadShared<B32>(4, from + k * 8 * tile.Pitch + 128 * n);
                var odd = w.LoadShared<B32>(4, from + (k * 8 + 1) * tile.Pitch + 128 * n);
                for (int j = 0; j < 4; j++)
                    w.Multiply(shape, sums.AsSpan(16 * n + 4 * j, 4), a, [even[j], odd[j]]);
            }
        }
    }

    /// <summary>
    /// Stores the lane's part of two rows, those that exist, in float32 or rounded to BF16. In TF32 column 2t + odd of product 4q + j is
    /// channel 32q + 8t + 4 odd + j.
    /// </summary>
    /// <param name="sums">From <see cref="NewSums"/>.</param>
    /// <param name="at">Address of the upper row's first channel of the lane (<see cref="FirstChannel"/>).</param>
    /// <param name="pitch">Bytes from row to row.</param>
    /// <param name="rows">The upper and the lower one.</param>
    public void Store(Register<F32>[] sums, Value<S64> at, Value<S32> pitch, AttentionRows rows)
    {
        if (IsBf16)
        {
            rows.Store(sums, at, pitch, isRounded);
            return;
        }
        for (int row = 0; row < 2; row++)
        {
            var start = w.Let(at + pitch.Wide(8 * row));
            for (int n = 0; n < head / 16; n++)
            {
                w.Store<F32>(start + (n / 2 * 128 + n % 2 * 16),
                    [.. Enumerable.Range(0, 4).Select(j => sums[n / 2 * 16 + 4 * j + 2 * row + n % 2])],
                    rows.Exist[row]);
            }
        }
    }

    /// <summary>Of a lane, in a row of a result.</summary>
    public Value<U32> FirstChannel(Value<U32> lane) => lane % 4 * (IsBf16 ? 2 : 8);

    private void Multiply(Register<F32>[] sums, int first, Register<B32>[] a, Register<B32>[] b)
    {
        w.Multiply(shape, sums.AsSpan(first, 4), a, b.AsSpan(0, 2));
        w.Multiply(shape, sums.AsSpan(first + 4, 4), a, b.AsSpan(2, 2));
    }
}
