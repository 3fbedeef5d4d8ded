using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Async;
using BDense.VirtualGpu.Ptx;

namespace BDense.VirtualGpu.Decoding;

/// <summary>cp.async.bulk, with a tensor map and without.</summary>
internal sealed unsafe partial class Emitter
{
    private const string Mechanism = "mbarrier::complete_tx::bytes", Unknown = "not a bulk copy that this GPU knows";

    private Instruction Bulk(Statement s)
    {
        RequireNinety(s);
        string[] parts = [.. s.Op[3..].Where(part => part != "L2::cache_hint")];
        // The policy of a cache changes nothing here.
        Operand[] operands = parts.Length == s.Op.Length - 3 ? s.Operands : s.Operands[..^1];
        switch (parts)
        {
            case ["commit_group"]:
                return Alone(s, &BulkCopies.Commit, InstructionClass.Barrier);
            case ["wait_group"] or ["wait_group", "read"] when operands is [var groups]:
                return new Instruction
                {
                    Run = &BulkCopies.Wait,
                    Place = _code.Count,
                    Guard = Guard(s),
                    GuardNegated = s.GuardNegated,
                    Immediate = Constant(s, groups, 0, 1 << 16),
                    Class = InstructionClass.Barrier,
                };
            case ["shared::cluster" or "shared::cta", "global", Mechanism] when operands is [Operand.Address to, Operand.Address from,
                var size, Operand.Address barrier]:
                return Bulk(s, &BulkCopies.Load, InstructionClass.BulkLoad, to, from, barrier, size, []);
            case ["global", "shared::cta", "bulk_group"] when operands is [Operand.Address to, Operand.Address from, var size]:
                return Bulk(s, &BulkCopies.Store, InstructionClass.BulkStore, from, to, null, size, []);
            case ["tensor", .. var rest]:
                return Tensor(s, rest, operands);
            default:
                throw s.Refuse(parts.Contains("multicast::cluster") ? "a cluster has one block here" : Unknown);
        }
    }

    /// <summary>.1d to .5d; .tile is what goes without saying.</summary>
    private Instruction Tensor(Statement s, string[] parts, Operand[] operands)
    {
        int rank = parts is [[>= '1' and <= '5', 'd'], ..] ? parts[0][0] - '0' : throw s.Refuse(Unknown);
        parts = [.. parts[1..].Where(part => part != "tile")];
        if (parts is ["shared::cluster" or "shared::cta", "global", Mechanism]
            && operands is [Operand.Address to, Operand.TensorAddress source, Operand.Address barrier])
            return Bulk(s, &TensorCopies.Load, InstructionClass.BulkLoad, to, source.Map, barrier, null, Coordinates(s, source, rank));
        if (parts is ["global", "shared::cta", "bulk_group"] && operands is [Operand.TensorAddress target, Operand.Address from])
            return Bulk(s, &TensorCopies.Store, InstructionClass.BulkStore, from, target.Map, null, null, Coordinates(s, target, rank));
        throw s.Refuse(parts.Contains("multicast::cluster") ? "a cluster has one block here" : Unknown);
    }

    private int[] Coordinates(Statement s, Operand.TensorAddress tensor, int rank) =>
        tensor.Coordinates.Length == rank && tensor.Map.Displacement == 0 ? [.. tensor.Coordinates.Select(c => Source(s, c, 'w'))]
            : throw s.Refuse($"a map's address alone and {rank} coordinates in braces belong here");

    private Instruction Bulk(Statement s, delegate*<Warp, Instruction, void> run, InstructionClass kind, Operand.Address shared,
        Operand.Address global, Operand.Address? barrier,
        Operand? size, int[] coordinates)
    {
        if (!IsWide(global))
            throw s.Refuse("the address in global memory has 64 bits");
        return new Instruction
        {
            Run = run,
            Place = _code.Count,
            Guard = Guard(s),
            GuardNegated = s.GuardNegated,
            D = -1,
            Bulk = new BulkForm(Of(s, shared), Of(s, global), barrier is null ? default : Of(s, barrier), size is null ? -1
                : Source(s, size, 'w'), coordinates),
            Class = kind,
        };
    }

    /// <summary>prefetch.tensormap [map], prefetch.param.tensormap [map].</summary>
    private Instruction Prefetch(Statement s)
    {
        RequireNinety(s);
        if (s.Op is not [_, "tensormap"] and not [_, "param" or "const", "tensormap"] || s.Operands is not [Operand.Address map])
            throw s.Refuse("not a prefetch that this GPU knows");
        return Bulk(s, &TensorCopies.Prefetch, InstructionClass.Move, map, map, null, null, []);
    }

    private AddressOperand Of(Statement s, Operand.Address address) => new(BaseOf(s, address), address.Displacement, IsWide(address));
}
