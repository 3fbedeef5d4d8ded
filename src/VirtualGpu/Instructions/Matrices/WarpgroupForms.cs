using System.Globalization;

namespace BDense.VirtualGpu.Instructions.Matrices;

/// <summary>The shapes of wgmma.mma_async: 64 rows, 8 to 256 columns, depth 16 in BF16 and 8 in TF32.</summary>
/// <param name="Columns">N.</param>
/// <param name="Depth">K.</param>
internal sealed record WarpgroupShape(int Columns, int Depth)
{
    public const int Rows = 64;

    public bool IsNarrow => Depth == 16;

    /// <summary>Of D, each lane's.</summary>
    public int Accumulators => Columns / 2;

    /// <summary>Neighbours in 16 bytes.</summary>
    public int InPiece => IsNarrow ? 8 : 4;

    /// <summary>Null for what is none of them.</summary>
    /// <param name="op">The opcode's parts.</param>
    public static WarpgroupShape? Find(string[] op)
    {
        if (op is not ["wgmma", "mma_async", "sync", "aligned", ['m', '6', '4', 'n', .. var size], "f32", "bf16" or "tf32",
            "bf16" or "tf32"] || op[6] != op[7])
            return null;
        int depth = op[6] == "bf16" ? 16 : 8;
        string ending = depth == 16 ? "k16" : "k8";
        return size.EndsWith(ending, StringComparison.Ordinal) && int.TryParse(size[..^ending.Length], NumberStyles.None,
            CultureInfo.InvariantCulture, out int columns)
            && columns is >= 8 and <= 256 && columns % 8 == 0 ? new WarpgroupShape(columns, depth) : null;
    }
}

/// <summary>What a wgmma.mma_async has beside its registers.</summary>
/// <param name="Shape">Of the product.</param>
/// <param name="FromRegisters">A: from four registers, not from shared memory.</param>
/// <param name="ScaleNegated">The predicate scale-d is <c>!p</c>.</param>
/// <param name="NegateA">imm-scale-a is -1.</param>
/// <param name="NegateB">imm-scale-b is -1.</param>
/// <param name="TransposeA">MN-major.</param>
/// <param name="TransposeB">MN-major.</param>
internal sealed record WarpgroupForm(WarpgroupShape Shape, bool FromRegisters, bool ScaleNegated, bool NegateA, bool NegateB,
    bool TransposeA, bool TransposeB);
