using BDense.Kernels.Ptx.Attention;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// Log-sum-exp and delta of a block's queries in shared memory, first all exponents, then all deltas: by lanes of a warp from global
/// memory, for a warpgroup whose columns they are. Queries that do not exist have no weight.
/// </summary>
internal static class SharedStatistics
{
    /// <summary>Of a query.</summary>
    public const int Bytes = 8;

    /// <summary>Brings a block's. By all lanes of one warp.</summary>
    /// <param name="w">Writes.</param>
    /// <param name="block">Queries, a multiple of 32.</param>
    /// <param name="to">Where they go.</param>
    /// <param name="pairs">Address of the head's (log-sum-exp, delta).</param>
    /// <param name="first">Query.</param>
    /// <param name="tokens">Queries that there are.</param>
    public static void Bring(PtxWriter w, int block, Value<U32> to, Value<S64> pairs, Value<S32> first, Value<S32> tokens)
    {
        var lane = w.Let(w.Thread() % 32);
        var place = w.Let(to + lane * 4);
        for (int i = 0; i < block; i += 32)
        {
            var query = w.Let(first + lane.As<S32>() + i);
            var exists = w.Let(query < tokens);
            var pair = w.LoadVector<F32>(2, pairs + query.Wide(Bytes), exists);
            w.StoreShared<F32>(place + 4 * i,
                [PtxWriter.Select<F32>(exists, AttentionScores.Exponent(pair[0]), float.NegativeInfinity)]);
            w.StoreShared<F32>(place + 4 * (block + i), [pair[1]]);
        }
    }

    /// <summary>As a lane reads them: its columns are 2(lane mod 4) and the next of each 8.</summary>
    public sealed class Columns(PtxWriter w, int block, Value<U32> at) : IColumnStatistics
    {
        private readonly Register<U32> _at = w.Let(at + w.Thread() % 4 * 8);
        private Register<F32>[] _exponents = [], _deltas = [];

        /// <inheritdoc/>
        public Value<F32> Exponent(int column) => Of(ref _exponents, column, 0);

        /// <inheritdoc/>
        public Value<F32> Delta(int column) => Of(ref _deltas, column, 4 * block);

        /// <summary>Neighbours come in one load; the first is asked for first.</summary>
        private Register<F32> Of(ref Register<F32>[] pair, int column, int offset)
        {
            if (column % 2 == 0)
                pair = w.LoadShared<F32>(2, _at + (offset + 4 * column));
            return pair[column % 2];
        }
    }
}
