namespace BDense.Kernels.Ptx.Products;

/// <summary>
/// A tile's sums, on the tensor cores of any NVIDIA GPU from 8.0 on. Copies of a step go to a stage of shared memory while those before it
/// are multiplied. A step is multiplied in two halves, and the fragments of a half are loaded before the products of the one before it: on
/// an H200 a loop that loaded both and then multiplied took as long as its loads and its products together. The barrier lies between the
/// halves, when the last loads from the old stage are on their way and the first from the new one are next.
/// </summary>
internal static class ProductLoop
{
    /// <param name="w">Writes.</param>
    /// <param name="tile">Whose sums.</param>
    /// <param name="shape">Of its products.</param>
    /// <param name="a">Rows.</param>
    /// <param name="b">Columns.</param>
    /// <param name="steps">Of 64 bytes.</param>
    /// <param name="start">What sum i of the lane begins with.</param>
    /// <returns>The lane's sums: four for each instruction, along the columns first.</returns>
    public static Register<F32>[] Run(PtxWriter w, ProductTile tile, MmaShape shape, Operand a, Operand b, Value<S32> steps,
        Func<int, Value<F32>> start)
    {
        var sums = w.Let(tile.WarpRows * tile.WarpColumns / 32, start);
        var (fill, read) = (w.Let<U32>(0), w.Let<U32>(0));
        for (int ahead = 1; ahead < tile.Stages; ahead++)
        {
            Begin();
            Finish();
        }
        w.WaitForCopies(tile.Stages - 2);
        w.Barrier();
        Fragments now = new(w, tile), next = new(w, tile);
        now.Load(a, b, read, half: 0);
        w.For(0, steps, _ =>
        {
            // Into the stage that all have read: the barrier of the step before tells. Steps that do not exist are copied as zeros.
            Begin();
            next.Load(a, b, read, half: 1);
            now.Multiply(w, tile, shape, sums);
            Advance(read);
            w.WaitForCopies(tile.Stages - 2);
            w.Barrier();
            now.Load(a, b, read, half: 0);
            next.Multiply(w, tile, shape, sums);
            Finish();
        });
        return sums;

        void Begin()
        {
            a.Copies.Begin(fill);
            b.Copies.Begin(fill);
            w.CommitCopies();
        }

        void Finish()
        {
            a.Copies.Finish(fill);
            b.Copies.Finish(fill);
            Advance(fill);
        }

        void Advance(Register<U32> stage) =>
            w.Set(stage, PtxWriter.Select<U32>(stage.Is((tile.Stages - 1) * tile.StageBytes), 0, stage + tile.StageBytes));
    }

    /// <summary>A warp's fragments of half a step.</summary>
    private sealed class Fragments(PtxWriter w, ProductTile tile)
    {
        private readonly Register<B32>[] _a = w.Registers<B32>(tile.WarpRows / 16 * 4), _b = w.Registers<B32>(tile.WarpColumns / 8 * 2);

        public void Load(Operand a, Operand b, Value<U32> stage, int half)
        {
            a.Layout.Load(_a, stage, half);
            b.Layout.Load(_b, stage, half);
        }

        public void Multiply(PtxWriter w, ProductTile tile, MmaShape shape, Register<F32>[] sums)
        {
            int columns = tile.WarpColumns / 8;
            for (int m = 0; m < tile.WarpRows / 16; m++)
            {
                for (int n = 0; n < columns; n++)
                    w.Multiply(shape, sums.AsSpan(4 * (m * columns + n), 4), _a.AsSpan(4 * m, 4), _b.AsSpan(2 * n, 2));
            }
        }
    }
}
