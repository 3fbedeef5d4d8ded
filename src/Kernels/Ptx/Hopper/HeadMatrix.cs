namespace BDense.Kernels.Ptx.Hopper;

/// <summary>Which rows of a packed tensor: q, k or v (0 of dy), a head, a sample.</summary>
internal sealed record HeadOf(int Part, Value<S32> Head, Value<S32> Sample);

/// <summary>
/// A head's rows in shared memory, BF16: for each 64 channels 128 bytes of all rows, one below the other, with a swizzle of 128. So they
/// come from global memory in boxes of 64 rows, and so <c>wgmma</c> reads them both along the channels, for scores, and along the rows, for
/// sums of values: nothing is transposed.
/// </summary>
/// <param name="Rows">Tokens, a multiple of 64.</param>
/// <param name="Head">Channels, a multiple of 64.</param>
internal sealed record HeadMatrix(int Rows, int Head)
{
    private const int Box = 64, AtomBytes = 8 * WarpgroupTile.StepBytes;

    /// <summary>Values of the sum that a product takes.</summary>
    public const int Depth = 16;

    /// <summary>In all.</summary>
    public int Bytes => Rows * Head * 2;

    /// <summary>Products that a sum along the channels takes.</summary>
    public int ChannelSteps => Head / Depth;

    /// <summary>Products that a sum along the rows takes.</summary>
    public int RowSteps => Rows / Depth;

    /// <summary>Rows of A, columns of B; the sum is along the channels.</summary>
    public SharedMatrix AlongChannels => new(SharedSwizzle.Of128Bytes, IsTransposed: false, 16, AtomBytes);

    /// <summary>Channels are columns of B; the sum is along the rows.</summary>
    public SharedMatrix AlongRows => new(SharedSwizzle.Of128Bytes, IsTransposed: true, ColumnBytes, AtomBytes);

    private int ColumnBytes => Rows * WarpgroupTile.StepBytes;

    /// <summary>Bytes to a product's part of a sum along the channels: within the swizzled rows, then the next 64 channels.</summary>
    public int ChannelStep(int step) => step / 4 * ColumnBytes + step % 4 * 32;

    /// <summary>The same along the rows: 16 of them.</summary>
    public static int RowStep(int step) => step * Depth * WarpgroupTile.StepBytes;

    /// <summary>
    /// A packed tensor [samples, tokens, parts, heads, channels] as what boxes are taken from; tokens behind a sample's last are zeros.
    /// </summary>
    public TensorBoxes Boxes(long address, int samples, int tokens, int parts, int heads)
    {
        long head = 2L * Head, part = heads * head, token = parts * part;
        return new TensorBoxes(address, MmaShape.Bf16, [Head, heads, parts, tokens, samples], [head, part, token, tokens * token],
            [Box, 1, 1, Box, 1], SharedSwizzle.Of128Bytes);
    }

    /// <summary>Asks for all rows. By one thread.</summary>
    /// <param name="w">Writes.</param>
    /// <param name="to">Where they go: a multiple of 1,024.</param>
    /// <param name="map">Of <see cref="Boxes"/>.</param>
    /// <param name="of">Whose they are.</param>
    /// <param name="first">Token.</param>
    /// <param name="mbarrier">That is told.</param>
    public void Copy(PtxWriter w, Value<U32> to, Value<S64> map, HeadOf of, Value<S32> first, Value<U32> mbarrier)
    {
        for (int channel = 0; channel < Head; channel += Box)
        {
            for (int row = 0; row < Rows; row += Box)
            {
                w.CopyBox(to + (channel / Box * ColumnBytes + row * WarpgroupTile.StepBytes), map,
                    [channel, of.Head, of.Part, first + row, of.Sample], mbarrier);
            }
        }
    }
}
