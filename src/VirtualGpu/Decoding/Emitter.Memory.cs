using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Data;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>Instructions of memory: what their operands are is told at <see cref="Instruction"/>.</summary>
internal sealed unsafe partial class Emitter
{
    private Instruction Memory(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind) => (s.Op[0], s.Operands) switch
    {
        ("ld" or "ldu", [var to, Operand.Address from]) => Access(s, run, kind, from, Data(s, to, isDestination: true)),
        ("st", [Operand.Address to, var value]) => Access(s, run, kind, to, Data(s, value, isDestination: false)),
        ("ldmatrix", [var to, Operand.Address from]) => Access(s, run, kind, from, Rows(s, to, isDestination: true)),
        ("stmatrix", [Operand.Address to, var value]) => Access(s, run, kind, to, Rows(s, value, isDestination: false)),
        ("atom", [var old, Operand.Address at,
            .. var values]) => Atomic(s, run, kind, at, values, old is Operand.Sink ? -1 : Destination(s, old, AtomicLetter(s))),
        ("red", [Operand.Address at, .. var values]) => Atomic(s, run, kind, at, values, -1),
        ("prefetch" or "prefetchu", [Operand.Address at]) => Access(s, run, kind, at, new DataOperands(-1, [], false)),
        ("cp", _) => s.Op[2] is "ca" or "cg" ? Copy(s, run, kind) : Groups(s, run, kind),
        _ => throw s.Refuse(Takes(s.Op[0])),
    };

    private static string Takes(string op) => op switch
    {
        "st" or "stmatrix" => "takes an address and what to store",
        "atom" => "takes a register, an address and its values",
        "red" => "takes an address and a value",
        "prefetch" or "prefetchu" => "takes an address",
        _ => "takes what to load to and an address",
    };

    private Instruction Access(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind, Operand.Address address,
        DataOperands data, int b = -1, int c = -1) => new()
        {
            Run = run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = data.First,
            Vector = data.All,
            WideData = data.Wide,
            A = BaseOf(s, address),
            WideAddress = IsWide(address),
            Immediate = address.Displacement,
            B = b,
            C = c,
            ElementBytes = ElementBits(s) / 8,
            Class = kind,
        };

    /// <summary>atom d, [a], b{, c}; red [a], b; the second value is that of cas.</summary>
    private Instruction Atomic(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind, Operand.Address at,
        Operand[] values, int d)
    {
        int count = s.Op.Contains("cas") ? 2 : 1;
        if (values.Length != count)
            throw s.Refuse(count == 1 ? "takes one value besides the address" : "takes two values besides the address");
        char letter = AtomicLetter(s);
        return Access(s, run, kind, at, new DataOperands(d, [], false), Source(s, values[0], letter),
            count > 1 ? Source(s, values[1], letter) : -1);
    }

    private static char AtomicLetter(Statement s) =>
        (ElementBits(s), s.Op[^1][0]) switch { (64, 'f') => 'd', (64, _) => 'l', (_, 'f') => 'f', _ => 'w' };

    /// <summary>ld.param{.v2, .v4}: the argument's bytes, the same for all lanes.</summary>
    private Instruction LoadParameter(Statement s)
    {
        int bytes = ElementBits(s) / 8;
        if (s.Operands is not [var to, Operand.Address { Base: null } from] || bytes == 0
            || s.Op is not [_, _, _] and not [_, _, "v2" or "v4", _])
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
        Operand[] elements = Elements(s, operand, s.Op.Contains("v4") ? 4 : s.Op.Contains("v2") ? 2 : 0);
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

    /// <summary>Registers of ldmatrix and stmatrix: braces always, and as many of 32 bits as there are matrices.</summary>
    private DataOperands Rows(Statement s, Operand operand, bool isDestination)
    {
        int count = s.Op.Contains("x4") ? 4 : s.Op.Contains("x2") ? 2 : 1;
        int[] all = [.. Elements(s, operand, count).Select(e => isDestination ? Destination(s, e, 'w') : Source(s, e, 'w'))];
        return new DataOperands(all[0], all, false);
    }

    /// <summary>What stands in braces, of which there must be that many, or, where the number is 0, the one without braces.</summary>
    private static Operand[] Elements(Statement s, Operand operand, int count) => (operand, count) switch
    {
        (Operand.Vector { Elements: var elements }, > 0) when elements.Length == count => elements,
        (not Operand.Vector, 0) => [operand],
        _ => throw s.Refuse(count switch
        {
            0 => "braces where one register belongs",
            1 => "one register in braces belongs here",
            _ => $"{count} registers in braces belong here"
        }),
    };

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
