namespace BDense.Kernels.Ptx.Attention;

/// <summary>
/// What a warp holds of attention in registers: scores of its 16 tokens and a block of others, weights made of them, and sums. A lane holds
/// columns 2(lane mod 4) and the next of each 8, of rows lane / 4 and the eighth below.
/// </summary>
internal sealed class AttentionWarp(PtxWriter w, MmaShape shape, HeadTile tile, int head, bool isRounded)
{
    private const float MinusLog2E = -1.44269504f, Ln2 = 0.693147182f;

    private readonly Register<F32>[] _scores = w.Registers<F32>(tile.Block / 2), _weights = w.Registers<F32>(tile.Block / 2);
    private readonly Register<F32>[] _most = w.Let<F32>(2, _ => float.NegativeInfinity), _total = w.Let<F32>(2, _ => 0f);

    private bool IsBf16 => shape == MmaShape.Bf16;

    /// <summary>Sums of a result: two rows of the head's channels.</summary>
    public Register<F32>[] NewSums() => w.Let<F32>(head / 2, _ => 0f);

    /// <summary>Scores of the warp's rows and a block: the sum over the channels, innermost in both, 32 bytes at a time.</summary>
    public void Scores(Value<U32> left, Value<U32> right)
    {
        var (rows, columns) = (w.Let(left), w.Let(right));
        foreach (var score in _scores)
            w.Set(score, 0f);
        for (int k = 0; k < (tile.Pitch - 16) / 32; k++)
        {
            var a = w.LoadMatrices(4, rows + 32 * k);
            for (int n = 0; n < tile.Block / 16; n++)
                Multiply(_scores, 8 * n, a, w.LoadMatrices(4, columns + n * 16 * tile.Pitch + 32 * k));
        }
    }

    /// <summary>sums += scores x the block's rows, or with the weights in the scores' place.</summary>
    /// <remarks>
    /// The products' own layout is that of a left operand: in BF16 as it is, in TF32 once the sum's order is 0, 2, 4, 6, 1, 3, 5, 7.
    /// </remarks>
    public void Add(Register<F32>[] sums, Value<U32> values, bool weights)
    {
        var (from, s) = (w.Let(values), weights ? _weights : _scores);
        if (IsBf16)
        {
            for (int k = 0; k < tile.Block / 16; k++)
            {
                var a = w.Let(4, i => PtxWriter.Bf16Pair(s[8 * k + 2 * i], s[8 * k + 2 * i + 1]));
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

    /// <summary>Scores of columns that do not exist are minus infinity.</summary>
    /// <param name="left">Columns from the lane's first on.</param>
    public void Mask(Value<S32> left) => ForEachColumn((column, scores) =>
    {
        var inside = w.Let(left > column);
        foreach (int i in scores)
            w.Set(_scores[i], PtxWriter.Select<F32>(inside, _scores[i], float.NegativeInfinity));
    });

    /// <summary>
    /// Scores become exp(scale score - scale m), scale in units of ln 2, with m the largest so far; the sums, of values and of weights,
    /// shrink to it. Milakov and Gimelshein 2018; Dao et al. 2022.
    /// </summary>
    public void Softmax(Value<F32> scale, Register<F32>[] sums)
    {
        var most = w.Let(2, r => _most[r]);
        Each((i, r) => w.Set(most[r], PtxWriter.Max(most[r], _scores[i])));
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
            w.Set(_scores[i], PtxWriter.Exp2(PtxWriter.Fma(_scores[i], scale, most[r])));
            w.Set(_total[r], _total[r] + _scores[i]);
        });
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
        Each((i, r) => w.Set(_weights[i], PtxWriter.Exp2(PtxWriter.Fma(_scores[i], scale, logs[r]))));

    /// <summary>Scores become (score - delta) weight.</summary>
    public void DifferRows(Register<F32>[] deltas) => Each((i, r) => w.Set(_scores[i], (_scores[i] - deltas[r]) * _weights[i]));

    /// <summary>The same two where columns are queries.</summary>
    public void WeighColumns(Value<F32> scale, ColumnStatistics statistics) => ForEachColumn((column, scores) =>
    {
        var log = w.Let(statistics.LogSumExp(column) * MinusLog2E);
        foreach (int i in scores)
            w.Set(_weights[i], PtxWriter.Exp2(PtxWriter.Fma(_scores[i], scale, log)));
    });

    /// <inheritdoc cref="WeighColumns"/>
    public void DifferColumns(ColumnStatistics statistics) => ForEachColumn((column, scores) =>
    {
        var delta = statistics.Delta(column);
        foreach (int i in scores)
            w.Set(_scores[i], (_scores[i] - delta) * _weights[i]);
    });

    /// <summary>-log2(e) times a log-sum-exp.</summary>
    public Value<F32> Exponent(Value<F32> logSumExp) => logSumExp * MinusLog2E;

    /// <summary>
    /// Stores the lane's part of two rows, those that exist, in float32 or rounded to BF16. In TF32 column 2t + odd of product 4q + j is
    /// channel 32q + 8t + 4 odd + j.
    /// </summary>
    /// <param name="sums">From <see cref="NewSums"/>.</param>
    /// <param name="at">Address of the upper row's first channel of the lane (<see cref="FirstChannel"/>).</param>
    /// <param name="pitch">Bytes from row to row.</param>
    /// <param name="exists">The upper and the lower one.</param>
    public void Store(Register<F32>[] sums, Value<S64> at, Value<S32> pitch, Register<Predicate>[] exists)
    {
        for (int row = 0; row < 2; row++)
        {
            var start = w.Let(at + pitch.Wide(8 * row));
            if (isRounded)
            {
                for (int n = 0; n < head / 8; n++)
                    w.Store<B32>(start + 16 * n, [PtxWriter.Bf16Pair(sums[4 * n + 2 * row], sums[4 * n + 2 * row + 1])], exists[row]);
                continue;
            }
            if (IsBf16)
            {
                for (int n = 0; n < head / 8; n++)
                    w.Store<F32>(start + 32 * n, sums[(4 * n + 2 * row)..][..2], exists[row]);
                continue;
            }
            for (int n = 0; n < head / 16; n++)
            {
                w.Store<F32>(start + (n / 2 * 128 + n % 2 * 16),
                    [.. Enumerable.Range(0, 4).Select(j => sums[n / 2 * 16 + 4 * j + 2 * row + n % 2])],
                    exists[row]);
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

    /// <summary>Each score with its row, 0 for the lane's upper one.</summary>
    private void Each(Action<int, int> use)
    {
        for (int i = 0; i < _scores.Length; i++)
            use(i, i / 2 % 2);
    }

    /// <summary>Each column of the lane, from its first, with its two scores.</summary>
    private void ForEachColumn(Action<int, int[]> use)
    {
        for (int n = 0; n < _scores.Length / 4; n++)
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

/// <summary>Log-sum-exp and delta of queries that are columns: pairs, those behind the last are the last's.</summary>
internal sealed class ColumnStatistics(PtxWriter w, Value<S64> pairs, Value<S32> first, Value<S32> tokens)
{
    public Register<F32> LogSumExp(int column) => w.Load<F32>(Pair(column));

    public Register<F32> Delta(int column) => w.Load<F32>(Pair(column) + 4);

    private Value<S64> Pair(int column) => pairs + PtxWriter.Min(first + column, tokens - 1).Wide(8);
}
