using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Matrices;

/// <content>Operands become doubles, and are multiplied as those of mma.sync are.</content>
internal static unsafe partial class WarpgroupProduct
{
    private const int PieceBytes = AsyncShadow.PieceBytes;

    /// <summary>A matrix of rows (M or N) by the depth, row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory(ReadOnlySpan<Warp> warps, Instruction i, MatrixDescriptor descriptor, int rows, bool transposed,
        int number, double* to)
    {
        var shape = i.Product!.Shape;
        int outer = transposed ? shape.Depth : rows, pieces = (transposed ? rows : shape.Depth) / shape.InPiece;
        ulong* requests = stackalloc ulong[Warp.Lanes];
        double* values = stackalloc double[8];
        // Eight pieces one below the other (a core matrix) are what shared memory gives at once.
        for (int piece = 0; piece < pieces; piece++)
        {
            for (int row = 0; row < outer; row++)
            {
                ulong address = transposed ? descriptor.PieceOfColumn(piece, row) : descriptor.PieceOfRow(row, piece);
                Unpack(Piece(warps, i, address, number), shape.IsNarrow, values);
                for (int k = 0; k < shape.InPiece; k++)
                    to[transposed ? (piece * shape.InPiece + k) * shape.Depth + row : row * shape.Depth + piece * shape.InPiece
                        + k] = values[k];
                requests[row % 8] = address;
                if (row % 8 == 7)
                    warps[0].Block.Counter?.Shared(i, 0xFF, requests, PieceBytes);
            }
        }
    }

    /// <summary>16 bytes of shared memory, judged.</summary>
    private static byte* Piece(ReadOnlySpan<Warp> warps, Instruction i, ulong address, int number)
    {
        var (w, memory) = (warps[0], warps[0].Block.Memory);
        if (!memory.Shared.Arrays.Contains(address, PieceBytes))
            throw w.Fault(i, -1, FindingKind.OutOfBounds,
                $"a matrix with 16 bytes of shared memory at {address}, not wholly in one of the arrays: "
                + $"{memory.Shared.Arrays.Describe(address)}");
        if (memory.Judges)
        {
            var order = w.Block.Order!;
            order.Shadow.Reads(warps, i, (int)(address / PieceBytes), order.GroupAgent(order.GroupOf(w)), number);
        }
        return memory.Shared.Region.Host + address;
    }

    private static void Unpack(byte* piece, bool narrow, double* to)
    {
        if (narrow)
        {
            MatrixProduct.BFloat16.Read(Vector128.Load((uint*)piece), to);
            return;
        }
        MatrixProduct.Tf32.Read(Vector128.Load((uint*)piece), to);
    }

    /// <summary>A of the warps, 16 rows each, as mma.sync has it.</summary>
    private static void FromRegisters(ReadOnlySpan<Warp> warps, Instruction i, double* to)
    {
        var shape = i.Product!.Shape;
        for (int k = 0; k < warps.Length; k++)
        {
            double* rows = to + k * MatrixProduct.Rows * shape.Depth;
            if (shape.IsNarrow)
                MatrixProduct.Rows16<MatrixProduct.BFloat16>(warps[k].Registers, i.Vector.AsSpan(shape.Accumulators), rows);
            else
                MatrixProduct.Rows16<MatrixProduct.Tf32>(warps[k].Registers, i.Vector.AsSpan(shape.Accumulators), rows);
        }
    }

    /// <summary>D = A B, or D = A B + D; 8 columns at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(ReadOnlySpan<Warp> warps, Instruction i, double* a, double* b, bool adds)
    {
        var shape = i.Product!.Shape;
        double* columns = stackalloc double[MatrixProduct.Columns * shape.Depth];
        float* result = stackalloc float[4 * Warp.Lanes], zeros = stackalloc float[Warp.Lanes];
        new Span<float>(zeros, Warp.Lanes).Clear();
        for (int block = 0; block < shape.Columns / MatrixProduct.Columns; block++)
        {
            MatrixProduct.EvenFirst(shape.Depth, b + block * MatrixProduct.Columns * shape.Depth, columns);
            for (int k = 0; k < warps.Length; k++)
            {
                byte* r = warps[k].Registers;
                var at = i.Vector.AsSpan(4 * block, 4);
                double* rows = a + k * MatrixProduct.Rows * shape.Depth;
                for (int half = 0; half < 2; half++)
                {
                    float* even = adds ? (float*)(r + at[2 * half]) : zeros, odd = adds ? (float*)(r + at[2 * half + 1]) : zeros;
                    MatrixProduct.Rows8(shape.Depth, rows + half * 8 * shape.Depth, columns, even, odd, result + 2 * half * Warp.Lanes);
                }
                for (int n = 0; n < 4; n++)
                    Unsafe.CopyBlock(r + at[n], result + n * Warp.Lanes, Warp.Lanes * sizeof(float));
            }
        }
    }
}
