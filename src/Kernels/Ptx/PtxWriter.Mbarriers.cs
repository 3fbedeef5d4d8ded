using System.Runtime.CompilerServices;

namespace BDense.Kernels.Ptx;

/// <content>Barriers in shared memory, bulk copies that report to them, and the fence between threads and such engines.</content>
internal sealed partial class PtxWriter
{
    /// <summary>
    /// An mbarrier, 8 bytes of shared memory: its phase is complete when so many have arrived and all bytes that were expected have come;
    /// then the next begins. By one thread; a fence (<see cref="FenceMbarriers"/>) and a barrier make it known to all.
    /// </summary>
    public void MakeMbarrier(Value<U32> at, int arrivals, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        string place = Place(at, file, line);
        Write($"mbarrier.init.shared::cta.b64 {place}, {arrivals}");
    }

    /// <summary>Makes mbarriers known to bulk copies.</summary>
    public void FenceMbarriers([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write("fence.mbarrier_init.release.cluster");
    }

    /// <summary>Arrives: who sees the phase complete sees what was done before.</summary>
    public void Arrive(Value<U32> mbarrier, Value<Predicate>? when = null, [CallerFilePath] string file = "", [CallerLineNumber]
    int line = 0)
    {
        string place = Place(mbarrier, file, line);
        Write($"mbarrier.arrive.shared::cta.b64 _, {place}", when);
    }

    /// <summary>Arrives, and the phase is not complete before so many bytes of bulk copies have come.</summary>
    public void ArriveExpecting(Value<U32> mbarrier, int bytes, Value<Predicate>? when = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        string place = Place(mbarrier, file, line);
        Write($"mbarrier.arrive.expect_tx.shared::cta.b64 _, {place}, {bytes}", when);
    }

    /// <summary>Arrives by itself once this thread's copies (<see cref="CopyAsync"/>) have come; one of the arrivals that were counted.
    /// </summary>
    public void ArriveAfterCopies(Value<U32> mbarrier, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        string place = Place(mbarrier, file, line);
        Write($"cp.async.mbarrier.arrive.noinc.shared.b64 {place}");
    }

    /// <summary>Waits for a phase: those with an even number have parity 0.</summary>
    public void Await(Value<U32> mbarrier, Value<U32> parity, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        string place = Place(mbarrier, file, line), of = parity.Write(this), again = NewLabel(), complete = NewRegister<Predicate>();
        _body.Append(again).Append(":\n");
        Write($"mbarrier.try_wait.parity.shared::cta.b64 {complete}, {place}, {of}");
        Write($"bra {again}", new Register<Predicate>(complete), unless: true);
    }

    /// <summary>
    /// What threads stored in shared memory, or copied there by <see cref="CopyAsync"/>, becomes known to <c>wgmma</c> and bulk copies. Of
    /// its own thread, and of those that it knows of by a barrier before.
    /// </summary>
    public void FenceShared([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write("fence.proxy.async.shared::cta");
    }

    /// <summary>
    /// A box of a tensor to shared memory, at a multiple of 128 bytes (of 1,024 with a swizzle of 128); zeros outside of the tensor. One
    /// thread asks for it; the mbarrier is told of its bytes.
    /// </summary>
    /// <param name="to">Where the box begins.</param>
    /// <param name="map">Address of the tensor's map.</param>
    /// <param name="first">Of the box in the tensor, innermost dimension first; may lie outside.</param>
    /// <param name="mbarrier">Which expects the whole box's bytes.</param>
    /// <param name="file">Of the call.</param>
    /// <param name="line">Of the call.</param>
    public void CopyBox(Value<U32> to, Value<S64> map, Value<S32>[] first, Value<U32> mbarrier, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        string destination = Place(to, file, line), barrier = Place(mbarrier, file, line);
        string box = $"[{map.Write(this)}, {Listed(first)}]";
        Write($"cp.async.bulk.tensor.{first.Length}d.shared::cluster.global.tile.mbarrier::complete_tx::bytes {destination}, {box}, "
            + barrier);
    }

    /// <summary>A barrier of some warps, with a number of its own, 1 to 15.</summary>
    /// <param name="number">Of the barrier; 0 is <see cref="Barrier(string, int)"/>'s.</param>
    /// <param name="threads">That meet, a multiple of 32.</param>
    /// <param name="file">Of the call.</param>
    /// <param name="line">Of the call.</param>
    public void Barrier(int number, int threads, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write($"bar.sync {number}, {threads}");
    }

    /// <summary>The lanes of a warp meet: what each did before is known to all.</summary>
    public void WarpBarrier([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write("bar.warp.sync 0xffffffff");
    }

    /// <summary>The warp's number, known to the assembler to be the same for all its lanes.</summary>
    public Register<U32> Warp([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Let(new Call<U32>(w => w.Result<U32>("shfl.sync.idx.b32", (w.Thread(file, line) / 32).Write(w), "0", "31", "0xffffffff")), file,
            line);
}
