using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions;

/// <summary>How an opcode is run and what operands it takes.</summary>
/// <param name="run">What runs it.</param>
/// <param name="kind">For counting.</param>
/// <param name="shape">
/// A letter for each operand, the destination first: w and l for 32 and 64 bits, f and d for floats of so many, h for 8 or 16 bits in a
/// register of at most 32, p for a predicate.
/// </param>
internal readonly unsafe struct Form(delegate*<Warp, Instruction, void> run, InstructionClass kind, string shape)
{
    public delegate*<Warp, Instruction, void> Run { get; } = run;

    public InstructionClass Class { get; } = kind;

    public string Shape { get; } = shape;
}
