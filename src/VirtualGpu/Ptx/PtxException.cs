namespace BDense.VirtualGpu;

/// <summary>PTX that is not understood: one line that names the place and the instruction.</summary>
public sealed class PtxException(string message) : Exception(message);
