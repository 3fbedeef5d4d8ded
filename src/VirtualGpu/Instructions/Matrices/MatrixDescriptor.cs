using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Matrices;

/// <summary>
/// How a matrix lies in shared memory for wgmma: PTX ISA, "Matrix Descriptor Format"; the layouts are those of NVIDIA's CuTe headers
/// (mma_sm90_desc.hpp and the canonical layouts
/// in mma_traits_sm90_gmma.hpp). All in pieces of 16 bytes.
/// </summary>
internal readonly struct MatrixDescriptor(ulong bits)
{
    private const int RowsOfAtom = 8;

    /// <summary>Bytes in the window of shared memory that a descriptor can name.</summary>
    private const ulong Window = 1 << 18;

    public ulong Start => (bits & 0x3FFF) << 4;

    private ulong Leading => (bits >> 16 & 0x3FFF) << 4;

    private ulong Stride => (bits >> 32 & 0x3FFF) << 4;

    public int BaseOffset => (int)(bits >> 49 & 7);

    /// <summary>Bytes of a row that a swizzle covers: 16 for none, 128, 64 or 32.</summary>
    public int Span => (int)(bits >> 62) switch { 1 => 128, 2 => 64, 3 => 32, _ => AsyncShadow.PieceBytes };

    /// <summary>
    /// Whether it begins in the first row of a swizzle's pattern, which repeats every 8 rows. (Without a swizzle it may begin anywhere.)
    /// </summary>
    public bool IsAligned => Span == AsyncShadow.PieceBytes || Start % (ulong)(RowsOfAtom * Span) < (ulong)Span;

    /// <summary>Of K-major rows: the piece of a row (M or N) that is so many pieces along k.</summary>
    public ulong PieceOfRow(int row, int piece)
    {
        ulong inAtom = (ulong)(row % RowsOfAtom * Span), atom = (ulong)(row / RowsOfAtom) * Stride;
        return At(inAtom + atom + (Span == AsyncShadow.PieceBytes ? (ulong)piece * Leading : (ulong)(piece * AsyncShadow.PieceBytes)));
    }

    /// <summary>
    /// Of MN-major columns: the piece at a k that holds 8 neighbours in M or N, the first of which is 8 times <paramref name="piece"/>.
    /// </summary>
    public ulong PieceOfColumn(int piece, int k)
    {
        int wide = Span / AsyncShadow.PieceBytes;
        ulong inAtom = (ulong)(k % RowsOfAtom * Span), atom = (ulong)(k / RowsOfAtom);
        return wide == 1 ? At((ulong)piece * Stride + inAtom + atom * Leading)
            : At((ulong)(piece % wide * AsyncShadow.PieceBytes) + (ulong)(piece / wide) * Leading + inAtom + atom * Stride);
    }

    /// <summary>The swizzle exchanges pieces within a row by the row's number, as the address has it.</summary>
    private ulong At(ulong offset)
    {
        ulong address = (Start + offset) % Window;
        return Swizzle.Apply(address, Span);
    }
}

/// <summary>The swizzles of wgmma and of bulk tensor copies: bits 4 and up of an address are exchanged by bits 7 and up.</summary>
internal static class Swizzle
{
    /// <param name="address">In shared memory.</param>
    /// <param name="span">128, 64 or 32; 16 for none.</param>
    public static ulong Apply(ulong address, int span) => address ^ (address >> 7 & (ulong)(span / AsyncShadow.PieceBytes - 1)) << 4;
}
