namespace BDense.VirtualGpu.Ptx;

/// <summary>From text to <see cref="PtxKernel"/>s.</summary>
internal static class Decoder
{
    public static IReadOnlyDictionary<string, PtxKernel> Decode(string text) => throw new PtxException($"{text.Length} characters");
}
