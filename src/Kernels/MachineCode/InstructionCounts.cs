namespace BDense.Kernels.MachineCode;

/// <summary>How many instructions of each kind a piece of SASS holds.</summary>
/// <param name="Instructions">All of them, without the padding behind the last.</param>
/// <param name="Hmma">Tensor-core products (HMMA).</param>
/// <param name="Ffma">float32 multiply-adds on the ordinary units.</param>
/// <param name="Ldg">Loads from global memory.</param>
/// <param name="Ldg128">Those of 16 bytes.</param>
/// <param name="Stg">Stores to global memory.</param>
/// <param name="Stg128">Those of 16 bytes.</param>
/// <param name="Lds">Loads from shared memory.</param>
/// <param name="Lds128">Those of 16 bytes.</param>
/// <param name="Sts">Stores to shared memory.</param>
/// <param name="Ldsm">Matrix loads from shared memory (ldmatrix).</param>
/// <param name="Ldgsts">Copies from global to shared memory that pass no register (cp.async).</param>
/// <param name="Local">Loads and stores of local memory: spilled registers and indexed arrays.</param>
/// <param name="Barriers">Group barriers.</param>
public sealed record InstructionCounts(int Instructions, int Hmma, int Ffma, int Ldg, int Ldg128, int Stg, int Stg128, int Lds,
    int Lds128, int Sts,
    int Ldsm, int Ldgsts, int Local, int Barriers)
{
    /// <summary>Tensor-core products of a warpgroup (HGMMA, from wgmma).</summary>
    public int Hgmma { get; init; }

    internal static InstructionCounts Of(IReadOnlyCollection<SassInstruction> code)
    {
        // What never runs (a hint of the assembler's to the hardware) is not counted.
        code = [.. code.Where(i => !i.Text.StartsWith("@!PT", StringComparison.Ordinal))];
        int Count(string start, string part = "") =>
            code.Count(i => (i.Opcode == start || i.Opcode.StartsWith(start + ".", StringComparison.Ordinal))
            && i.Opcode.Contains(part, StringComparison.Ordinal));
        return new InstructionCounts(code.Count, Count("HMMA"), Count("FFMA"), Count("LDG"), Count("LDG", ".128"), Count("STG"),
            Count("STG", ".128"),
            Count("LDS"), Count("LDS", ".128"), Count("STS"), Count("LDSM"), Count("LDGSTS"), Count("LDL") + Count("STL"), Count("BAR"))
        {
            Hgmma = Count("HGMMA"),
        };
    }
}
