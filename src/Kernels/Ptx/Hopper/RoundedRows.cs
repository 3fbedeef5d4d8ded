using BDense.Kernels.Ptx.Attention;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// A head's rows that are float32 in memory: rounded to BF16 in the registers of a warpgroup on their way to where boxes would put them.
/// Neighbouring threads have neighbouring 8 channels, so that stores of 16 bytes by eight threads are all 32 banks once.
/// </summary>
internal sealed class RoundedRows
{
    /// <summary>Loads of a thread that are on their way at once, each of 32 bytes.</summary>
    private const int Passes = 4;

    private readonly PtxWriter _w;
    private readonly int _passRows;
    private readonly Register<S32> _row;
    private readonly Register<U32> _piece;

    /// <param name="w">Writes.</param>
    /// <param name="head">Channels: 64, 128 or 256.</param>
    public RoundedRows(PtxWriter w, int head)
    {
        int pieces = head / 8;
        _passRows = WarpgroupTile.Warpgroup / pieces;
        (_w, _row, _piece) = (w, w.Let((w.Thread() / pieces).As<S32>()), w.Let(w.Thread() % pieces));
    }

    /// <summary>Brings all rows of a matrix; zeros where there is no token. By all threads of the group's first warpgroup.</summary>
    /// <param name="matrix">How they lie.</param>
    /// <param name="to">Where they go.</param>
    /// <param name="rows">Of the head.</param>
    /// <param name="first">Token.</param>
    /// <param name="tokens">That there are.</param>
    public void Copy(HeadMatrix matrix, Value<U32> to, HeadRows rows, Value<S32> first, Value<S32> tokens)
    {
        var from = _w.Let(rows.First + (_piece * 32).Long());
        var column = _w.Let(to + _piece / 8 * (matrix.Rows * WarpgroupTile.StepBytes));
        _w.For(0, matrix.Rows, start =>
        {
            var loaded = Enumerable.Range(0, Passes).Select(pass =>
            {
                var token = _w.Let(first + start + _row + pass * _passRows);
                var exists = _w.Let(token < tokens);
                var at = _w.Let(from + token.Wide(rows.Pitch));
                return (Register<F32>[])[.. _w.LoadVector<F32>(4, at, exists), .. _w.LoadVector<F32>(4, at + 16, exists)];
            }).ToArray();
            for (int pass = 0; pass < Passes; pass++)
            {
                var v = loaded[pass];
                var row = _w.Let((start + _row + pass * _passRows).As<U32>());
                _w.StoreShared<B32>(column + SharedTile.Place(row, _piece % 8),
                    _w.Let(4, i => PtxWriter.Bf16Pair(v[2 * i], v[2 * i + 1])));
            }
        }, Passes * _passRows);
    }
}
