namespace BDense.Kernels.Ptx.Attention;

/// <summary>
/// Scores of a warp's 16 tokens and a block of others in registers, and what is made of them between two products. A lane holds columns
/// 2(lane mod 4) and the next of each 8, of rows lane / 4 and the eighth below: sums of <c>mma.sync</c> and of <c>wgmma</c> lie so.
/// </summary>
/// <param name="w">Writes.</param>
/// <param name="block">Columns, a multiple of 16.</param>
internal sealed class AttentionScores(PtxWriter w, int block)
{
    private const float MinusLog2E = -1.44269504f, Ln2 = 0.693147182f;

    private readonly Register<F32>[] _most = w.Let<F32>(2, _ => float.NegativeInfinity), _total = w.Let<F32>(2, _ => 0f);

    /// <summary>By 8 columns, then rows, then neighbours.</summary>
    public Register<F32>[] Scores { get; } = w.Registers<F32>(block / 2);

    /// <summary>Made of them, in the same places.</summary>
    public Register<F32>[] Weights { get; } = w.Registers<F32>(block / 2);

    /// <summary>Scores of columns that do not exist are minus infinity.</summary>
    /// <param name="left">Columns from the lane's first on.</param>
    public void Mask(Value<S32> left) => ForEachColumn((column, scores) =>
    {
        var inside = w.Let(left > column);
        foreach (int i in scores)
            w.Set(Scores[i], PtxWriter.Select<F32>(inside, Scores[i], float.NegativeInfinity));
    });

    /// <summary>
    /// Of scores exp(scale score - scale m), scale in units of ln 2, with m the largest so far; the sum of weights shrinks to it. Milakov
    /// and Gimelshein 2018; Dao et al. 2022.
    /// </summary>
    /// <param name="scale">In units of ln 2.</param>
    /// <param name="to">Where they go: <see cref="Weights"/>, or <see cref="Scores"/> themselves.</param>
    /// <returns>By what sums of both rows shrink (<see cref="Shrink"/>).</returns>
    public Register<F32>[] Softmax(Value<F32> scale, Register<F32>[] to)
    {
        var most = w.Let(2, r => _most[r]);
        Each((i, r) => w.Set(most[r], PtxWriter.Max(most[r], Scores[i])));
        foreach (var m in most)
            AcrossRow(m, PtxWriter.Max);
        var shrink = w.Let(2, r => PtxWriter.Exp2((_most[r] - most[r]) * scale));
        for (int r = 0; r < 2; r++)
        {
            w.Set(_most[r], most[r]);
            w.Set(most[r], most[r] * scale * -1f);
            w.Set(_total[r], _total[r] * shrink[r]);
        }
        Each((i, r) =>
        {
            w.Set(to[i], PtxWriter.Exp2(PtxWriter.Fma(Scores[i], scale, most[r])));
            w.Set(_total[r], _total[r] + to[i]);
        });
        return shrink;
    }

    /// <summary>Sums of values, of the weights before, shrink to a new maximum.</summary>
    public void Shrink(Register<F32>[] sums, Register<F32>[] shrink)
    {
        for (int i = 0; i < sums.Length; i++)
            w.Set(sums[i], sums[i] * shrink[i / 2 % 2]);
    }

    /// <summary>Sums over the sum of weights, and the log-sum-exp of both rows: m scale + ln 2 log2(total).</summary>
    public Register<F32>[] Divide(Value<F32> scale, Register<F32>[] sums)
    {
        foreach (var total in _total)
            AcrossRow(total, (a, b) => a + b);
        var logs = w.Let(2, r => PtxWriter.Fma(_most[r], scale, PtxWriter.Log2(_total[r]) * Ln2));
        var inverse = w.Let(2, r => PtxWriter.Reciprocal(_total[r]));
        for (int i = 0; i < sums.Length; i++)
            w.Set(sums[i], sums[i] * inverse[i / 2 % 2]);
        return logs;
    }

    /// <summary>Weights exp(score - log-sum-exp) where rows are queries.</summary>
    /// <param name="scale">In units of ln 2.</param>
    /// <param name="logs">-log2(e) times the log-sum-exp of both rows.</param>
    public void WeighRows(Value<F32> scale, Register<F32>[] logs) =>
        Each((i, r) => w.Set(Weights[i], PtxWriter.Exp2(PtxWriter.Fma(Scores[i], scale, logs[r]))));

    /// <summary>(score - delta) weight where rows are queries.</summary>
    /// <param name="deltas">Of both rows.</param>
    /// <param name="scores">Of the second operands; what is made of them takes their place.</param>
    public void DifferRows(Register<F32>[] deltas, Register<F32>[] scores) =>
        Each((i, r) => w.Set(scores[i], (scores[i] - deltas[r]) * Weights[i]));

    /// <summary>The same two where columns are queries.</summary>
    public void WeighColumns(Value<F32> scale, IColumnStatistics statistics) => ForEachColumn((column, scores) =>
    {
        var log = w.Let(statistics.Exponent(column));
        foreach (int i in scores)
            w.Set(Weights[i], PtxWriter.Exp2(PtxWriter.Fma(Scores[i], scale, log)));
    });

    /// <inheritdoc cref="WeighColumns"/>
    public void DifferColumns(IColumnStatistics statistics, Register<F32>[] second) => ForEachColumn((column, scores) =>
    {
        var delta = statistics.Delta(column);
        foreach (int i in scores)
            w.Set(second[i], (second[i] - delta) * Weights[i]);
    });

    /// <summary>-log2(e) times a log-sum-exp.</summary>
    public static Value<F32> Exponent(Value<F32> logSumExp) => logSumExp * MinusLog2E;

    /// <summary>Rounded to BF16 in pairs, as a left operand has them: four registers for each 16 columns.</summary>
    public static Value<B32> Pair(Register<F32>[] values, int index) => PtxWriter.Bf16Pair(values[2 * index], values[2 * index + 1]);

    /// <summary>Each score with its row, 0 for the lane's upper one.</summary>
    private void Each(Action<int, int> use)
    {
        for (int i = 0; i < Scores.Length; i++)
            use(i, i / 2 % 2);
    }

    /// <summary>Each column of the lane, from its first, with its two scores.</summary>
    private void ForEachColumn(Action<int, int[]> use)
    {
        for (int n = 0; n < Scores.Length / 4; n++)
        {
            for (int i = 0; i < 2; i++)
                use(8 * n + i, [4 * n + i, 4 * n + i + 2]);
        }
    }

    /// <summary>Over the four lanes that share a row: all hold the same bits.</summary>
    private void AcrossRow(Register<F32> value, Func<Value<F32>, Value<F32>, Value<F32>> join)
    {
        foreach (int lanes in (int[])[1, 2])
            w.Set(value, join(value, w.Let(PtxWriter.FromLane(value, lanes))));
    }
}

/// <summary>Log-sum-exp and delta of queries that are columns.</summary>
internal interface IColumnStatistics
{
    /// <summary>-log2(e) times the log-sum-exp of a column, counted from the lane's first.</summary>
    Value<F32> Exponent(int column);

    /// <summary>Its delta.</summary>
    Value<F32> Delta(int column);
}

/// <summary>From global memory: pairs; those behind the last are the last's.</summary>
internal sealed class ColumnStatistics(PtxWriter w, Value<S64> pairs, Value<S32> first, Value<S32> tokens) : IColumnStatistics
{
    /// <inheritdoc/>
    public Value<F32> Exponent(int column) => AttentionScores.Exponent(w.Load<F32>(Pair(column)));

    /// <inheritdoc/>
    public Value<F32> Delta(int column) => w.Load<F32>(Pair(column) + 4);

    private Value<S64> Pair(int column) => pairs + PtxWriter.Min(first + column, tokens - 1).Wide(8);
}
