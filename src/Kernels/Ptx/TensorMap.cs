using System.Runtime.InteropServices;

namespace BDense.Kernels.Ptx;

/// <summary>What the driver makes of a <see cref="TensorBoxes"/>: 128 bytes that only it can read, among a kernel's arguments.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TensorMap
{
    /// <summary>Of the bytes, in the arguments.</summary>
    public const int Alignment = 64;

    /// <summary>Their number.</summary>
    public const int Size = 128;

    private fixed ulong _words[Size / 8];
}

/// <summary>cuTensorMapEncodeTiled: the result, 0 for success.</summary>
internal unsafe delegate int EncodeTensorMap(void* map, int type, uint rank, ulong address, ulong* extents, ulong* strides, uint* box,
    uint* steps, int interleave, int swizzle, int promotion, int fill);

/// <summary>
/// A tensor in global memory of which bulk copies bring boxes (<see cref="PtxWriter.CopyBox"/>). Innermost dimension first; what a box has
/// outside of the tensor arrives as zeros.
/// </summary>
/// <param name="Address">A multiple of 16.</param>
/// <param name="Shape">float32 (TF32) or BF16.</param>
/// <param name="Extents">Of up to five dimensions.</param>
/// <param name="Strides">Bytes from one to the next, of all dimensions but the innermost: multiples of 16.</param>
/// <param name="Box">Extents of a box, at most 256; of the innermost dimension no more bytes than the swizzle has.</param>
/// <param name="Swizzle">In shared memory.</param>
internal sealed record TensorBoxes(long Address, MmaShape Shape, long[] Extents, long[] Strides, int[] Box, SharedSwizzle Swizzle)
{
    private const int Float32 = 7, BFloat16 = 9, PromotedTo256Bytes = 3;

    /// <summary>A batch of matrices, row-major, rows without gaps between them: dimensions column, row, matrix.</summary>
    public static TensorBoxes OfMatrices(long address, MmaShape shape, int batch, int rows, int columns, int boxRows)
    {
        int bytes = shape.ValueBytes;
        return new TensorBoxes(address, shape, [columns, rows, batch], [(long)columns * bytes, (long)rows * columns * bytes],
            [128 / bytes, boxRows, 1], SharedSwizzle.Of128Bytes);
    }

    /// <exception cref="BDenseException">The driver takes no such tensor; the message says which.</exception>
    public unsafe TensorMap Encode(EncodeTensorMap encode)
    {
        int rank = Extents.Length;
        ulong* extents = stackalloc ulong[rank], strides = stackalloc ulong[rank];
        uint* box = stackalloc uint[rank], steps = stackalloc uint[rank];
        for (int i = 0; i < rank; i++)
            (extents[i], strides[i], box[i], steps[i]) = ((ulong)Extents[i], i < rank - 1 ? (ulong)Strides[i] : 0, (uint)Box[i], 1);
        byte* room = stackalloc byte[TensorMap.Size + TensorMap.Alignment];
        var map = (TensorMap*)((nint)(room + TensorMap.Alignment - 1) / TensorMap.Alignment * TensorMap.Alignment);
        int swizzle = Swizzle switch { SharedSwizzle.None => 0, SharedSwizzle.Of32Bytes => 1, SharedSwizzle.Of64Bytes => 2, _ => 3 };
        int result = encode(map, Shape == MmaShape.Bf16 ? BFloat16 : Float32, (uint)rank, (ulong)Address, extents, strides, box, steps, 0,
            swizzle, PromotedTo256Bytes, 0);
        return result == 0 ? *map : throw new BDenseException(
            $"the driver takes no tensor of {string.Join(" x ", Extents.Reverse())} at 0x{Address:x} with strides of "
                + $"{string.Join(", ", Strides)} bytes for bulk copies (error {result}): address and strides are multiples of 16 bytes");
    }
}
