namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// An operand's step as it lies in a stage, with a swizzle of 128 bytes. K-major: rows of 128 bytes along the sum, 8 an atom. Transposed
/// (the sum outermost, BF16): blocks of 64 of the operand's rows or columns, in each a row of 128 bytes for every one of the sum's 64
/// values. Either way 64 rows or columns take 8,192 bytes.
/// </summary>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="IsTransposed">Whether neighbours in memory are neighbours along M or N: BF16 alone.</param>
internal sealed record SharedTile(MmaShape Shape, bool IsTransposed)
{
    private const int AtomBytes = 8 * WarpgroupTile.StepBytes;

    /// <summary>Values of the sum in a step.</summary>
    public int Depth => WarpgroupTile.StepBytes / Shape.ValueBytes;

    /// <summary>Products that a step takes, each of 32 bytes of a row.</summary>
    public const int Products = WarpgroupTile.StepBytes / 32;

    /// <summary>For <c>wgmma</c>.</summary>
    public SharedMatrix Matrix => new(SharedSwizzle.Of128Bytes, IsTransposed, IsTransposed ? WarpgroupTile.BlockBytes : 16, AtomBytes);

    /// <summary>Bytes from one product's part to the next one's: within the swizzled rows, or 16 rows further.</summary>
    public int ProductBytes => IsTransposed ? 2 * AtomBytes : 32;

    /// <summary>Where a piece of 16 bytes of a row lies in its block.</summary>
    public static Value<U32> Place(Value<U32> row, Value<U32> piece) =>
        row * WarpgroupTile.StepBytes + (piece ^ row % 8) * 16;
}
