using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Async;
using BDense.VirtualGpu.Instructions.Control;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>mbarrier, and elect.sync.</summary>
internal sealed unsafe partial class Emitter
{
    /// <summary>Scopes and orders: a wait acquires and an arrival releases, as they do by default; a block is its own cluster.</summary>
    private static readonly HashSet<string> Orders = new(StringComparer.Ordinal) { "acquire", "release", "cta", "cluster" };

    private Instruction Mbarrier(Statement s)
    {
        string[] parts = [.. s.Op[1..].Where(part => !Orders.Contains(part))];
        bool relaxed = parts.Contains("relaxed");
        string space = parts.FirstOrDefault(part => part.StartsWith("shared", StringComparison.Ordinal)) ?? "";
        if (parts is not [.., "b64"] || space is not ("" or "shared" or "shared::cta" or "shared::cluster"))
            throw s.Refuse("not an mbarrier instruction that this GPU knows");
        string op = string.Join('.', parts[..^1].Where(part => part != space && part != "relaxed"));
        // Relaxed arrivals and waits order nothing, and those that are not do here.
        if (relaxed && op is not ("expect_tx" or "complete_tx"))
            throw s.Refuse("relaxed arrivals and waits are not known to this GPU");
        if (op.Contains("expect_tx", StringComparison.Ordinal) || op.StartsWith("try_wait", StringComparison.Ordinal)
            || op == "complete_tx")
            RequireNinety(s);
        Operand[] all = s.Operands;
        return op switch
        {
            "init" when all is [Operand.Address at, var count] =>
                Mbarrier(s, &MbarrierInstructions.Make, at, space, -1, Source(s, count, 'w')),
            "inval" when all is [Operand.Address at] => Mbarrier(s, &MbarrierInstructions.End, at, space, -1, -1),
            "expect_tx" when all is [Operand.Address at, var bytes] =>
                Mbarrier(s, &MbarrierInstructions.Expect, at, space, -1, Source(s, bytes, 'w')),
            "complete_tx" when all is [Operand.Address at, var bytes] =>
                Mbarrier(s, &MbarrierInstructions.Complete, at, space, -1, Source(s, bytes, 'w')),
            "arrive" when all is [var to, Operand.Address at, .. var rest] && rest.Length < 2 =>
                Mbarrier(s, &MbarrierInstructions.Arrive, at, space, State(s, to), Optional(s, rest)),
            "arrive.expect_tx" when all is [var to, Operand.Address at, var bytes] =>
                Mbarrier(s, &MbarrierInstructions.ArriveAndExpect, at, space, State(s, to), Source(s, bytes, 'w')),
            "arrive_drop" when all is [var to, Operand.Address at, .. var rest] && rest.Length < 2 =>
                Mbarrier(s, &MbarrierInstructions.Drop, at, space, State(s, to), Optional(s, rest)),
            "test_wait" when all is [var to, Operand.Address at, var state] =>
                Mbarrier(s, &MbarrierInstructions.Test, at, space, Destination(s, to, 'p'), Source(s, state, 'l')),
            "test_wait.parity" when all is [var to, Operand.Address at, var parity] =>
                Mbarrier(s, &MbarrierInstructions.TestParity, at, space, Destination(s, to, 'p'), Source(s, parity, 'w')),
            "try_wait" when all is [var to, Operand.Address at, var state, ..] && all.Length < 5 =>
                Mbarrier(s, &MbarrierInstructions.Test, at, space, Destination(s, to, 'p'), Source(s, state, 'l')),
            "try_wait.parity" when all is [var to, Operand.Address at, var parity, ..] && all.Length < 5 =>
                Mbarrier(s, &MbarrierInstructions.TestParity, at, space, Destination(s, to, 'p'), Source(s, parity, 'w')),
            _ => throw s.Refuse("not an mbarrier instruction that this GPU knows"),
        };
    }

    /// <summary>cp.async.mbarrier.arrive.noinc{.shared}.b64 [at];</summary>
    private Instruction CopyArrival(Statement s)
    {
        if (s.Op is not [_, _, _, "arrive", "noinc", "b64"] and not [_, _, _, "arrive", "noinc", "shared" or "shared::cta", "b64"]
            || s.Operands is not [Operand.Address at])
            throw s.Refuse("cp.async.mbarrier.arrive is known with .noinc, and takes an address");
        return Mbarrier(s, &MbarrierInstructions.ArriveAfterCopies, at, s.Op.Length > 6 ? s.Op[5] : "", -1, -1);
    }

    private Instruction Mbarrier(Statement s, delegate*<Warp, Instruction, void> run, Operand.Address at, string space, int d, int b) =>
        new()
        {
            Run = run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = d,
            A = BaseOf(s, at),
            WideAddress = IsWide(at),
            Immediate = at.Displacement,
            SecondImmediate = space.Length == 0 ? 1 : 0,
            B = b,
            Class = InstructionClass.Barrier,
        };

    private int State(Statement s, Operand to) => to is Operand.Sink ? -1 : Destination(s, to, 'l');

    private int Optional(Statement s, Operand[] count) => count.Length == 0 ? -1 : Source(s, count[0], 'w');

    /// <summary>elect.sync d|p, members: one of them.</summary>
    private Instruction Elect(Statement s)
    {
        RequireNinety(s);
        if (s.Op is not [_, "sync"] || s.Operands is not [Operand.Pair to, var members])
            throw s.Refuse("elect.sync takes a register and a predicate, and a mask of members");
        return new Instruction
        {
            Run = &Votes.Elect,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = Destination(s, to.Second, 'p'),
            A = to.First is Operand.Sink ? -1 : Destination(s, to.First, 'w'),
            C = Source(s, members, 'w'),
            Class = InstructionClass.Predicate,
        };
    }

    private void RequireNinety(Statement s)
    {
        if (!kernel.Target.StartsWith("sm_9", StringComparison.Ordinal) && !kernel.Target.StartsWith("sm_1", StringComparison.Ordinal))
            throw s.Refuse($"needs .target sm_90 or later, and this is {kernel.Target}");
    }
}
