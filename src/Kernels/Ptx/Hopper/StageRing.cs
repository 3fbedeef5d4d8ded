namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// Stages of shared memory that go around between those who fill them and those who multiply. Each has two mbarriers: full, whose phase is
/// complete when the step's bytes are there, and empty, when all warpgroups have multiplied them. A stage's n-th turn is phase n of both.
/// </summary>
/// <param name="w">Writes.</param>
/// <param name="mbarriers">Where the mbarriers lie: 16 bytes a stage.</param>
/// <param name="stages">Their number.</param>
/// <param name="stageBytes">Of one.</param>
internal sealed class StageRing(PtxWriter w, Register<U32> mbarriers, int stages, int stageBytes)
{
    /// <summary>Of both mbarriers of a stage.</summary>
    public const int MbarrierBytes = 16;

    /// <summary>Makes the mbarriers; then all threads of the group meet.</summary>
    /// <param name="fills">Arrivals that make a stage full.</param>
    /// <param name="reads">Arrivals that make it empty.</param>
    public void Make(int fills, int reads)
    {
        w.If(w.Thread().Is(0), () =>
        {
            for (int stage = 0; stage < stages; stage++)
            {
                w.MakeMbarrier(mbarriers + 8 * stage, fills);
                w.MakeMbarrier(mbarriers + 8 * (stages + stage), reads);
            }
            w.FenceMbarriers();
        });
        w.Barrier();
    }

    /// <summary>A turn at stage 0, in phase 0.</summary>
    public Turn Begin() => new(w, mbarriers, stages, stageBytes);

    /// <summary>Which stage it is, for one who goes around.</summary>
    internal sealed class Turn(PtxWriter w, Register<U32> mbarriers, int stages, int stageBytes)
    {
        private readonly Register<U32> _parity = w.Let<U32>(0);

        /// <summary>Bytes from stage 0 to this one.</summary>
        public Register<U32> Stage { get; } = w.Let<U32>(0);

        /// <summary>The stage's mbarriers.</summary>
        public Register<U32> Full { get; } = w.Let(mbarriers);

        /// <inheritdoc cref="Full"/>
        public Value<U32> Empty => Full + 8 * stages;

        /// <summary>Waits until the stage is filled.</summary>
        public void AwaitFull() => w.Await(Full, _parity);

        /// <summary>Waits until what it held before is read: the first time around nothing.</summary>
        public void AwaitEmpty() => w.Await(Empty, _parity ^ 1);

        /// <summary>Turns to the next stage.</summary>
        public void Next()
        {
            w.Set(Stage, Stage + stageBytes);
            w.Set(Full, Full + 8);
            var isAround = w.Let(Stage.Is(stages * stageBytes));
            w.Set(Stage, PtxWriter.Select<U32>(isAround, 0, Stage));
            w.Set(Full, PtxWriter.Select<U32>(isAround, mbarriers, Full));
            w.Set(_parity, PtxWriter.Select<U32>(isAround, _parity ^ 1, _parity));
        }
    }
}
