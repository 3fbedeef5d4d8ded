namespace BDense.Kernels.Ptx.Attention;

/// <summary>A head's rows in a tensor.</summary>
/// <param name="First">The first one's address.</param>
/// <param name="Pitch">Bytes from one to the next.</param>
internal sealed record HeadRows(Value<S64> First, Value<S32> Pitch);

/// <summary>
/// Blocks of a head's rows in shared memory: one row after the other, each 16 bytes longer than its channels, so that the eight rows of a
/// piece that ldmatrix reads at once fall into all 32 banks, and every offset behind a lane's first is a constant. They come through
/// registers, in float32 and rounded on the way, or in BF16 as they are.
/// </summary>
internal sealed class HeadTile
{
    /// <summary>Own tokens of a group, and its threads.</summary>
    public const int Rows = 64, Threads = 128;

    private readonly PtxWriter _w;
    private readonly MmaShape _shape;
    private readonly int _pieces, _passRows;
    private readonly Register<U32> _row, _piece, _to;
    private readonly Register<F32>[][] _fetched = [];
    private readonly Register<B32>[][] _pairs = [];

    /// <param name="w">Writes.</param>
    /// <param name="shape">TF32 or BF16.</param>
    /// <param name="head">Channels.</param>
    /// <param name="block">Other tokens at a time.</param>
    /// <param name="isRounded">Whether rows are BF16 in memory; then shape is, too.</param>
    public HeadTile(PtxWriter w, MmaShape shape, int head, int block, bool isRounded)
    {
        (_w, _shape, Block) = (w, shape, block);
        _pieces = head * (32 / shape.Depth) / 16;
        _passRows = Threads / _pieces;
        Pitch = 16 * _pieces + 16;
        var thread = w.Thread();
        // Rows of 64 bytes: 0 and 4 beside each other, for the banks.
        _row = w.Let(_pieces == 4 ? thread / 32 * 8 + thread / 4 % 2 * 4 + thread / 8 % 4 : thread / _pieces);
        _piece = w.Let(thread % _pieces);
        _to = w.Let(_row * Pitch + _piece * 16);
        var passes = Enumerable.Range(0, block / _passRows);
        if (isRounded)
            _pairs = [.. passes.Select(_ => w.Registers<B32>(4))];
        else
            _fetched = [.. passes.Select(_ => w.Registers<F32>(IsBf16 ? 8 : 4))];
    }

    /// <summary>Bytes from row to row.</summary>
    public int Pitch { get; }

    /// <summary>Of a block.</summary>
    public int Block { get; }

    private bool IsBf16 => _shape == MmaShape.Bf16;

    /// <summary>
    /// What a lane gives ldmatrix for a left operand: lanes 0-15 the rows of the first 16 bytes, lanes 16-31 those of the second.
    /// </summary>
    public Value<U32> Left(Value<U32> warp, Value<U32> lane) => (warp * 16 + lane % 16) * Pitch + lane / 16 * 16;

    /// <summary>
    /// The same for a right operand, 16 columns: lanes 0-7 first piece of the first eight, 8-15 their second piece, 16-31 the other eight.
    /// </summary>
    public Value<U32> Right(Value<U32> lane) => (lane / 16 * 8 + lane % 8) * Pitch + lane / 8 % 2 * 16;

    /// <summary>
    /// For a right operand whose rows are the sum's. BF16, ldmatrix.trans: matrices 0 and 1 are rows 0-7 and 8-15 of 8 channels, 2 and 3 of
    /// the next 8. TF32: rows 2(lane mod 4) and the next, four channels from 4(lane / 4) on.
    /// </summary>
    public Value<U32> Values(Value<U32> lane) => IsBf16 ? lane % 16 * Pitch + lane / 16 * 16 : lane % 4 * 2 * Pitch + lane / 4 * 16;

    /// <summary>
    /// The thread's part of a block to registers: rows behind the last are the last again, whatever is made of them has no weight.
    /// </summary>
    public void Fetch(HeadRows rows, Value<S32> first, Value<S32> tokens)
    {
        var from = _w.Let(rows.First + (_piece * (IsBf16 && _pairs.Length == 0 ? 32 : 16)).Long());
        for (int pass = 0; pass < Block / _passRows; pass++)
        {
            var row = PtxWriter.Min(first + _row.As<S32>() + pass * _passRows, tokens - 1);
            var at = _w.Let(from + row.Wide(rows.Pitch));
            if (_pairs.Length > 0)
            {
                _w.Load<B32>(_pairs[pass], at);
                continue;
            }
            for (int i = 0; i < _fetched[pass].Length; i += 4)
                _w.Load<F32>(_fetched[pass].AsSpan(i, 4), at + 4 * i);
        }
    }

    /// <summary>The same part, rounded, to shared memory.</summary>
    public void Place(Value<U32> shared)
    {
        for (int pass = 0; pass < Block / _passRows; pass++)
        {
            var to = shared + _to + pass * _passRows * Pitch;
            if (_pairs.Length > 0)
            {
                _w.StoreShared<B32>(to, _pairs[pass]);
                continue;
            }
            var v = _fetched[pass];
            if (IsBf16)
                _w.StoreShared<B32>(to, _w.Let(4, i => PtxWriter.Bf16Pair(v[2 * i], v[2 * i + 1])));
            else
                _w.StoreShared<F32>(to, _w.Let(4, i => PtxWriter.RoundedForTf32(v[i])));
        }
    }

    /// <summary>The group's own rows to shared memory, a block at a time.</summary>
    public void LoadOwn(HeadRows rows, Value<S32> first, Value<S32> tokens, Value<U32> shared)
    {
        for (int row = 0; row < Rows; row += Block)
        {
            Fetch(rows, first + row, tokens);
            Place(shared + row * Pitch);
        }
    }
}
