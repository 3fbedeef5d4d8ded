namespace BDense.Kernels.Ptx;

/// <summary>
/// Which rows of shared memory have their pieces of 16 bytes exchanged: bits 4 and up of an address are XORed with as many bits from bit 7
/// on, so that pieces below each other lie in different banks. The value is what a matrix descriptor has in bits 62 and 63.
/// </summary>
internal enum SharedSwizzle
{
    /// <summary>Nothing is exchanged.</summary>
    None = 0,

    /// <summary>Eight pieces of 128 bytes.</summary>
    Of128Bytes = 1,

    /// <summary>Four pieces of 64 bytes.</summary>
    Of64Bytes = 2,

    /// <summary>Two pieces of 32 bytes.</summary>
    Of32Bytes = 3,
}

/// <summary>
/// How an operand of <c>wgmma</c> lies in shared memory (PTX ISA, "Matrix Descriptor Format"). It is made of atoms of 8 rows as long as the
/// swizzle, one below the other, that begin at multiples of their size. A row is along the sum (K-major), or, transposed, along the
/// operand's own rows or columns (BF16 alone).
/// </summary>
/// <param name="Swizzle">Of an atom's rows.</param>
/// <param name="IsTransposed">Whether neighbours in memory are neighbours along M (A) or N (B).</param>
/// <param name="Leading">Bytes from an atom to the one beside it along a row; K-major and swizzled: without a meaning.</param>
/// <param name="Stride">Bytes from an atom to the one below it.</param>
internal sealed record SharedMatrix(SharedSwizzle Swizzle, bool IsTransposed, int Leading, int Stride)
{
    /// <summary>
    /// The descriptor of what begins at an address: address / 16 in bits 0 to 13, <see cref="Leading"/> / 16 in bits 16 to 29,
    /// <see cref="Stride"/> / 16 in bits 32 to 45, the swizzle in bits 62 and 63. What lies n bytes behind has a descriptor n / 16 larger.
    /// </summary>
    public Value<S64> Descriptor(Value<U32> address) => (address / 16).Long()
        | new Constant<S64>((long)Leading / 16 << 16 | (long)Stride / 16 << 32 | (long)Swizzle << 62);
}
