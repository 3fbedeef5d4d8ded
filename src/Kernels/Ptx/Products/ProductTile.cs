using System.Globalization;
using System.Text.RegularExpressions;

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
internal sealed partial record ProductTile(int Rows, int Columns, int WarpRows, int WarpColumns, int Stages) : ITile
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

    /// <summary>As names of kernels and files have it: 128x128w64x32s3 for the group's, the warp's and the stages.</summary>
    public string Text => $"{Rows}x{Columns}w{WarpRows}x{WarpColumns}s{Stages}";

    /// <summary>What <see cref="Text"/> says; null where it says nothing.</summary>
    public static ProductTile? Parse(string text)
    {
        if (Pattern().Match(text) is not { Success: true } match)
            return null;
        int[] n = [.. match.Groups.Values.Skip(1).Select(group => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture))];
        return n.Contains(0) ? null : new(n[0], n[1], n[2], n[3], n[4]);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    [GeneratedRegex(@"^(\d{1,3})x(\d{1,3})w(\d{1,3})x(\d{1,3})s(\d)$")]
    private static partial Regex Pattern();
}
