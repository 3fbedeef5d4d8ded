namespace BDense.Kernels.Ptx.Products;

/// <summary>
/// Rows of 64 bytes of the sum. Piece c (16 bytes) of row r lies at c xor (r / 2 mod 4): the eight rows that ldmatrix reads at once, and
/// the pieces that eight neighbouring threads write, fall into all 32 banks. Either precision: a fragment of ldmatrix is 8 rows of 16
/// bytes.
/// </summary>
internal sealed class SumInnermost : IOperandLayout
{
    private readonly PtxWriter _w;
    private readonly Side _side;
    private readonly int _passRows;
    private readonly Register<U32> _to, _from;

    /// <param name="w">Writes.</param>
    /// <param name="side">Which operand it is.</param>
    /// <param name="shared">Where it begins in stage 0.</param>
    /// <param name="rows">Of the tile; columns for B.</param>
    /// <param name="threads">Of the group.</param>
    /// <param name="warpRow">The warp's first.</param>
    public SumInnermost(PtxWriter w, Side side, Value<U32> shared, int rows, int threads, Value<U32> warpRow)
    {
        var thread = w.Thread();
        var lane = thread % 32;
        (_w, _side, _passRows, Passes) = (w, side, threads / 4, rows / (threads / 4));
        (Row, Piece) = (w.Let(thread / 4), w.Let(thread % 4));
        _to = w.Let(shared + Swizzled(Row, Piece));
        // A: lanes 0-15 the rows of the first 16 bytes, 16-31 those of the second. B: two blocks of 8 columns, both pieces of each.
        _from = w.Let(shared + (side == Side.A ? Swizzled(warpRow + lane % 16, lane / 16)
            : Swizzled(warpRow + lane / 16 * 8 + lane % 8, lane / 8 % 2)));
    }

    /// <inheritdoc/>
    public int Passes { get; }

    /// <inheritdoc/>
    public Register<U32> Row { get; }

    /// <inheritdoc/>
    public Register<U32> Piece { get; }

    /// <inheritdoc/>
    public int PassRows => _passRows;

    /// <inheritdoc/>
    public Value<U32> Place(int pass) => _to + pass * _passRows * ProductTile.StepBytes;

    /// <inheritdoc/>
    public void Load(Register<B32>[] to, Value<U32> stage, int half)
    {
        // Pieces 2 and 3 lie where 0 and 1 do, xor 32.
        var from = _w.Let((_from + stage) ^ 32 * half);
        for (int i = 0; i < to.Length / 4; i++)
            _w.LoadMatrices(to.AsSpan(4 * i, 4), from + i * 16 * ProductTile.StepBytes);
    }

    /// <inheritdoc/>
    public int OffsetOf(int block, int next = 0) => 8 * block + next;

    /// <inheritdoc/>
    public Value<U32> FirstOf(Value<U32> lane) => _side == Side.A ? lane / 4 : lane % 4 * 2;

    private static Value<U32> Swizzled(Value<U32> row, Value<U32> piece) => row * ProductTile.StepBytes + (piece ^ row / 2 % 4) * 16;
}
