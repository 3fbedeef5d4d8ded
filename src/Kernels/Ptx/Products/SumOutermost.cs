namespace BDense.Kernels.Ptx.Products;

/// <summary>
/// A row holds one value of the sum for all of the tile's rows (A) or columns (B). Piece c (16 bytes) of row r lies at c xor f(r), f(r) =
/// 2(r mod 4) + (r / 4 mod 2): eight rows of one piece (ldmatrix) and four rows of two neighbouring pieces (loads of 16 bytes) fall into
/// all 32 banks.
/// </summary>
/// <remarks>
/// BF16 is transposed by ldmatrix. TF32 has no such instruction: a lane loads four neighbours of one value of the sum, which become its
/// part of four fragments; so the result's rows and columns change places, as <see cref="OffsetOf"/> says.
/// </remarks>
internal sealed class SumOutermost : IOperandLayout
{
    private readonly PtxWriter _w;
    private readonly Side _side;
    private readonly bool _isBf16;
    private readonly int _pitch, _depth, _passRows;
    private readonly Register<U32> _from;
    private readonly Register<U32>[] _to;

    /// <param name="w">Writes.</param>
    /// <param name="side">Which operand it is.</param>
    /// <param name="shape">Of its products.</param>
    /// <param name="shared">Where it begins in stage 0.</param>
    /// <param name="width">Rows of the tile; columns for B.</param>
    /// <param name="threads">Of the group.</param>
    /// <param name="warpRow">The warp's first.</param>
    public SumOutermost(PtxWriter w, Side side, MmaShape shape, Value<U32> shared, int width, int threads, Value<U32> warpRow)
    {
        var thread = w.Thread();
        var lane = thread % 32;
        _isBf16 = shape == MmaShape.Bf16;
        (_w, _side, _depth, _pitch) = (w, side, 2 * shape.Depth, width * ProductTile.StepBytes / (2 * shape.Depth));
        int pieces = _pitch / 16;
        _passRows = threads / pieces;
        Passes = _depth / _passRows;
        (Row, Piece) = (w.Let(thread / pieces), w.Let(thread % pieces));
        _to = w.Let(Math.Min(Passes, 2), n => shared + Swizzled(Row + n * _passRows, Piece));
        var value = !_isBf16 ? lane % 4 : side == Side.A ? lane % 8 + lane / 16 * 8 : lane % 8 + lane / 8 % 2 * 8;
        var piece = !_isBf16 ? warpRow / 4 + lane / 4 : side == Side.A ? warpRow / 8 + lane / 8 % 2 : warpRow / 8 + lane / 16;
        _from = w.Let(shared + Swizzled(value, piece));
    }

    /// <inheritdoc/>
    public int Passes { get; }

    /// <inheritdoc/>
    public Register<U32> Row { get; }

    /// <inheritdoc/>
    public Register<U32> Piece { get; }

    /// <summary>Values of the sum in a step.</summary>
    public int Depth => _depth;

    /// <inheritdoc/>
    public int PassRows => _passRows;

    /// <inheritdoc/>
    public Value<U32> Place(int pass) =>
        // Two passes are a multiple of the eight rows after which places repeat, or there is but one.
        _to[pass % 2] + pass / 2 * 2 * _passRows * _pitch;

    /// <inheritdoc/>
    public void Load(Register<B32>[] to, Value<U32> stage, int half)
    {
        var from = _w.Let(_from + stage + half * (_depth / 2) * _pitch);
        if (_isBf16)
        {
            for (int i = 0; i < to.Length / 4; i++)
                _w.LoadMatrices(to.AsSpan(4 * i, 4), from ^ 32 * i, transposed: true);
            return;
        }
        // The fourth value below it is the second half of a fragment's depth; there f has another lowest bit.
        var below = _w.Let((from ^ 16) + 4 * _pitch);
        for (int i = 0; i < to.Length / 8; i++)
        {
            var t = to[(8 * i)..];
            Register<B32>[] upper = _side == Side.A ? [t[0], t[1], t[4], t[5]] : [t[0], t[2], t[4], t[6]];
            Register<B32>[] lower = _side == Side.A ? [t[2], t[3], t[6], t[7]] : [t[1], t[3], t[5], t[7]];
            _w.LoadShared<B32>(upper, from ^ 128 * i);
            _w.LoadShared<B32>(lower, below ^ 128 * i);
        }
    }

    /// <inheritdoc/>
    public int OffsetOf(int block, int next = 0) => _isBf16 ? 8 * block + next
        : _side == Side.A ? block / 4 * 32 + block % 4 : block / 4 * 32 + block % 4 + 4 * next;

    /// <inheritdoc/>
    public Value<U32> FirstOf(Value<U32> lane) => (_isBf16, _side) switch
    {
        (true, Side.A) => lane / 4,
        (true, _) => lane % 4 * 2,
        (_, Side.A) => lane / 4 * 4,
        _ => lane % 4 * 8,
    };

    private Value<U32> Swizzled(Value<U32> row, Value<U32> piece) => row * _pitch + (piece ^ (row % 4 * 2 | row / 4 % 2)) * 16;
}
