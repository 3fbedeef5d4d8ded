namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>
/// The canonical layouts of wgmma's operands in shared memory as CuTe writes them (CUTLASS 3.4.1, mma_traits_sm90_gmma.hpp):
/// Swizzle&lt;B,4,3&gt; o ((a, b), (c, d)) with strides, all in
/// units of 16 bytes.
/// </summary>
/// <param name="Span">Bytes that the swizzle covers: 16 for none, 32, 64, 128.</param>
/// <param name="MajorIsK">Whether 16 bytes are neighbours along k, or along M or N.</param>
/// <param name="Leading">Leading byte offset.</param>
/// <param name="Stride">Stride byte offset.</param>
/// <param name="Start">Bytes of the matrix's start behind the array's.</param>
internal sealed record CanonicalLayout(int Span, bool MajorIsK, int Leading, int Stride, int Start = 0)
{
    private int Wide => Span / 16;

    /// <summary>Strides of the table: of what is within an atom, and from atom to atom, for M or N and for k.</summary>
    private (int Outer, int InAtom, int Atom, int Depth, int DepthAtom) Table => (Wide, MajorIsK) switch
    {
        (1, true) => (8, 1, Stride / 16, Leading / 16, 0),
        (_, true) => (8, Wide, Stride / 16, 1, 0),
        (1, false) => (1, 0, Stride / 16, 1, Leading / 16),
        _ => (Wide, 1, Leading / 16, Wide, Stride / 16),
    };

    /// <summary>The byte of an element behind the array's start, which is a multiple of 1024.</summary>
    /// <param name="mn">Row of A, column of B.</param>
    /// <param name="k">Along the depth.</param>
    /// <param name="bytes">Of an element.</param>
    public int Byte(int mn, int k, int bytes)
    {
        int inPiece = 16 / bytes;
        var (outer, inAtom, atom, depth, depthAtom) = Table;
        int mnUnit = MajorIsK ? mn : mn / inPiece, kUnit = MajorIsK ? k / inPiece : k, rest = MajorIsK ? k % inPiece : mn % inPiece;
        int unit = mnUnit % outer * inAtom + mnUnit / outer * atom + (MajorIsK ? kUnit * depth : kUnit % 8 * depth + kUnit / 8 * depthAtom);
        int address = Start + 16 * unit;
        int bits = Span switch { 128 => 3, 64 => 2, 32 => 1, _ => 0 };
        return (address ^ (address >> 7 & (1 << bits) - 1) << 4) + rest * bytes;
    }

    /// <summary>The descriptor but for the start address, which a kernel adds: (address &gt;&gt; 4).</summary>
    public ulong Descriptor =>
        (ulong)(Leading >> 4) << 16 | (ulong)(Stride >> 4) << 32 | (Span switch { 128 => 1UL, 64 => 2, 32 => 3, _ => 0 }) << 62;

    /// <summary>With atoms side by side, for so many rows or columns.</summary>
    public static CanonicalLayout Dense(int span, bool majorIsK, int padding = 0) => (span, majorIsK) switch
    {
        (16, _) => new CanonicalLayout(16, majorIsK, 128, 256 + padding),
        (_, true) => new CanonicalLayout(span, true, 16, 8 * span + padding),
        _ => new CanonicalLayout(span, false, 16 * span + 2 * padding, 8 * span + padding),
    };
}
