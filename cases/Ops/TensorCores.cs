using BDense.Kernels;

namespace BDense.Cases.Ops;

/// <summary>
/// Operations that tensor cores do, whole, with values that TF32 and BF16 hold exactly: only the order of a sum may differ from the
/// oracle's.
/// </summary>
public static class TensorCoreCases
{
    /// <param name="Case">The operation, its values and tolerance.</param>
    /// <param name="Asked">What the backend is set to.</param>
    /// <param name="Computed">What the shape allows of it.</param>
    public sealed record Row(OpCase Case, Precision Asked, Precision Computed)
    {
        /// <summary>Whether there are tiles to choose from.</summary>
        public bool HasTiles => !Case.Op.Contains("Attention", StringComparison.Ordinal);

        /// <summary>
        /// Whether nothing is rounded before it is multiplied. Not so behind SiLU in a prologue, and for what attention makes of its
        /// scores.
        /// </summary>
        public bool IsExact => TensorCoreCases.IsExact(Case);

        /// <summary>Precision and name.</summary>
        public override string ToString() => $"{Asked.Text()} {Case.Name}";
    }

    /// <summary>Small enough for an emulator; every path of the host's code.</summary>
    public static IEnumerable<Row> Rows()
    {
        const Precision Fp32 = Precision.Fp32, Tf32 = Precision.Tf32, Bf16 = Precision.Bf16;
        // Channels that eight or four does not divide are padded.
        Conv2dShape[] convolutions =
        [
            Conv2dShape.Same(2, 9, 8, 24, 40, 3), new(1, 9, 8, 16, 12, 3, 3, 2, 0, 1), new(3, 7, 6, 32, 136, 1, 1),
            Conv2dShape.Same(1, 5, 5, 16, 3, 3), Conv2dShape.Same(1, 4, 4, 18, 14, 3),
        ];
        foreach (var asked in new[] { Tf32, Bf16 })
        {
            foreach (var s in convolutions)
            {
                // Without a bias the same launches are made with one pointer less: once is enough.
                foreach (var row in Conv2dCases.Of(s, CaseSize.Small)
                    .Where(c => s == convolutions[0] || c.Op == "Conv2dDgrad" || c.Label.Contains("bias", StringComparison.Ordinal)))
                    yield return Of(row, asked, asked);
            }
            foreach (var s in Fused())
            {
                yield return Of(FusedConv2dCases.Forward(s), asked, asked);
                foreach (var row in FusedConv2dCases.Backward(s))
                    yield return Of(row, asked, asked);
            }
            // Every head that there are kernels for; 40 is none, and gradients of 256 in TF32 need more shared memory than every device
            // has.
            foreach (int head in new[] { 32, 64, 128, 256, 40 })
            {
                foreach (var row in AttentionCases.Of(new(2, head > 64 ? 19 : 70, head > 64 ? 1 : 2, head), CaseSize.Small))
                    yield return Of(row, asked, head == 40 || (head, asked, row.Op) == (256, Tf32, "AttentionBackward") ? Fp32 : asked);
            }
            // A prologue takes channels as they are.
            yield return Of(
                FusedConv2dCases.Forward(new(Conv2dShape.Same(1, 5, 5, 20, 12, 3), true, true, Resampling.None, "b", 1f, false,
                    CaseSize.Small)), asked, Tf32);
            // Rows of A transposed are 70 long, which four does not divide.
            foreach (var row in MatMulCases.Of(1, 70, 40, 24, CaseSize.Small))
                yield return Of(row, asked, row.Label.Contains("A'", StringComparison.Ordinal) ? Fp32 : asked);
            // A sum of 20 is no multiple of eight.
            yield return Of(MatMulCases.Of(1, 33, 16, 20, CaseSize.Small).First(), asked, Tf32);
            foreach (var row in MatMulCases.Of(2, 72, 16, 16, CaseSize.Small))
                yield return Of(row, asked, row.Label.Contains("A' B'", StringComparison.Ordinal) ? Fp32 : asked);
        }
    }

    private static IEnumerable<FusedConv2dCases.Setting> Fused()
    {
        var same = Conv2dShape.Same(2, 6, 6, 16, 24, 3);
        yield return new(same, true, true, Resampling.None, "ber", 0.75f, true, CaseSize.Small);
        yield return new(same, true, false, Resampling.None, "b", 1f, false, CaseSize.Small);
        // Blocks of 16 pixels: more than a tile of them, a warp's rows that are not there, an odd number of pairs.
        yield return new(Conv2dShape.Same(3, 8, 6, 16, 38, 3), false, false, Resampling.None, "berm", 0.75f, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 8, 8, 16, 24, 3), true, false, Resampling.None, "bm", 1f, false, CaseSize.Small);
        yield return new(same, false, false, Resampling.None, "er", -0.5f, true, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 8, 8, 16, 16, 3), true, true, Resampling.Down, "be", 1f, false, CaseSize.Small);
        yield return new(Conv2dShape.Same(2, 8, 8, 16, 16, 3), false, false, Resampling.Up, "b", 1f, false, CaseSize.Small);
    }

    /// <summary>Every row of the case list that multiplies, at a precision.</summary>
    public static IEnumerable<Row> Listed() =>
        from asked in new[] { Precision.Tf32, Precision.Bf16 }
        from row in CaseList.Of(CaseSize.Small)
        where row.Op.Contains("Conv2d", StringComparison.Ordinal) || row.Op.Contains("Attention", StringComparison.Ordinal)
            || row.Op is "MatMul"
        select Of(row, asked, asked);

    private static Row Of(OpCase row, Precision asked, Precision computed)
    {
        var tolerance = IsExact(row) ? row.Tolerance : asked == Precision.Tf32 ? new Tolerance(4e-6, 8e-3) : new Tolerance(4e-5, 3e-2);
        return new(row with
        {
            Operands = [.. row.Operands.Select(
                o => o.Role == Role.Output ? o : o with { Value = o.Name == "scaleShift" ? Quarters : Eighths })],
            Tolerance = tolerance,
        }, asked, computed);
    }

    private static bool IsExact(OpCase row) =>
        !(row.Label.Contains("silu", StringComparison.Ordinal) && row.Op != "FusedConv2dDgrad")
            && !row.Op.Contains("Attention", StringComparison.Ordinal);

    /// <summary>From -1 to 1 in eighths: four bits. Sums of four, of which the weights of a doubled image are made, have six.</summary>
    public static float Eighths(Random random, int i) => random.Next(-8, 9) / 8f;

    /// <summary>
    /// Scale and shift of a prologue. With x in eighths, scale x + shift goes up to 2 in steps of 1/32, and the mean of four, of a halved
    /// image, in steps of 1/128: the eight bits that BF16 has. Were they in eighths too, these would be steps of 1/256, and every other
    /// value above 1 would lie in the middle between two of BF16: a GPU rounds it, the oracle does not.
    /// </summary>
    private static float Quarters(Random random, int i) => random.Next(-4, 5) / 4f;
}
