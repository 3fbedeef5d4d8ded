namespace BDense.Kernels.Ptx.Products;

/// <summary>
/// What a group computes of a product on tensor cores, and how: <see cref="Rows"/> of A by <see cref="Columns"/> of B, each warp
/// <see cref="WarpRows"/> by <see cref="WarpColumns"/> of it, 64 bytes of both a step, <see cref="Stages"/> steps in shared memory, all but
/// one of them on their way.
/// </summary>
/// <param name="Rows">64, 128 or 256.</param>
/// <param name="Columns">32 to 256.</param>
/// <param name="WarpRows">A multiple of 16.</param>
/// <param name="WarpColumns">A multiple of 16.</param>
/// <param name="Stages">At least 2.</param>
internal sealed record ProductTile(int Rows, int Columns, int WarpRows, int WarpColumns, int Stages)
{
    /// <summary>Of the sum, in a step.</summary>
    public const int StepBytes = 64;

    /// <summary>Of a group.</summary>
    public int Threads => 32 * (Rows / WarpRows) * (Columns / WarpColumns);

    /// <summary>Of both operands.</summary>
    public int StageBytes => (Rows + Columns) * StepBytes;

    /// <summary>Of a group.</summary>
    public int SharedBytes => Stages * StageBytes;

    /// <summary>First row of a warp: warps count down the rows, then along the columns.</summary>
    public Value<U32> WarpRow(Value<U32> warp) => warp % (Rows / WarpRows) * WarpRows;

    /// <summary>First column of a warp.</summary>
    public Value<U32> WarpColumn(Value<U32> warp) => warp / (Rows / WarpRows) * WarpColumns;
}
