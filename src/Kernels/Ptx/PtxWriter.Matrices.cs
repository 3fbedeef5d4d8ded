using System.Runtime.CompilerServices;

namespace BDense.Kernels.Ptx;

/// <summary>The tensor cores' instruction for a warp: results [16 x 8] += A [16 x Depth] B [Depth x 8], float32 sums.</summary>
/// <param name="Name">Of the values that are multiplied, for kernels' names.</param>
/// <param name="Instruction">Its name behind <c>mma.sync.aligned.</c></param>
/// <param name="Depth">Values of the sum.</param>
internal sealed record MmaShape(string Name, string Instruction, int Depth)
{
    /// <summary>10 bits of mantissa.</summary>
    public static MmaShape Tf32 { get; } = new("Tf32", "m16n8k8.row.col.f32.tf32.tf32.f32", 8);

    /// <summary>7 bits of mantissa, two values a register.</summary>
    public static MmaShape Bf16 { get; } = new("Bf16", "m16n8k16.row.col.f32.bf16.bf16.f32", 16);

    /// <summary>Of a value in memory.</summary>
    public int ValueBytes => 32 / Depth;

    /// <summary>Values of the sum in a step of 64 bytes.</summary>
    public int StepDepth => 2 * Depth;

    /// <inheritdoc/>
    public override string ToString() => Name;
}

internal sealed partial class PtxWriter
{
    /// <summary>
    /// One, two or four 8 x 8 matrices of 16 bits from shared memory: lanes 8i to 8i + 7 give the addresses of matrix i's rows, 16 bytes
    /// each; lane l receives values 2(l mod 4) and the next of row l / 4, of each matrix in one register. Transposed: of column l / 4.
    /// </summary>
    public Register<B32>[] LoadMatrices(int count, Value<U32> address, bool transposed = false, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        var values = Registers<B32>(count);
        LoadMatrices(values, address, transposed, file, line);
        return values;
    }

    /// <summary>The same into registers that there are.</summary>
    public void LoadMatrices(ReadOnlySpan<Register<B32>> to, Value<U32> address, bool transposed = false, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        string place = Place(address, file, line);
        Write($"ldmatrix.sync.aligned.m8n8.x{to.Length}{(transposed ? ".trans" : "")}.shared.b16 {Listed<B32>([.. to])}, {place}");
    }

    /// <summary>sums += A B in a warp. Lane l holds of the sums rows l / 4 and 8 below, columns 2(l mod 4) and the next.</summary>
    /// <param name="shape">Which instruction.</param>
    /// <param name="sums">4 registers.</param>
    /// <param name="a">4 registers.</param>
    /// <param name="b">2 registers.</param>
    /// <param name="file">Of the call.</param>
    /// <param name="line">Of the call.</param>
    public void Multiply(MmaShape shape, ReadOnlySpan<Register<F32>> sums, ReadOnlySpan<Register<B32>> a, ReadOnlySpan<Register<B32>> b,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        string c = Listed<F32>([.. sums]);
        Write($"mma.sync.aligned.{shape.Instruction} {c}, {Listed<B32>([.. a])}, {Listed<B32>([.. b])}, {c}");
    }
}
