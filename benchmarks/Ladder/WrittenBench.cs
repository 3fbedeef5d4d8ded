using System.Runtime.InteropServices;
using BDense.Cases.Timing;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Cuda;
using BDense.VirtualGpu.Counts;

namespace BDense.Benchmarks.Ladder;

/// <summary>A product on a device for the written rungs: its factors in BF16, launched by the library's backend.</summary>
internal sealed class WrittenBench : IDisposable
{
    private readonly string _device;
    private readonly Problem<GemmShape> _problem;
    private readonly Backend _backend;
    private readonly Tensor _left, _right;

    public WrittenBench(string device, Problem<GemmShape> problem)
    {
        (_device, _problem) = (device, problem);
        _backend = DeviceCatalog.Open(device == "cpu" ? "ilgpu-cpu" : device);
        (_left, _right) = (Narrow(problem.Left), Narrow(problem.Right));
    }

    /// <summary>Why a rung cannot run on this device; null if it can.</summary>
    public string? Refusal(WrittenRung rung) => _backend is not IlgpuBackend { HasTensorCores: true } cuda
        ? "needs CUDA, compute capability 8.0"
        : rung.NeedsHopper && !cuda.IsHopper ? "needs sm_90a: an H100 or H200" : null;

    /// <summary>The result of one run over memory that was filled with NaN.</summary>
    public float[] Run(WrittenRung rung)
    {
        var nan = new float[_problem.ResultLength];
        nan.AsSpan().Fill(float.NaN);
        using var result = _backend.FromArray(nan, new Shape(nan.Length));
        Launch(rung, result);
        return result.ToArray();
    }

    /// <summary>Milliseconds of one run.</summary>
    public RunTimes Time(WrittenRung rung, double seconds)
    {
        using var result = _backend.Zeros(new Shape(_problem.ResultLength));
        return RunTimes.Measure(() => Launch(rung, result), _backend.Synchronize, seconds);
    }

    /// <summary>What a virtual GPU counts of one run.</summary>
    public LaunchCounts Count(WrittenRung rung)
    {
        var gpu = VirtualCuda.Gpu(DeviceCatalog.Ordinal(_device));
        LaunchCounts? counts = null;
        using var result = _backend.Empty(new Shape(_problem.ResultLength));
        _backend.Synchronize();
        gpu.Counted = c => counts = c;
        try
        {
            Launch(rung, result);
            _backend.Synchronize();
        }
        finally
        {
            gpu.Counted = null;
        }
        return counts!;
    }

    public void Dispose() => _backend.Dispose();

    private void Launch(WrittenRung rung, Tensor result) => rung.Launch((IlgpuBackend)_backend, _problem.Shape,
        IlgpuBackend.Address(_left), IlgpuBackend.Address(_right), IlgpuBackend.Address(result));

    /// <summary>Two BF16 in the room of a float: the problem's values are such already.</summary>
    private Tensor Narrow(float[] values)
    {
        ushort[] narrow = Array.ConvertAll(values, v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16));
        return _backend.FromArray(MemoryMarshal.Cast<ushort, float>(narrow).ToArray(), new Shape(values.Length / 2));
    }
}
