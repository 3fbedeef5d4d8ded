using BDense.Benchmarks.Comparison;
using BDense.Benchmarks.Workloads;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Reference;

namespace BDense.Benchmarks.Context;

/// <summary>Another of our own backends: the ILGPU kernels on a device, or the reference with one thread.</summary>
public sealed class BackendPeer : IPeer
{
    private readonly Backend? _backend;
    private readonly Func<Workload, bool> _takes;

    private BackendPeer(string name, Func<Workload, bool> takes, Func<Backend> open)
    {
        (Name, _takes) = (name, takes);
        try
        {
            _backend = open();
        }
        catch (BDenseException e)
        {
            Unavailable = e.Message;
        }
    }

    /// <summary>The ILGPU kernels on the first OpenCL device: PoCL where there is no GPU.</summary>
    public static BackendPeer OpenCL() =>
        new("opencl", work => work is MatrixProduct { M: <= 512 } or Convolution { Backward: false, N: 16, C: 64 or 256 }
        or GroupNormSilu or DenseTrajectoryLoss or AdamEma, () => DeviceCatalog.Open("opencl"));

    /// <summary>
    /// The same code on one thread: what the threads bring. A ratio of 1 / threads would be perfect; 1.8 times as fast with two is 0.556.
    /// </summary>
    public static BackendPeer OneThread() =>
        new("cpu, one thread", work => work is Convolution { N: 16, Kernel: 3, C: 64 or 128, K: > 3, Size: <= 32 }
        or GroupNormSilu { N: 16 } or SelfAttention { N: 16, Heads: 1 } or MatrixProduct { M: 512 } or AdamEma
        or TrainingStep { Batch: 16 }, () => new ReferenceBackend(1));

    public string Name { get; }

    public string? Unavailable { get; }

    public bool Takes(Workload work) => _takes(work);

    public IEnumerable<Running> Start(Workload work) => [work.Start(_backend!)];

    public void Dispose() => _backend?.Dispose();
}
