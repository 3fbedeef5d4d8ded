using System.Globalization;
using System.Text.RegularExpressions;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>
/// What a group computes of a product with <c>wgmma</c>, and how: <see cref="Rows"/> of A by <see cref="Columns"/> of B, each of its
/// multiplying warpgroups the same number of rows and all columns. A step of the sum is 128 bytes of each row: 64 values in BF16, 32 in
/// TF32.
/// </summary>
/// <param name="Rows">A multiple of 64 times <paramref name="Warpgroups"/>.</param>
/// <param name="Columns">64, 128, 192 or 256.</param>
/// <param name="Warpgroups">That multiply: 1 or 2. A thread holds Rows Columns / (128 Warpgroups) sums, at most 192.</param>
/// <param name="Stages">Steps in shared memory, at least 3.</param>
internal sealed partial record WarpgroupTile(int Rows, int Columns, int Warpgroups, int Stages) : ITile
{
    /// <summary>Of the sum, in a step.</summary>
    public const int StepBytes = 128;

    /// <summary>Threads of a warpgroup.</summary>
    public const int Warpgroup = 128;

    /// <summary>Bytes of 64 rows (or, transposed, of 64 columns) of an operand's step: atoms of 1,024 bytes, one below the other.</summary>
    public const int BlockBytes = 64 * StepBytes;

    /// <summary>Products of 64 rows that a warpgroup computes.</summary>
    public int Blocks => Rows / 64 / Warpgroups;

    /// <summary>
    /// Whether threads that multiply need more registers than an even share, which those that bring operands must give them.
    /// </summary>
    public bool MovesRegisters => Warpgroups > 1 && Blocks * Columns / 2 > 64;

    /// <summary>Of both operands: B lies behind A.</summary>
    public int StageBytes => (Rows + Columns) * StepBytes;

    /// <summary>Threads of a group in which one warpgroup more brings the operands.</summary>
    public int ThreadsWithCopier => (Warpgroups + 1) * Warpgroup;

    /// <summary>Of the stages and their mbarriers (<see cref="StageRing"/>).</summary>
    public int RingBytes => Stages * (StageBytes + StageRing.MbarrierBytes);

    /// <summary>Of a group in which one warpgroup more brings the operands.</summary>
    public int SharedBytes => RingBytes;

    /// <summary>Groups that a multiprocessor's 228 KiB hold; a group's registers are to allow as many.</summary>
    public int Resident => 228 * 1024 / (RingBytes + 1024);

    /// <summary>As names of kernels and files have it: 128x256g2s4 for the group's, its multiplying warpgroups and the stages.</summary>
    public string Text => $"{Rows}x{Columns}g{Warpgroups}s{Stages}";

    /// <summary>What <see cref="Text"/> says; null where it says nothing.</summary>
    public static WarpgroupTile? Parse(string text)
    {
        if (Pattern().Match(text) is not { Success: true } match)
            return null;
        int[] n = [.. match.Groups.Values.Skip(1).Select(group => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture))];
        return n.Contains(0) ? null : new(n[0], n[1], n[2], n[3]);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    [GeneratedRegex(@"^(\d{1,3})x(\d{1,3})g(\d)s(\d)$")]
    private static partial Regex Pattern();

    /// <summary>Of A, where B begins.</summary>
    public int BytesOfA => Rows * StepBytes;
}
