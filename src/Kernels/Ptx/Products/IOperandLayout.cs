namespace BDense.Kernels.Ptx.Products;

/// <summary>Which pieces of 16 bytes a thread copies to shared memory, for each step of the sum.</summary>
internal interface IPieces
{
    /// <summary>Their number.</summary>
    int Passes { get; }

    /// <summary>Of the first pass: a row of the operand, or of the sum where that is outermost.</summary>
    Register<U32> Row { get; }

    /// <summary>Which 16 bytes of the row: the same for all passes.</summary>
    Register<U32> Piece { get; }

    /// <summary>Rows from a pass to the next.</summary>
    int PassRows { get; }

    /// <summary>In a stage, where a pass goes.</summary>
    Value<U32> Place(int pass);
}

/// <summary>
/// How an operand lies in shared memory, and how a warp gets its fragments. Operand A gives four registers for each 16 of its rows, B two
/// for each 8 of its columns (<see cref="PtxWriter.Multiply"/>).
/// </summary>
internal interface IOperandLayout : IPieces
{
    /// <summary>Loads the fragments of half a step.</summary>
    /// <param name="to">One register for each 32 bits.</param>
    /// <param name="stage">Where the stage begins, from the operand's first.</param>
    /// <param name="half">0 or 1.</param>
    void Load(Register<B32>[] to, Value<U32> stage, int half);

    /// <summary>Which of the warp's rows (A) or columns (B) a lane's sums belong to, from <see cref="FirstOf"/> on.</summary>
    /// <param name="block">Of 8: A has two for each instruction, B one.</param>
    /// <param name="next">Of two neighbouring sums of B the second.</param>
    int OffsetOf(int block, int next = 0);

    /// <summary>Of a lane's sums, the first one's row or column.</summary>
    Value<U32> FirstOf(Value<U32> lane);
}

/// <summary>Which side of a product an operand is.</summary>
internal enum Side
{
    /// <summary>Rows of the result.</summary>
    A,

    /// <summary>Columns of the result.</summary>
    B,
}
