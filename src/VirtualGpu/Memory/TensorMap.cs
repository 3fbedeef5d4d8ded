using System.Runtime.InteropServices;

namespace BDense.VirtualGpu.Memory;

/// <summary>How a tile's rows lie in shared memory.</summary>
internal enum TensorSwizzle
{
    None,
    Of32,
    Of64,
    Of128,
}

/// <summary>
/// A tensor map: a tensor in global memory and a box of it, which bulk copies move (CUDA driver API, "Tensor Map Object Management").
/// NVIDIA does not say what its 128 bytes mean; here they
/// are this record's.
/// </summary>
internal readonly struct TensorMap
{
    public const int Bytes = 128, Alignment = 64, MostRank = 5;

    private const ulong Mark = 0x70614d726f736e54;

    public required ulong Address { get; init; }

    /// <summary>CUtensorMapDataType.</summary>
    public required int Type { get; init; }

    /// <summary>Innermost first.</summary>
    public required long[] Extents { get; init; }

    /// <summary>Bytes from one element to the next, in each dimension.</summary>
    public required long[] Strides { get; init; }

    /// <summary>Elements of a box.</summary>
    public required int[] Box { get; init; }

    /// <summary>In each dimension every so many-th element is copied.</summary>
    public required int[] Steps { get; init; }

    public required TensorSwizzle Swizzle { get; init; }

    /// <summary>Whether what lies outside of the tensor is NaN, not zero.</summary>
    public required bool FillsWithNaN { get; init; }

    public int Rank => Extents.Length;

    public int ElementBytes => BytesOf(Type);

    /// <summary>Bytes that the swizzle covers; 16 for none.</summary>
    public int Span => Swizzle switch { TensorSwizzle.Of128 => 128, TensorSwizzle.Of64 => 64, TensorSwizzle.Of32 => 32, _ => 16 };

    /// <summary>Elements that are copied in a dimension.</summary>
    public int Count(int dimension) => (Box[dimension] + Steps[dimension] - 1) / Steps[dimension];

    /// <summary>That arrive in shared memory, whether they are in the tensor or not.</summary>
    public int BoxBytes
    {
        get
        {
            int bytes = ElementBytes;
            for (int k = 0; k < Rank; k++)
                bytes *= Count(k);
            return bytes;
        }
    }

    /// <summary>Of an element of a CUtensorMapDataType; 0 for none.</summary>
    public static int BytesOf(int type) => type switch
    {
        0 => 1,
        1 or 6 or 9 => 2,
        2 or 3 or 7 or 10 or 11 or 12 => 4,
        4 or 5 or 8 => 8,
        _ => 0,
    };

    /// <summary>Whether elements are floats.</summary>
    public static bool IsFloat(int type) => type is >= 6 and <= 12;

    public void Write(Span<byte> to)
    {
        to[..Bytes].Clear();
        MemoryMarshal.Write(to, Mark);
        MemoryMarshal.Write(to[8..], Address);
        (to[16], to[17], to[18], to[19]) = ((byte)Type, (byte)Rank, (byte)Swizzle, (byte)(FillsWithNaN ? 1 : 0));
        for (int k = 0; k < Rank; k++)
        {
            MemoryMarshal.Write(to[(20 + 4 * k)..], (uint)(Extents[k] - 1));
            MemoryMarshal.Write(to[(40 + 8 * k)..], Strides[k]);
            to[80 + k] = (byte)(Box[k] - 1);
            to[85 + k] = (byte)Steps[k];
        }
    }

    /// <summary>Null for bytes that are no map.</summary>
    public static TensorMap? Read(ReadOnlySpan<byte> from)
    {
        if (MemoryMarshal.Read<ulong>(from) != Mark)
            return null;
        int rank = from[17];
        long[] extents = new long[rank], strides = new long[rank];
        int[] box = new int[rank], steps = new int[rank];
        for (int k = 0; k < rank; k++)
        {
            extents[k] = MemoryMarshal.Read<uint>(from[(20 + 4 * k)..]) + 1L;
            strides[k] = MemoryMarshal.Read<long>(from[(40 + 8 * k)..]);
            (box[k], steps[k]) = (from[80 + k] + 1, from[85 + k]);
        }
        return new TensorMap
        {
            Address = MemoryMarshal.Read<ulong>(from[8..]),
            Type = from[16],
            Extents = extents,
            Strides = strides,
            Box = box,
            Steps = steps,
            Swizzle = (TensorSwizzle)from[18],
            FillsWithNaN = from[19] != 0,
        };
    }
}
