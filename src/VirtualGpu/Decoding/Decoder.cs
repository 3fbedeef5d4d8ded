using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>From text to <see cref="PtxKernel"/>s.</summary>
internal static class Decoder
{
    public static IReadOnlyDictionary<string, PtxKernel> Decode(string text)
    {
        var module = new ModuleParser(text);
        module.Parse();
        return module.Kernels.ToDictionary(k => k.Name, k => Decode(module, k), StringComparer.Ordinal);
    }

    private static PtxKernel Decode(ModuleParser module, KernelText kernel)
    {
        int sharedBytes = Place(kernel.Arrays.Where(a => !a.IsLocal)), localBytes = Place(kernel.Arrays.Where(a => a.IsLocal));
        var liveness = new Liveness(kernel);
        var code = new Emitter(kernel, liveness).Emit(localBytes);
        return new PtxKernel(code)
        {
            Name = kernel.Name,
            Parameters = kernel.Parameters,
            StaticSharedBytes = sharedBytes,
            MaxThreads = kernel.MaxThreads,
            RequiredBlock = kernel.RequiredBlock,
            Registers = Math.Min(liveness.Most, Execution.LaunchLimits.MostRegisters(kernel.MaxThreads, kernel.MaxRegisters)),
            Places = [.. kernel.Statements.Zip(kernel.Sources, (s, source) => s.Place with
            {
                File = module.FileOf(source.File),
                SourceLine = source.Line,
            }),
                new PtxPlace(kernel.LastLine, "}")],
        };
    }

    /// <summary>
    /// One array after the other, each at an odd multiple of its alignment: whoever relies on more than the declaration promises is caught.
    /// Those that a launch sizes share what follows.
    /// </summary>
    /// <returns>Bytes of those whose length is known, as a compiler lays them out: each at the next multiple.</returns>
    private static int Place(IEnumerable<MemoryArray> arrays)
    {
        long end = 0, bytes = 0;
        foreach (var array in arrays.OrderBy(a => a.IsDynamic))
        {
            long alignment = array.Alignment, length = array.IsDynamic ? 0 : array.Bytes;
            long start = ((end + alignment - 1) / alignment | 1) * alignment;
            array.Start = (int)start;
            end = array.IsDynamic ? end : start + length;
            bytes = (bytes + alignment - 1) / alignment * alignment + length;
            if (end > 1 << 26)
                throw new PtxException($"array {array.Name} does not fit");
        }
        return (int)bytes;
    }
}
