using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ptx;
using ILGPU;
using NUnit.Framework;
using MatMulLauncher = System.Action<ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig, BDense.Kernels.Ilgpu.TileMatMul,
    ILGPU.ArrayView<BDense.Kernels.Ilgpu.Float4>, ILGPU.ArrayView<BDense.Kernels.Ilgpu.Float4>,
    ILGPU.ArrayView<BDense.Kernels.Ilgpu.Float4>>;

namespace BDense.Tests.Ilgpu;

/// <summary>What the host does at each launch, apart from ILGPU's part of it.</summary>
internal sealed class LaunchTests
{
    /// <summary>Compiles nothing and runs nothing.</summary>
    private sealed class Nothing : IKernelEmulator
    {
        public int Asked { get; private set; }

        public Delegate? Launcher(KernelEntry kernel, Type type)
        {
            Asked++;
            return (MatMulLauncher)((_, _, _, _, _, _) => { });
        }

        public void Run(IWrittenKernel kernel, int groups, ReadOnlySpan<byte> arguments)
        {
        }

        public void Allocated(long address, long bytes)
        {
        }
    }

    [Test]
    public void A_known_kernel_is_found_without_reflection_and_garbage()
    {
        using var backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");
        var nothing = new Nothing();
        backend.Emulate(nothing, Precision.Fp32, 48 << 10);
        Action<TileMatMul, ArrayView<Float4>, ArrayView<Float4>, ArrayView<Float4>> kernel = IlgpuBackend.MatMulSharedTileKernel;
        backend.GroupLauncher<MatMulLauncher>(kernel, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var (_, config) = backend.GroupLauncher<MatMulLauncher>(kernel, 3);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(nothing.Asked, Is.EqualTo(1));
        Assert.That((config.GridDim.X, config.GroupDim.X), Is.EqualTo((3, KernelRegistry.Find(kernel.Method)!.GroupSize)));
    }
}
