using BDense.VirtualGpu.Decoding;

namespace BDense.VirtualGpu;

/// <summary>A kernel's parameter: where its bytes lie in the packed arguments.</summary>
public sealed record PtxParameter(string Name, int Offset, int Bytes, int Alignment);

/// <summary>A module, read and decoded once; its kernels can be launched any number of times.</summary>
public sealed class PtxModule
{
    private PtxModule(IReadOnlyDictionary<string, PtxKernel> kernels) => Kernels = kernels;

    public IReadOnlyDictionary<string, PtxKernel> Kernels { get; }

    /// <exception cref="PtxException">Text that is not PTX, or an instruction that this GPU does not know.</exception>
    public static PtxModule Read(string text) => new(Decoder.Decode(text));
}
