using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Cuda;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.MachineCode;

/// <summary>Compiles kernels to PTX on a machine that may have no GPU.</summary>
internal sealed class PtxCompiler : IDisposable
{
    private readonly Context _context;
    private readonly PTXBackend _backend;

    /// <param name="architecture">For whose instructions ILGPU may choose.</param>
    /// <param name="lines">Whether each instruction is to name its line of C# (.loc). Needs the assembly's .pdb beside it.</param>
    public PtxCompiler(GpuArchitecture architecture, bool lines = false)
    {
        _context = IlgpuBackend.CreateContext(_ => { }, lines);
        // PTX 7.8 is what the assembler of CUDA 11.8 takes, the oldest that knows sm_90. No libdevice: the kernels call none of it.
        _backend = new PTXBackend(_context, architecture.Name == "sm_90" ? CudaArchitecture.SM_90 : CudaArchitecture.SM_80,
            CudaInstructionSet.ISA_78, null!);
    }

    public string Compile(KernelEntry kernel) => PtxText.Compile(_backend, kernel).PTXAssembly;

    public void Dispose()
    {
        _backend.Dispose();
        _context.Dispose();
    }
}
