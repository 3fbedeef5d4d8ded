using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace BDense.Benchmarks.Ladder;

/// <summary>Opens what <c>--device</c> names.</summary>
internal static class LadderDevice
{
    /// <summary>
    /// Lanes of a warp and warps of a group of ILGPU's CPU simulation: groups of 256, each lane a thread of the operating system.
    /// </summary>
    private const int Lanes = 4, Warps = 64;

    /// <exception cref="BDenseException">There is no such device here.</exception>
    public static (Context Context, Accelerator Accelerator) Open(string device)
    {
        if (device == "cpu")
        {
            var simulated = IlgpuBackend.CreateContext(b => b.CPU(new CPUDevice(Lanes, Warps, 1)));
            return (simulated, simulated.Devices[0].CreateAccelerator(simulated));
        }
        string kind = device.Split(':')[0];
        if (kind is not ("opencl" or "cuda" or "virtual"))
            throw new UsageException($"unknown device '{device}'; use cpu, opencl[:i], cuda[:i], virtual[:a100] or none");
        // The library chooses among several, and says in one line why there is none.
        int index;
        using (var chosen = DeviceCatalog.Open(device))
            index = DeviceCatalog.Ordinal(chosen.Name);
        var context = kind == "opencl" ? IlgpuBackend.CreateContext(b => b.OpenCL(_ => true))
            : IlgpuBackend.CreateContext(b => b.Cuda(_ => true), lines: kind == "virtual");
        Device found = kind == "opencl" ? context.GetCLDevice(index) : context.GetCudaDevice(index);
        return (context, found.CreateAccelerator(context));
    }
}
