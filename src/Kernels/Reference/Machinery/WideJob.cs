using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BDense.Kernels.Reference;

/// <summary>An <see cref="IJob"/> whose text serves registers of every width.</summary>
internal interface IWideJob
{
    void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged;
}

/// <summary>One width's machine code of a job.</summary>
file struct Laned<TJob, TLanes, V>(TJob job) : IJob
    where TJob : unmanaged, IWideJob
    where TLanes : struct, IMathLanes<V>
    where V : unmanaged
{
    private TJob _job = job;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int task) => _job.Run<TLanes, V>(task);
}

public unsafe partial class ReferenceBackend
{
    /// <summary>Runs a job at the backend's width.</summary>
    private void RunWide<TJob>(in TJob job, int tasks)
        where TJob : unmanaged, IWideJob
    {
        switch (_kernels.Lanes)
        {
            case 16: Workers.Run(new Laned<TJob, Lanes16, Vector512<float>>(job), tasks); break;
            case 8: Workers.Run(new Laned<TJob, Lanes8, Vector256<float>>(job), tasks); break;
            case 4: Workers.Run(new Laned<TJob, Lanes4, Vector128<float>>(job), tasks); break;
            default: Workers.Run(new Laned<TJob, Lanes1, float>(job), tasks); break;
        }
    }
}
