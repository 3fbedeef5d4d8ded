using BDense.Cases.Timing;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Cuda;
using BDense.VirtualGpu.Counts;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace BDense.Benchmarks.Ladder;

/// <summary>A problem on a device: runs steps, checks them, times them.</summary>
internal sealed class Bench<TShape> : IDisposable
    where TShape : unmanaged
{
    private readonly Accelerator _accelerator;
    private readonly AcceleratorStream _stream;
    private readonly Problem<TShape> _problem;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _left, _right, _result;

    public Bench(Accelerator accelerator, Problem<TShape> problem)
    {
        _accelerator = accelerator;
        _problem = problem;
        _stream = accelerator.CreateStream();
        _left = accelerator.Allocate1D(problem.Left);
        _right = accelerator.Allocate1D(problem.Right);
        _result = accelerator.Allocate1D<float>(problem.ResultLength);
    }

    /// <summary>Why a step cannot run on this device; null if it can.</summary>
    public string? Refusal(Step<TShape> step)
    {
        if (step.NeedsTensorCores && _accelerator is not CudaAccelerator { Architecture.Major: >= 8 })
            return "needs CUDA, compute capability 8.0";
        int group = step.Entry.GroupSize;
        return group > _accelerator.MaxNumThreadsPerGroup ? $"needs groups of {group} threads" : null;
    }

    /// <summary>The result of one run over memory that was filled with NaN.</summary>
    public float[] Run(Step<TShape> step)
    {
        var nan = new float[_problem.ResultLength];
        nan.AsSpan().Fill(float.NaN);
        _result.View.CopyFromCPU(_stream, nan);
        Launcher(step)();
        return _result.GetAsArray1D(_stream);
    }

    /// <summary>Milliseconds of one run.</summary>
    public RunTimes Time(Step<TShape> step, double seconds) => RunTimes.Measure(Launcher(step), _stream.Synchronize, seconds);

    /// <summary>What a virtual GPU counts of one run.</summary>
    public LaunchCounts Count(Step<TShape> step)
    {
        var gpu = VirtualCuda.Gpu(((CudaAccelerator)_accelerator).DeviceId);
        LaunchCounts? counts = null;
        var launch = Launcher(step);
        gpu.Counted = c => counts = c;
        try
        {
            launch();
            _stream.Synchronize();
        }
        finally
        {
            gpu.Counted = null;
        }
        return counts!;
    }

    private Action Launcher(Step<TShape> step)
    {
        var entry = step.Entry;
        var kernel = CompilerLog.Load(entry.Name,
            () => _accelerator.LoadKernel(entry.Method!, new KernelSpecialization(entry.GroupSize, null)));
        KernelConfig grid = (step.Groups(_problem.Shape), entry.GroupSize);
        var shape = _problem.Shape;
        if (step.NeedsTensorCores)
        {
            var start = kernel.CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TShape, long, long, long>>();
            return () => start(_stream, grid, shape, _left.NativePtr, _right.NativePtr, _result.NativePtr);
        }
        var launch =
            kernel.CreateLauncherDelegate<
                Action<AcceleratorStream, KernelConfig, TShape, ArrayView<float>, ArrayView<float>, ArrayView<float>>>();
        return () => launch(_stream, grid, shape, _left.View, _right.View, _result.View);
    }

    public void Dispose()
    {
        // The first error is the one to be seen: after a fault the driver refuses these too.
        foreach (IDisposable part in new IDisposable[] { _result, _right, _left, _stream })
            _ = Disposal.Quietly(part.Dispose);
    }
}
