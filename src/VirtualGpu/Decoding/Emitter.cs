using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions;
using BDense.VirtualGpu.Instructions.Control;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>From the statements of a kernel to its instructions.</summary>
internal sealed unsafe partial class Emitter(KernelText kernel, Liveness liveness)
{
    private readonly RegisterFile _file = new(kernel, liveness);
    private readonly List<Instruction> _code = [];
    private readonly HashSet<Register> _matrixRegisters = [.. Flow.OfProducts(kernel)];

    /// <exception cref="PtxException">An instruction that this GPU does not know, or operands that it does not take.</exception>
    public KernelCode Emit(int localBytes)
    {
        foreach (var statement in kernel.Statements)
            _code.Add(Watch(statement, Emit(statement)));
        // Who comes to the end of the text has ended.
        _code.Add(new Instruction { Run = &Branches.Return, Place = _code.Count, Class = InstructionClass.Branch });
        var order = new MeetingOrder(new Flow(kernel), _code.Count);
        return new KernelCode([.. _code], _file.Bytes, _file.Predicates, _file.Constants, _file.Special,
            Arrays(isLocal: false), localBytes, Arrays(isLocal: true))
        {
            Unset = _file.Unset,
            IsAsynchronous = kernel.Statements.Any(s => s.Op is ["wgmma" or "mbarrier" or "setmaxnreg", ..] or [_, "async", "bulk", ..]),
            Order = order.Order,
            Ends = order.Ends,
        };
    }

    private List<(string Name, int Start, int Bytes)> Arrays(bool isLocal) =>
        [.. kernel.Arrays.Where(a => a.IsLocal == isLocal).Select(a => (a.Name, a.Start, a.IsDynamic ? -1 : a.Bytes))];

    private Instruction Emit(Statement s)
    {
        string op = string.Join('.', s.Op);
        var run = Instructions.Memory.MemoryInstructions.Find(s.Op, out var kind);
        if (run != null)
            return Memory(s, run, kind);
        if (InstructionTable.Find(op) is { } form
            && !s.Operands.Any(o => o is Operand.Vector || o is Operand.Special special && SpecialRegisters.IsClock(special.Name)))
            return s.Operands is [Operand.Pair, ..] ? Compare(s) : FromForm(s, form);
        return s.Op[0] switch
        {
            "bra" => Branch(s),
            "brx" => IndexedBranch(s),
            "ret" or "exit" => Return(s),
            "bar" or "barrier" => Barrier(s),
            "ld" when s.Op.Length > 1 && s.Op[1] == "param" => LoadParameter(s),
            "mov" when s.Operands is [Operand.Vector, _] or [_, Operand.Vector] => Pack(s),
            "mov" when s.Operands is [_, Operand.Special special] && SpecialRegisters.IsClock(special.Name) => Clock(s, special.Name),
            "setp" => Compare(s),
            "shfl" => Shuffle(s),
            "vote" => Vote(s),
            "activemask" when s is { Op: [_, "b32"], Operands: [var to] } =>
                Plain(s, &Votes.Active, InstructionClass.Predicate, Destination(s, to, 'w')),
            "fence" when s.Op is [_, "proxy", "async"] or [_, "proxy", "async", "shared::cta" or "shared::cluster"] =>
                Alone(s, &Fences.Proxy, InstructionClass.Barrier),
            "fence" when s.Op is [_, "mbarrier_init", "release", "cluster"] => Alone(s, &Fences.Made, InstructionClass.Barrier),
            "griddepcontrol" when s.Op is [_, "wait" or "launch_dependents"] => Alone(s, &Fences.Nothing, InstructionClass.Barrier),
            "membar" or "fence" when IsFence(s.Op) => Alone(s, &Fences.Nothing, InstructionClass.Barrier),
            "nanosleep" when s.Op is [_, "u32"] => Sleep(s),
            "trap" when s.Op is [_] => Alone(s, &Fences.Trap, InstructionClass.Branch),
            "mma" => Matrix(s),
            "wgmma" => Warpgroup(s),
            "mbarrier" => Mbarrier(s),
            "elect" => Elect(s),
            "cp" when s.Op is [_, "async", "bulk", ..] => Bulk(s),
            "cp" when s.Op is [_, "async", "mbarrier", ..] => CopyArrival(s),
            "prefetch" when s.Op[^1] == "tensormap" => Prefetch(s),
            "setmaxnreg" => RegisterCount(s),
            _ => throw s.Refuse("an instruction that this GPU does not know"),
        };
    }

    /// <summary>Operands by the letters of a form's shape; a fifth goes into the vector.</summary>
    private Instruction FromForm(Statement s, Form form)
    {
        string shape = form.Shape;
        if (s.Operands.Length != shape.Length)
            throw s.Refuse($"{s.Operands.Length} operands where {shape.Length} belong");
        Span<int> at = stackalloc int[5];
        for (int k = 0; k < shape.Length; k++)
            at[k] = k == 0 ? Destination(s, s.Operands[0], shape[0]) : Source(s, s.Operands[k], shape[k]);
        return new Instruction
        {
            Run = form.Run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = at[0],
            A = at[1],
            B = at[2],
            C = at[3],
            Vector = shape.Length > 4 ? [at[4]] : [],
            Class = form.Class,
        };
    }

    /// <summary>One that takes at most a destination.</summary>
    private Instruction Plain(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind, int d = -1) =>
        new() { Run = run, Place = _code.Count, Guard = Guard(s), GuardNegated = s.GuardNegated, D = d, Class = kind };

    private static int Guard(Statement s) => s.Guard?.Offset ?? -1;

    private static int Destination(Statement s, Operand operand, char letter) =>
        operand is Operand.Of { Negated: false } of && Fits(of.Register, letter) ? of.Register.Offset
            : throw s.Refuse("the destination is not a register of the instruction's type");

    /// <summary>Where a source's lanes lie; constants become registers.</summary>
    private int Source(Statement s, Operand operand, char letter) => operand switch
    {
        Operand.Of { Negated: false } of when Fits(of.Register, letter) => of.Register.Offset,
        Operand.Special special when SpecialRegisters.IsClock(special.Name) => throw s.Refuse("only mov reads a clock"),
        Operand.Special special when letter is 'w' or 'l' && (SpecialRegisters.Bits(special.Name) == 64) == (letter == 'l') =>
            _file.SpecialRegister(special.Name),
        Operand.Constant { Value: { Kind: LiteralKind.Integer, Bits: <= 1 } value } when letter == 'p' => (int)value.Bits,
        Operand.Constant constant when letter != 'p' && Bits(constant.Value, letter) is { } bits =>
            _file.Constant(bits, letter is 'l' or 'd'),
        Operand.ArrayAddress array when letter is 'w' or 'l' =>
            _file.Constant(letter == 'w' ? (uint)(array.Array.Start + array.Displacement) : (ulong)(array.Array.Start + array.Displacement),
                letter == 'l'),
        Operand.ParameterAddress parameter when letter is 'l' && s.Op[0] == "mov" =>
            _file.Constant(GenericAddress.Parameters + (ulong)parameter.Offset, wide: true),
        _ => throw s.Refuse("an operand that is not of the instruction's type"),
    };

    private static bool Fits(Register register, char letter) => letter switch
    {
        'p' => register.IsPredicate,
        'w' or 'f' => register.Bits == 32,
        'l' or 'd' => register.Bits == 64,
        _ => register.Bits is 8 or 16 or 32,
    };

    /// <summary>A constant as the type takes it: PTX ISA, chapter "Constants"; null where it cannot.</summary>
    private static ulong? Bits(Literal value, char letter) => (value.Kind, letter) switch
    {
        (LiteralKind.Integer, 'w') => (uint)value.Bits,
        (LiteralKind.Integer, 'h') => (ushort)value.Bits,
        (LiteralKind.Integer, 'l') => value.Bits,
        (LiteralKind.Single, 'w' or 'f') => value.Bits,
        (LiteralKind.Single, 'd') => BitConverter.DoubleToUInt64Bits(BitConverter.UInt32BitsToSingle((uint)value.Bits)),
        (LiteralKind.Double, 'd' or 'l') => value.Bits,
        (LiteralKind.Double, 'f') => BitConverter.SingleToUInt32Bits((float)BitConverter.UInt64BitsToDouble(value.Bits)),
        _ => null,
    };
}
