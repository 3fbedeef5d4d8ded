namespace BDense.Cases.Checking;

/// <summary>What can be wrong with an operation.</summary>
public enum Check
{
    /// <summary>It does not run at all, changes an input, or writes beside an operand.</summary>
    Runs,

    /// <summary>A result is further from the double-precision oracle than the row allows.</summary>
    Oracle,

    /// <summary>Another run, over scratch memory full of NaN or with another number of threads, gives other bits.</summary>
    Repeats,

    /// <summary>Operands that start anywhere in memory give wrong results.</summary>
    Unaligned,

    /// <summary>A NaN in an operand is missing in an element that depends on it: training would go on.</summary>
    NaN,

    /// <summary>The declared bytes are not those of the operands.</summary>
    Cost,

    /// <summary>The backward oracle is not the derivative of the forward oracle.</summary>
    Gradient,

    /// <summary>A kernel does not compile to PTX.</summary>
    Ptx,

    /// <summary>ptxas refuses a kernel, or its registers spill, or it indexes an array of its own.</summary>
    MachineCode,
}

/// <summary>Something that is wrong, in one line.</summary>
/// <param name="Of">The row's or kernel's name.</param>
/// <param name="Check">Which check found it.</param>
/// <param name="Message">Begins with <paramref name="Of"/>; names operand and element where there is one.</param>
public sealed record Finding(string Of, Check Check, string Message)
{
    /// <summary>The message, the check in brackets behind it.</summary>
    public override string ToString() => $"{Message} [{Check}]";
}
