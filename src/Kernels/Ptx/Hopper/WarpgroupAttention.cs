using BDense.Kernels.Ptx.Attention;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// What a warpgroup of <see cref="WarpgroupAttentionKernel"/> multiplies: scores of its 64 own tokens and a block, and sums of what is made
/// of them, whose left operand never leaves the registers. Only products write the registers of scores: what is made of them goes to
/// others, or ptxas would let every product wait for the one before.
/// </summary>
internal sealed class WarpgroupAttention
{
    private readonly PtxWriter _w;
    private readonly WarpgroupAttentionKernel _kernel;
    private readonly AttentionPlaces _at;
    private readonly StageRing.Turn _own, _turn;
    private readonly Register<S64> _first, _second, _channels, _rows;
    private readonly Register<Predicate> _speaks;
    private readonly HeadMatrix _ownMatrix, _other;

    /// <param name="w">Writes.</param>
    /// <param name="kernel">Which.</param>
    /// <param name="at">Of the group.</param>
    /// <param name="warp">Of those that multiply, from 0.</param>
    /// <param name="own">Own operands.</param>
    /// <param name="turn">The blocks'.</param>
    public WarpgroupAttention(PtxWriter w, WarpgroupAttentionKernel kernel, AttentionPlaces at, Value<U32> warp, StageRing.Turn own,
        StageRing.Turn turn)
    {
        (_w, _kernel, _at, _own, _turn) = (w, kernel, at, own, turn);
        (_ownMatrix, _other) = (kernel.Own, kernel.Other);
        Softmax = new AttentionScores(w, kernel.Block);
        var rows = w.Let(at.Shared + warp / 4 * WarpgroupTile.BlockBytes);
        _first = w.Let(_ownMatrix.AlongChannels.Descriptor(rows));
        _second = w.Let(_first + _ownMatrix.Bytes / 16);
        var stages = w.Let(at.Shared + kernel.OwnBytes);
        _channels = w.Let(_other.AlongChannels.Descriptor(stages));
        _rows = w.Let(_other.AlongRows.Descriptor(stages));
        _speaks = w.Let((w.Thread() % 32).Is(0));
    }

    /// <summary>Between the products.</summary>
    public AttentionScores Softmax { get; }

    /// <summary>
    /// Values summed by exp(score - largest so far): y but for its division. While a block is weighed, the values of the one before are
    /// multiplied.
    /// </summary>
    /// <param name="scale">Of the scores, in units of ln 2.</param>
    public Register<F32>[] Attend(Value<F32> scale)
    {
        var (sums, weights) = (NewSums(), NewPairs());
        _own.AwaitFull();
        _turn.AwaitFull();
        _w.FenceProducts();
        Scores(Softmax.Scores, _first, _turn.Stage);
        _w.WaitForProducts(0);
        Release(_turn.Empty);
        _turn.Next();
        Softmax.Mask(Left());
        Softmax.Softmax(scale, Softmax.Weights);
        Round(Softmax.Weights, weights);
        _w.For(1, _at.Blocks, _ =>
        {
            _turn.AwaitFull();
            _w.FenceProducts();
            Scores(Softmax.Scores, _first, _turn.Stage);
            var keys = _w.Let(_turn.Empty);
            _turn.Next();
            _turn.AwaitFull();
            Add(sums, weights, _turn.Stage);
            _w.WaitForProducts(1);
            Release(keys);
            var shrink = Softmax.Softmax(scale, Softmax.Weights);
            _w.WaitForProducts(0);
            Release(_turn.Empty);
            _turn.Next();
            Softmax.Shrink(sums, shrink);
            Round(Softmax.Weights, weights);
        });
        _turn.AwaitFull();
        _w.FenceProducts();
        Add(sums, weights, _turn.Stage);
        _w.WaitForProducts(0);
        return sums;
    }

    /// <summary>
    /// Sums of gradients: (score of the second operands - delta) weight times the other side's first operand, and weights times its second,
    /// as the pass has them; in the order that the result has. The products of a block run on into the next.
    /// </summary>
    /// <param name="scale">Of the scores, in units of ln 2.</param>
    /// <param name="rows">Statistics of own queries; of own keys, the columns' come with the blocks.</param>
    public (Register<F32>[] First, Register<F32>[]? Second) Differ(Value<F32> scale,
        (Register<F32>[] Logs, Register<F32>[] Deltas)? rows)
    {
        var pass = _kernel.Pass;
        bool hasPairs = pass.HasPairs(), addsWeights = pass is AttentionPass.KeyValueGradient or AttentionPass.ValueGradient;
        var differences = hasPairs ? NewSums() : null;
        var values = addsWeights ? NewSums() : null;
        Register<F32>[] second = _w.Registers<F32>(_kernel.Block / 2);
        Register<B32>[] weightPairs = NewPairs(), differencePairs = NewPairs();
        var before = _w.Let<U32>(0);
        _own.AwaitFull();
        Block(isFirst: true);
        _w.For(1, _at.Blocks, _ => Block(isFirst: false));
        _w.WaitForProducts(0);
        return differences is null ? (values!, null) : (differences, values);

        void Block(bool isFirst)
        {
            _turn.AwaitFull();
            _w.FenceProducts();
            Scores(Softmax.Scores, _first, _turn.Stage);
            if (!isFirst)
            {
                // The block before is computed.
                _w.WaitForProducts(1);
                Release(before);
            }
            var (firstStage, firstEmpty) = (_w.Let<U32>(_turn.Stage), _w.Let(_turn.Empty));
            IColumnStatistics? columns = rows is null
                ? new SharedStatistics.Columns(_w, _kernel.Block, _kernel.StatisticsOf(_at, _turn.Stage)) : null;
            _turn.Next();
            _turn.AwaitFull();
            if (hasPairs)
            {
                Scores(second, _second, _turn.Stage);
                _w.WaitForProducts(1);
            }
            else
            {
                _w.WaitForProducts(0);
            }
            if (isFirst && rows is not null)
                Softmax.Mask(Left());
            if (rows is { } statistics)
                Softmax.WeighRows(scale, statistics.Logs);
            else
                Softmax.WeighColumns(scale, columns!);
            if (values is not null)
            {
                Round(Softmax.Weights, weightPairs);
                _w.FenceProducts();
                Add(values, weightPairs, _turn.Stage);
            }
            if (differences is not null)
            {
                _w.WaitForProducts(values is null ? 0 : 1);
                if (values is null)
                    Release(_turn.Empty);
                if (rows is { } own)
                    Softmax.DifferRows(own.Deltas, second);
                else
                    Softmax.DifferColumns(columns!, second);
                Round(second, differencePairs);
                _w.FenceProducts();
                Add(differences, differencePairs, firstStage);
                if (values is not null)
                {
                    _w.WaitForProducts(1);
                    Release(_turn.Empty);
                }
                _w.Set(before, firstEmpty);
            }
            else
            {
                Release(firstEmpty);
                _w.Set(before, _turn.Empty);
            }
            _turn.Next();
        }
    }

    private Register<F32>[] NewSums() => _w.Let<F32>(_kernel.Head / 2, _ => 0f);

    private Register<B32>[] NewPairs() => _w.Registers<B32>(_kernel.Block / 4);

    /// <summary>Begins own rows times a block's, along the channels, as one group.</summary>
    private void Scores(Register<F32>[] sums, Register<S64> own, Value<U32> stage)
    {
        var block = _w.Let(_channels + (stage / 16).Long());
        for (int step = 0; step < _other.ChannelSteps; step++)
        {
            _w.MultiplyShared(MmaShape.Bf16, sums, own + _ownMatrix.ChannelStep(step) / 16, block + _other.ChannelStep(step) / 16,
                adds: Known(step > 0));
        }
        _w.CommitProducts();
    }

    /// <summary>Begins sums += pairs times a block's rows, as one group.</summary>
    private void Add(Register<F32>[] sums, Register<B32>[] pairs, Value<U32> stage)
    {
        var block = _w.Let(_rows + (stage / 16).Long());
        for (int step = 0; step < _other.RowSteps; step++)
        {
            _w.MultiplyShared(MmaShape.Bf16, sums, pairs[(4 * step)..(4 * step + 4)], block + HeadMatrix.RowStep(step) / 16, Known(true),
                transposedB: true);
        }
        _w.CommitProducts();
    }

    private void Round(Register<F32>[] values, Register<B32>[] pairs)
    {
        for (int i = 0; i < pairs.Length; i++)
            _w.Set(pairs[i], AttentionScores.Pair(values, i));
    }

    private void Release(Value<U32> empty) => _w.Arrive(empty, _speaks);

    /// <summary>Columns of the last block from the lane's first on.</summary>
    private Value<S32> Left() =>
        _w.Let(_at.Tokens - (_at.Blocks - 1) * _kernel.Block - (_w.Thread() % 4 * 2).As<S32>());

    private static Value<Predicate> Known(bool value) => ((Value<U32>)0).Is(value ? 0 : 1);
}
