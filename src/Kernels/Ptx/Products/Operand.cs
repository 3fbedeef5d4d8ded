namespace BDense.Kernels.Ptx.Products;

/// <summary>An operand of a product.</summary>
/// <param name="Layout">How it lies in shared memory.</param>
/// <param name="Copies">How it gets there.</param>
internal sealed record Operand(IOperandLayout Layout, IOperandCopies Copies)
{
    /// <summary>As it lies in global memory.</summary>
    public static Operand OfCopies(PtxWriter w, IOperandLayout layout, IOperandSource source) =>
        new(layout, new AsyncCopies(w, layout, source));
}

/// <summary>One thread's copies of a step to shared memory.</summary>
internal interface IOperandCopies
{
    /// <summary>Asks for the step's pieces, before products.</summary>
    /// <param name="stage">Where they go.</param>
    void Begin(Value<U32> stage);

    /// <summary>Behind the products: stores what went through registers, and turns to the next step.</summary>
    /// <param name="stage">The same.</param>
    void Finish(Value<U32> stage);
}

/// <summary>By cp.async, past the registers.</summary>
internal sealed class AsyncCopies(PtxWriter w, IPieces layout, IOperandSource source) : IOperandCopies
{
    public void Begin(Value<U32> stage)
    {
        for (int pass = 0; pass < layout.Passes; pass++)
            w.CopyAsync(layout.Place(pass) + stage, source.Address(pass), source.Inside(pass));
    }

    public void Finish(Value<U32> stage) => source.Next();
}
