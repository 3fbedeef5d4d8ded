using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Matrices;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>wgmma and setmaxnreg, which only sm_90a has.</summary>
internal sealed unsafe partial class Emitter
{
    private Instruction Warpgroup(Statement s)
    {
        RequireHopper(s);
        switch (s.Op[1..])
        {
            case ["fence", "sync", "aligned"]:
                return Alone(s, &WarpgroupProduct.Fence, InstructionClass.Barrier);
            case ["commit_group", "sync", "aligned"]:
                return Alone(s, &WarpgroupProduct.Commit, InstructionClass.Barrier);
            case ["wait_group", "sync", "aligned"] when s.Operands is [var groups]:
                return new Instruction
                {
                    Run = &WarpgroupProduct.Wait,
                    Place = _code.Count,
                    Guard = Guard(s),
                    GuardNegated = s.GuardNegated,
                    Immediate = Constant(s, groups, 0, 7),
                    Class = InstructionClass.Barrier,
                };
            default:
                return Product(s);
        }
    }

    /// <summary>
    /// {d}, a-desc or {a}, b-desc, scale-d, imm-scale-a, imm-scale-b{, imm-trans-a}{, imm-trans-b}; the transpositions of BF16 only, that
    /// of A only from memory.
    /// </summary>
    private Instruction Product(Statement s)
    {
        if (WarpgroupShape.Find(s.Op) is not { } shape)
            throw s.Refuse("not a product of a warpgroup that this GPU knows");
        bool fromRegisters = s.Operands.Length > 1 && s.Operands[1] is Operand.Vector;
        int transpositions = !shape.IsNarrow ? 0 : fromRegisters ? 1 : 2;
        if (s.Operands.Length != 6 + transpositions)
            throw s.Refuse($"takes {6 + transpositions} operands");
        int[] d = RegistersOf(s, s.Operands[0], shape.Accumulators, isDestination: true);
        int[] a = fromRegisters ? RegistersOf(s, s.Operands[1], 4, isDestination: false) : [];
        int scale = SourcePredicate(s, s.Operands[3], out bool negated);
        return new Instruction
        {
            Run = &WarpgroupProduct.Run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            OfBlock = true,
            OfWarpgroup = true,
            D = d[0],
            A = fromRegisters ? -1 : Source(s, s.Operands[1], 'l'),
            B = Source(s, s.Operands[2], 'l'),
            C = scale,
            Vector = [.. d, .. a],
            Product = new WarpgroupForm(shape, fromRegisters, negated, Constant(s, s.Operands[4], -1, 1, without: 0) < 0,
                Constant(s, s.Operands[5], -1, 1, without: 0) < 0,
                transpositions == 2 && Constant(s, s.Operands[6], 0, 1) == 1, transpositions > 0 && Constant(s, s.Operands[^1], 0, 1) == 1),
            Class = InstructionClass.WarpgroupMatrix,
        };
    }

    private int[] RegistersOf(Statement s, Operand operand, int count, bool isDestination)
    {
        if (operand is not Operand.Vector { Elements: var elements } || elements.Length != count)
            throw s.Refuse($"{count} registers in braces belong where the {(isDestination ? "accumulators" : "fragments of A")} are");
        int[] all = [.. elements.Select(e => isDestination ? Destination(s, e, 'f') : Source(s, e, 'w'))];
        return all.Distinct().Count() == count || !isDestination ? all : throw s.Refuse("an accumulator stands there twice");
    }

    /// <summary>
    /// setmaxnreg.{inc, dec}.sync.aligned.u32 n: registers a thread, which the hardware gives: here nothing but a meeting of the warpgroup.
    /// </summary>
    private Instruction RegisterCount(Statement s)
    {
        RequireHopper(s);
        if (s.Op is not [_, "inc" or "dec", "sync", "aligned", "u32"] || s.Operands is not [var count]
            || Constant(s, count, 24, 256) % 8 != 0)
            throw s.Refuse("setmaxnreg takes 24 to 256 registers, a multiple of 8");
        return new Instruction
        {
            Run = &WarpgroupProduct.Run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            OfBlock = true,
            OfWarpgroup = true,
            Class = InstructionClass.Barrier,
        };
    }

    /// <summary>A whole number of the text.</summary>
    private static long Constant(Statement s, Operand operand, long least, long most, long without = long.MinValue) =>
        operand is Operand.Constant { Value: { Kind: LiteralKind.Integer } value } && (long)value.Bits >= least && (long)value.Bits <= most
            && (long)value.Bits != without
            ? (long)value.Bits : throw s.Refuse($"a constant from {least} to {most} is missing{(without == 0 ? ", and not 0" : "")}");

    private void RequireHopper(Statement s)
    {
        if (kernel.Target != "sm_90a")
            throw s.Refuse($"needs .target sm_90a, and this is {kernel.Target}");
    }

    /// <summary>Registers that wgmma's use are watched where other instructions touch them.</summary>
    private Instruction Watch(Statement s, Instruction i)
    {
        if (_matrixRegisters.Count == 0 || s.Op[0] == "wgmma")
            return i;
        i.Touches = [.. Flow.Reads(s).Concat(Flow.Writes(s)).Where(_matrixRegisters.Contains).Select(r => r.Offset).Distinct()];
        if (i.Touches.Length == 0)
            return i;
        i.Inner = i.Run;
        i.Run = &WarpgroupProduct.Watched;
        return i;
    }
}
