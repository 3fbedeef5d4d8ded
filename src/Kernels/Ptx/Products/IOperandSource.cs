namespace BDense.Kernels.Ptx.Products;

/// <summary>Where an operand's pieces of 16 bytes come from, a step after the other.</summary>
internal interface IOperandSource
{
    /// <summary>Of this step.</summary>
    Value<S64> Address(int pass);

    /// <summary>Whether there is something; if not, zeros, and the address is never used.</summary>
    Value<Predicate> Inside(int pass);

    /// <summary>Turns to the next step.</summary>
    void Next();
}
