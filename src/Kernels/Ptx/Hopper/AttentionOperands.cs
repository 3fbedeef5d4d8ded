using BDense.Kernels.Ptx.Attention;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// Those who bring: own operands once, then the other side's blocks in the order in which they are multiplied. BF16 comes as boxes that one
/// thread asks for, float32 through the registers of a whole warpgroup.
/// </summary>
internal sealed class AttentionOperands
{
    private readonly PtxWriter _w;
    private readonly WarpgroupAttentionKernel _kernel;
    private readonly AttentionPlaces _at;
    private readonly Operand _q, _k, _v, _dy;
    private readonly Register<S64> _pairs;
    private readonly Register<Predicate> _speaks;
    private readonly Register<U32> _stages;
    private readonly RoundedRows? _rounded;

    /// <param name="w">Writes.</param>
    /// <param name="kernel">Whose operands.</param>
    /// <param name="all">Its arguments.</param>
    /// <param name="at">Of the group.</param>
    public AttentionOperands(PtxWriter w, WarpgroupAttentionKernel kernel, PtxArguments<WarpgroupAttentionArguments> all,
        AttentionPlaces at)
    {
        (_w, _kernel, _at) = (w, kernel, at);
        var g = all.Within<AttentionArguments>();
        var (projections, outputs) = (all.Of(x => x.Projections), all.Of(x => x.OutputGradient));
        var (qkv, dy) = (g.Of(x => x.Qkv), g.Of(x => x.Dy));
        (_q, _k, _v) = (new(projections, qkv, 0, 3), new(projections, qkv, 1, 3), new(projections, qkv, 2, 3));
        _dy = new(outputs, dy, 0, 1);
        _pairs = w.Let(g.Of(x => x.Statistics) + ((at.Sample * at.Heads + at.Head) * at.Tokens).Wide(SharedStatistics.Bytes));
        // Of each warp one thread.
        _speaks = w.Let((w.Thread() % 32).Is(0));
        _stages = w.Let(at.Shared + kernel.OwnBytes);
        _rounded = kernel.IsRounded ? null : new RoundedRows(w, kernel.Head);
    }

    /// <summary>Arrivals that make a stage full.</summary>
    public static int Fills(WarpgroupAttentionKernel kernel) => !kernel.IsRounded ? 4 : kernel.HasColumnStatistics ? 2 : 1;

    /// <summary>Brings all. By the first warp; of float32 by the first warpgroup.</summary>
    public void Bring(StageRing.Turn own, StageRing.Turn turn)
    {
        var (first, second, otherFirst, otherSecond) = _kernel.Pass.OwnQueries() ? (_q, _dy, _k, _v) : (_k, _v, _q, _dy);
        var matrix = _kernel.Own;
        Fill(own.Full, _at.First, null, _kernel.Pass.HasPairs()
            ? [(matrix, _at.Shared, first), (matrix, _at.Shared + matrix.Bytes, second)] : [(matrix, _at.Shared, first)]);
        if (_kernel.Pass == AttentionPass.Forward)
        {
            // Scores of a block come before the values of the one before.
            Block(turn, otherFirst, 0);
            _w.For(1, _at.Blocks, index =>
            {
                Block(turn, otherFirst, index);
                Block(turn, otherSecond, index - 1);
            });
            Block(turn, otherSecond, _at.Blocks - 1);
            return;
        }
        _w.For(0, _at.Blocks, index =>
        {
            Block(turn, otherFirst, index, hasStatistics: _kernel.HasColumnStatistics);
            Block(turn, otherSecond, index);
        });
    }

    /// <summary>An operand of a block, counted from the last.</summary>
    private void Block(StageRing.Turn turn, Operand operand, Value<S32> index, bool hasStatistics = false)
    {
        var first = _w.Let((_at.Blocks - 1 - index) * _kernel.Block);
        turn.AwaitEmpty();
        Fill(turn.Full, first, hasStatistics ? _kernel.StatisticsOf(_at, turn.Stage) : null,
            [(_kernel.Other, _stages + turn.Stage, operand)]);
        turn.Next();
    }

    private void Fill(Value<U32> full, Value<S32> first, Value<U32>? statistics, (HeadMatrix Matrix, Value<U32> To, Operand Of)[] parts)
    {
        if (_rounded is null)
        {
            _w.If(_speaks, () =>
            {
                _w.ArriveExpecting(full, parts.Sum(part => part.Matrix.Bytes));
                foreach (var (matrix, to, of) in parts)
                    matrix.Copy(_w, to, of.Map, new HeadOf(of.Part, _at.Head, _at.Sample), first, full);
            });
        }
        else
        {
            foreach (var (matrix, to, of) in parts)
                _rounded.Copy(matrix, to, Rows(of), first, _at.Tokens);
            _w.FenceShared();
        }
        if (statistics is not null)
            _w.If(_w.Thread() < 32, () => SharedStatistics.Bring(_w, _kernel.Block, statistics, _pairs, first, _at.Tokens));
        if (_rounded is null && !_kernel.HasColumnStatistics)
            return;
        _w.WarpBarrier();
        _w.Arrive(full, _speaks);
    }

    /// <summary>Where float32 rows of the head are.</summary>
    private HeadRows Rows(Operand of)
    {
        var width = _w.Let(_at.Heads * (4 * _kernel.Head));
        return new(of.Tensor + (_at.Sample * _at.Tokens * of.Parts + of.Part).Wide(width) + _at.Head.Wide(4 * _kernel.Head),
            _w.Let(width * of.Parts));
    }

    /// <summary>Which rows of a packed tensor.</summary>
    /// <param name="Map">Of the tensor, where it is BF16.</param>
    /// <param name="Tensor">Its address.</param>
    /// <param name="Part">q, k or v; of dy there is one.</param>
    /// <param name="Parts">Of the tensor.</param>
    private sealed record Operand(Value<S64> Map, Value<S64> Tensor, int Part, int Parts);
}
