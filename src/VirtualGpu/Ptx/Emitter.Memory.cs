using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Data;

namespace BDense.VirtualGpu.Ptx;

/// <summary>Instructions of memory: what their operands are is told at <see cref="Instruction"/>.</summary>
internal sealed unsafe partial class Emitter
{
    private Instruction Memory(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind)
    {
        var data = new DataOperands(-1, [], false);
        Operand[] rest = s.Operands;
        bool store = s.Op[0] is "st" or "stmatrix", load = s.Op[0] is "ld" or "ldmatrix" or "atom" or "ldu";
        if (load && rest.Length > 0)
            (data, rest) = (Data(s, rest[0], isDestination: true), rest[1..]);
        else if (store && rest.Length == 2)
            (data, rest) = (Data(s, rest[1], isDestination: false), rest[..1]);
        bool copies = s.Op is ["cp", "async", ..];
        var first = rest is [Operand.Address, ..] ? (Operand.Address)rest[0] : null;
        var second = copies && rest is [_, Operand.Address, ..] ? (Operand.Address)rest[1] : null;
        char letter = copies ? 'w' : ElementBits(s) == 64 ? 'l' : ElementBits(s) == 16 ? 'h' : 'w';
        int elementBytes = ElementBits(s) / 8;
        Operand[] values = first is null ? rest : second is null ? rest[1..] : rest[2..];
        long immediate = first?.Displacement ?? 0;
        if (copies && second is not null)
        {
            if (values is not [Operand.Constant { Value: { Kind: LiteralKind.Integer, Bits: 4 or 8 or 16 } size }, ..])
                throw s.Refuse("cp.async copies 4, 8 or 16 bytes");
            (elementBytes, values) = ((int)size.Bits, values[1..]);
        }
        else if (first is null && values is [Operand.Constant { Value: { Kind: LiteralKind.Integer, Bits: < 1 << 16 } number }])
        {
            (immediate, values) = ((long)number.Bits, []);
        }
        if (values.Length > 2)
            throw s.Refuse("too many operands");
        return new Instruction
        {
            Run = run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = data.First,
            Vector = data.All,
            WideData = data.Wide,
            A = first is null ? -1 : BaseOf(s, first),
            WideAddress = first is not null && IsWide(first),
            Immediate = immediate,
            B = second is not null ? BaseOf(s, second) : values.Length > 0 ? Source(s, values[0], letter) : -1,
            SecondImmediate = second?.Displacement ?? 0,
            C = second is not null ? values.Length > 0 ? Source(s, values[0], letter) : -1 : values.Length > 1 ? Source(s, values[1], letter) : -1,
            ElementBytes = elementBytes,
            Class = kind,
        };
    }

    /// <summary>ld.param{.v2, .v4}: the argument's bytes, the same for all lanes.</summary>
    private Instruction LoadParameter(Statement s)
    {
        int bytes = ElementBits(s) / 8;
        if (s.Operands is not [var to, Operand.Address { Base: null } from] || bytes == 0)
            throw s.Refuse("ld.param takes a register and a parameter");
        var data = Data(s, to, isDestination: true);
        long end = from.Displacement + bytes * Math.Max(1, data.All.Length);
        if (from.Displacement < 0 || kernel.Parameters.Count == 0 || end > kernel.Parameters[^1].Offset + kernel.Parameters[^1].Bytes)
            throw s.Refuse("beyond the parameters");
        return new Instruction
        {
            Run = s.Op[^1][0] == 's' ? &ParameterLoad.Signed : &ParameterLoad.Plain,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = data.First,
            Vector = data.All.Length > 0 ? data.All : [data.First],
            WideData = data.Wide,
            A = -1,
            Immediate = from.Displacement,
            ElementBytes = bytes,
            Class = InstructionClass.ParameterLoad,
        };
    }

    /// <summary>Registers to load to or to store from; what is stored may be a constant.</summary>
    private DataOperands Data(Statement s, Operand operand, bool isDestination)
    {
        int bits = ElementBits(s);
        Operand[] elements = operand is Operand.Vector vector ? vector.Elements : [operand];
        int[] all = new int[elements.Length];
        bool wide = false;
        for (int k = 0; k < all.Length; k++)
        {
            bool registerIsWide = bits == 64;
            if (elements[k] is Operand.Of { Negated: false, Register: { IsPredicate: false } register })
            {
                if (register.Bits < bits)
                    throw s.Refuse("a register that is too narrow");
                (all[k], registerIsWide) = (register.Offset, register.Bits == 64);
            }
            else if (isDestination)
            {
                throw s.Refuse("the destination is not a register");
            }
            else
            {
                bool isFloat = s.Op[^1][0] == 'f';
                all[k] = Source(s, elements[k], bits == 64 ? isFloat ? 'd' : 'l' : bits == 32 ? isFloat ? 'f' : 'w' : 'h');
            }
            if (k > 0 && wide != registerIsWide)
                throw s.Refuse("registers of different widths");
            wide = registerIsWide;
        }
        return new DataOperands(all[0], operand is Operand.Vector ? all : [], wide);
    }

    private int BaseOf(Statement s, Operand.Address address) => address.Base switch
    {
        null => throw s.Refuse("only ld.param can read a parameter"),
        Operand.ArrayAddress => Source(s, address.Base, 'l'),
        _ => Source(s, address.Base, IsWide(address) ? 'l' : 'w'),
    };

    private static bool IsWide(Operand.Address address) => address.Base is not Operand.Of { Register.Bits: 32 };

    /// <summary>Of the opcode's last part: b8 to b64, u, s, f; 0 for none.</summary>
    private static int ElementBits(Statement s) => s.Op[^1] switch
    {
        "b8" or "u8" or "s8" => 8,
        "b16" or "u16" or "s16" or "f16" or "bf16" => 16,
        "b32" or "u32" or "s32" or "f32" or "f16x2" or "bf16x2" => 32,
        "b64" or "u64" or "s64" or "f64" => 64,
        _ => 0,
    };

    private readonly record struct DataOperands(int First, int[] All, bool Wide);
}
