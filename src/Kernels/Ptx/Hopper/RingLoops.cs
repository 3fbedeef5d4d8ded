namespace BDense.Kernels.Ptx.Hopper;

/// <summary>What the warpgroups that multiply do with a ring of stages.</summary>
internal static class RingLoops
{
    /// <summary>
    /// A tile's steps. A stage is released when the products of the step after it are on their way, so that the tensor cores never wait for
    /// a release; behind it all products are computed.
    /// </summary>
    /// <param name="w">Writes.</param>
    /// <param name="turn">Goes on from tile to tile.</param>
    /// <param name="sums">Of the tile.</param>
    /// <param name="steps">At least 1.</param>
    /// <param name="areCopied">Whether threads fill stages, too: then what they wrote must be made known to the tensor cores.</param>
    public static void Multiply(PtxWriter w, StageRing.Turn turn, WarpgroupSums sums, Value<S32> steps, bool areCopied = false)
    {
        // One thread of a warpgroup arrives for it: a product is computed as a whole.
        var speaks = w.Let((w.Thread() % WarpgroupTile.Warpgroup).Is(0));
        var before = w.Let(turn.Empty);
        sums.Clear();
        w.For(0, steps, step =>
        {
            turn.AwaitFull();
            if (areCopied)
                w.FenceShared();
            sums.Multiply(turn.Stage);
            w.WaitForProducts(1);
            w.Arrive(before, w.Let(speaks & step.IsNot(0)));
            w.Set(before, turn.Empty);
            turn.Next();
        });
        w.WaitForProducts(0);
        w.Arrive(before, speaks);
    }
}
