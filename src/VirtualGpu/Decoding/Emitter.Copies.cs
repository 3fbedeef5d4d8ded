using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>cp.async and what waits for it.</summary>
internal sealed unsafe partial class Emitter
{
    /// <summary>cp.async.{ca, cg}.shared.global [to], [from], size{, bytes of the source};</summary>
    private Instruction Copy(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind)
    {
        if (s.Operands is not [Operand.Address to, Operand.Address from, Operand.Constant { Value: { Kind: LiteralKind.Integer } size },
            .. var rest] || rest.Length > 1)
            throw s.Refuse("takes two addresses, a constant size and at most the size of the source");
        if (size.Bits is not 16 && (s.Op[2] == "cg" || size.Bits is not (4 or 8)))
            throw s.Refuse("cp.async copies 4, 8 or 16 bytes, and 16 with .cg");
        if (!IsWide(from))
            throw s.Refuse("the address in global memory has 64 bits");
        return new Instruction
        {
            Run = run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = -1,
            A = BaseOf(s, to),
            WideAddress = IsWide(to),
            Immediate = to.Displacement,
            B = BaseOf(s, from),
            SecondImmediate = from.Displacement,
            C = rest.Length > 0 ? Source(s, rest[0], 'w') : -1,
            ElementBytes = (int)size.Bits,
            Class = kind,
        };
    }

    /// <summary>cp.async.commit_group; cp.async.wait_all; cp.async.wait_group n;</summary>
    private Instruction Groups(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind)
    {
        long number = 0;
        if (s.Op[2] != "wait_group")
            Nothing(s);
        else if (s.Operands is [Operand.Constant { Value: { Kind: LiteralKind.Integer, Bits: < 1 << 16 } groups }])
            number = (long)groups.Bits;
        else
            throw s.Refuse("takes a constant number of groups");
        return new Instruction
        {
            Run = run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = -1,
            A = -1,
            B = -1,
            C = -1,
            Immediate = number,
            Class = kind,
        };
    }
}
