namespace BDense.Kernels.Ptx.Products;

/// <summary>The prologue act(scale[n,c] x + shift[n,c]) as kernels take it.</summary>
/// <param name="ShiftBytes">From a sample's scales to its shifts.</param>
/// <param name="Slope">act(u) = u / (1 + 2^(Slope u + Offset)): with SiLU the exponent is -u / ln 2.</param>
/// <param name="Offset">Without SiLU -infinity, so that there is nothing to branch on.</param>
internal sealed record Activation(Register<S32> ShiftBytes, Register<F32> Slope, Register<F32> Offset)
{
    /// <summary>With SiLU or without.</summary>
    public static float SlopeOf(bool silu) => silu ? -1.44269504f : 0f;

    /// <inheritdoc cref="SlopeOf"/>
    public static float OffsetOf(bool silu) => silu ? 0f : float.NegativeInfinity;

    /// <summary>Of one value.</summary>
    public Value<F32> Of(PtxWriter w, Value<F32> x, Value<F32> scale, Value<F32> shift)
    {
        var u = w.Let(PtxWriter.Fma(x, scale, shift));
        return u * PtxWriter.Reciprocal(PtxWriter.Exp2(PtxWriter.Fma(u, Slope, Offset)) + 1f);
    }
}

/// <summary>Where the factors of a pass's pieces lie, besides the pieces themselves: in float32, either precision.</summary>
internal interface IActivatedSource : IOperandSource
{
    /// <summary>Of the scales.</summary>
    Value<S64> Factors(int pass);
}

/// <summary>
/// From float32 in global memory through registers, activated on the way; in BF16 rounded to nearest even. A piece is 16 bytes in TF32 and
/// 32 in BF16, where it becomes 16. Where nothing is inside, zeros: padding is of the activated image.
/// </summary>
internal sealed class ActivatedCopies(PtxWriter w, IOperandLayout layout, IActivatedSource source, MmaShape shape, Activation activation)
    : IOperandCopies
{
    private readonly int _values = shape == MmaShape.Bf16 ? 8 : 4;
    private readonly Register<F32>[][] _pieces =
        [.. Enumerable.Range(0, layout.Passes).Select(_ => w.Registers<F32>(shape == MmaShape.Bf16 ? 8 : 4))];

    /// <inheritdoc/>
    public void Begin(Value<U32> stage)
    {
        for (int pass = 0; pass < layout.Passes; pass++)
            Load(_pieces[pass], source.Address(pass), w.Let(source.Inside(pass)));
    }

    /// <inheritdoc/>
    public void Finish(Value<U32> stage)
    {
        for (int pass = 0; pass < layout.Passes; pass++)
        {
            var inside = w.Let(source.Inside(pass));
            var factors = w.Let(source.Factors(pass));
            var (scales, shifts) = (w.Registers<F32>(_values), w.Registers<F32>(_values));
            Load(scales, factors, inside);
            Load(shifts, factors + activation.ShiftBytes.Long(), inside);
            var made = w.Let(_values, i => activation.Of(w, _pieces[pass][i], scales[i], shifts[i]));
            var to = layout.Place(pass) + stage;
            if (_values == 4)
                w.StoreShared<F32>(to, made);
            else
                w.StoreShared<B32>(to, w.Let(4, i => PtxWriter.Bf16Pair(made[2 * i], made[2 * i + 1])));
        }
        source.Next();
    }

    private void Load(Register<F32>[] to, Value<S64> from, Register<Predicate> inside)
    {
        foreach (var value in to)
            w.Set(value, 0f);
        for (int i = 0; i < _values; i += 4)
            w.Load<F32>(to.AsSpan(i, 4), from + 4 * i, inside);
    }
}
