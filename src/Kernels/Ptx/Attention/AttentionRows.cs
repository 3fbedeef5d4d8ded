namespace BDense.Kernels.Ptx.Attention;

/// <summary>A lane's two rows of the group's own tokens: <paramref name="upper"/> and the eighth below.</summary>
internal sealed class AttentionRows(PtxWriter w, Register<S32> upper, Register<S32> tokens)
{
    /// <summary>The first of both.</summary>
    public Register<S32> Upper => upper;

    /// <summary>Whether they are tokens.</summary>
    public Register<Predicate>[] Exist { get; } = w.Let(2, r => upper + 8 * r < tokens);

    /// <summary>Those that do not exist are the last.</summary>
    public Register<S32>[] Last { get; } = w.Let(2, r => PtxWriter.Min(upper + 8 * r, tokens - 1));

    /// <summary>-log2(e) times the log-sum-exp, and delta, of both.</summary>
    /// <param name="statistics">Address of the pairs of a head's queries.</param>
    public (Register<F32>[] Logs, Register<F32>[] Deltas) Statistics(Value<S64> statistics)
    {
        var pairs = Last.Select(row => w.LoadVector<F32>(2, statistics + row.Wide(8))).ToArray();
        return (w.Let(2, r => AttentionScores.Exponent(pairs[r][0])), [pairs[0][1], pairs[1][1]]);
    }

    /// <summary>Stores sums of both that exist, pairs of neighbouring channels: in float32, or rounded to BF16.</summary>
    /// <param name="sums">By 8 channels, then rows, then neighbours.</param>
    /// <param name="at">Address of the upper row's first channel of the lane.</param>
    /// <param name="pitch">Bytes from row to row.</param>
    /// <param name="isRounded">To BF16.</param>
    public void Store(Register<F32>[] sums, Value<S64> at, Value<S32> pitch, bool isRounded)
    {
        for (int row = 0; row < 2; row++)
        {
            var start = w.Let(at + pitch.Wide(8 * row));
            for (int n = 0; n < sums.Length / 4; n++)
            {
                var pair = sums[(4 * n + 2 * row)..][..2];
                if (isRounded)
                    w.Store<B32>(start + 16 * n, [PtxWriter.Bf16Pair(pair[0], pair[1])], Exist[row]);
                else
                    w.Store<F32>(start + 32 * n, pair, Exist[row]);
            }
        }
    }

    /// <summary>Stores a value of each that exists, float32 side by side; by one of the four lanes that share a row.</summary>
    /// <param name="values">Of both.</param>
    /// <param name="tensor">Address of the values of all tokens.</param>
    /// <param name="first">Of them, token 0's.</param>
    /// <param name="lane">Of the warp.</param>
    public void StoreColumn(Register<F32>[] values, Value<S64> tensor, Value<S32> first, Value<U32> lane)
    {
        var at = w.Let(tensor + (first + upper).Wide(4));
        for (int r = 0; r < 2; r++)
            w.Store<F32>(at + 32 * r, [values[r]], Exist[r] & (lane % 4).Is(0));
    }
}
