using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions;
using BDense.VirtualGpu.Instructions.Control;
using BDense.VirtualGpu.Instructions.Data;
using BDense.VirtualGpu.Instructions.Matrices;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>Instructions whose operands are more than a row of registers.</summary>
internal sealed unsafe partial class Emitter
{
    /// <summary>setp.relation{.and, .or, .xor}{.ftz}.type p{|q}, a, b{, {!}c};</summary>
    private Instruction Compare(Statement s)
    {
        var how = s.Op.Length > 2
            ? s.Op[2] switch
            {
                "and" => CompareForms.Combination.And,
                "or" => CompareForms.Combination.Or,
                "xor" => CompareForms.Combination.Xor,
                _ => default
            } : default;
        bool combines = how != CompareForms.Combination.None;
        string plain = string.Join('.', combines ? [.. s.Op[..2], .. s.Op[3..]] : s.Op);
        if (s.Op[0] != "setp" || InstructionTable.Find(plain) is not { } form || s.Operands.Length != (combines ? 4 : 3))
            throw s.Refuse("a comparison that this GPU does not know");
        var (first, second) = s.Operands[0] is Operand.Pair pair ? (pair.First, pair.Second) : (s.Operands[0], new Operand.Sink());
        var with = combines ? s.Operands[3] as Operand.Of : null;
        if (combines && with is not { Register.IsPredicate: true })
            throw s.Refuse("a predicate to combine with is missing");
        return new Instruction
        {
            Run = form.Run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = PredicateOrSink(s, first),
            A = Source(s, s.Operands[1], form.Shape[1]),
            B = Source(s, s.Operands[2], form.Shape[2]),
            Vector = [PredicateOrSink(s, second), with?.Register.Offset ?? -1, with is { Negated: true } ? 1 : 0, (int)how],
            Class = form.Class,
        };
    }

    private static int PredicateOrSink(Statement s, Operand operand) => operand is Operand.Sink ? -1 : Destination(s, operand, 'p');

    /// <summary>mov.b64 d, {a, b} and back: <see cref="Packing"/>.</summary>
    private Instruction Pack(Statement s)
    {
        int bits = ElementBits(s);
        bool packs = s.Operands[1] is Operand.Vector;
        Operand whole = s.Operands[packs ? 0 : 1];
        if (bits < 16 || s.Op.Length != 2 || s.Operands[packs ? 1 : 0] is not Operand.Vector { Elements: { Length: 2 or 4 } parts }
            || bits / parts.Length is not (8 or 16 or 32))
            throw s.Refuse("of two or four parts, each of 8, 16 or 32 bits");
        char letter = bits == 64 ? 'l' : bits == 32 ? 'w' : 'h', part = bits / parts.Length == 32 ? 'w' : 'h';
        return new Instruction
        {
            Run = packs ? &Packing.Pack : &Packing.Unpack,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = packs ? Destination(s, whole, letter) : -1,
            A = packs ? -1 : Source(s, whole, letter),
            Vector = [.. parts.Select(p => packs ? Source(s, p, part) : p is Operand.Sink ? -1 : Destination(s, p, part))],
            ElementBytes = bits / 8 / parts.Length,
            WideData = bits == 64,
            Class = InstructionClass.Move,
        };
    }

    /// <summary>mov d, %clock;</summary>
    private Instruction Clock(Statement s, string name)
    {
        bool wide = SpecialRegisters.Bits(name) == 64;
        if (s.Op.Length != 2 || ElementBits(s) != SpecialRegisters.Bits(name))
            throw s.Refuse("a clock that is not of the instruction's type");
        return new Instruction
        {
            Run = &Fences.Clock,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = Destination(s, s.Operands[0], wide ? 'l' : 'w'),
            WideData = wide,
            Immediate = name.EndsWith("_hi", StringComparison.Ordinal) ? 32 : 0,
            Class = InstructionClass.Move,
        };
    }

    /// <summary>mma.sync of the shapes that <see cref="MatrixForms"/> has: {d}, {a}, {b}, {c}.</summary>
    private Instruction Matrix(Statement s)
    {
        if (MatrixForms.Find(string.Join('.', s.Op)) is not { } shape || s.Operands.Length != 4)
            throw s.Refuse("not a product of matrices that this GPU knows");
        var vector = new List<int>();
        for (int k = 0; k < 4; k++)
        {
            if (s.Operands[k] is not Operand.Vector { Elements: var elements } || elements.Length != shape.Registers[k])
                throw s.Refuse($"operand {k + 1} has {shape.Registers[k]} registers");
            char letter = k is 0 or 3 ? 'f' : 'w';
            vector.AddRange(elements.Select(e => k == 0 ? Destination(s, e, letter) : Source(s, e, letter)));
        }
        return new Instruction
        {
            Run = shape.Run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = vector[0],
            Vector = [.. vector],
            Class = InstructionClass.Matrix,
        };
    }
}
