using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>ld, st, cp.async, ldmatrix, stmatrix, atom, red, prefetch: the table that the decoder asks.</summary>
internal static unsafe class MemoryInstructions
{
    /// <summary>
    /// Parts of an opcode that change nothing here: what is cached where, and how strong an access is. The judge takes a strong load or
    /// store for a plain one: see docs/virtual-gpu.md.
    /// </summary>
    private static readonly HashSet<string> _ignored = new(StringComparer.Ordinal)
    {
        "ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "weak", "volatile", "relaxed", "acquire", "release", "acq_rel", "cta", "gpu", "sys",
        "L1::evict_normal",
        "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate", "L2::evict_normal", "L2::evict_first",
        "L2::evict_last", "L2::64B", "L2::128B", "L2::256B",
    };

    /// <summary>What runs an instruction of memory; null for one that is not known, or not of memory.</summary>
    /// <param name="op">The opcode's parts, as ["ld", "shared", "v4", "f32"].</param>
    /// <param name="kind">For counting.</param>
    public static delegate*<Warp, Instruction, void> Find(string[] op, out InstructionClass kind)
    {
        kind = InstructionClass.Move;
        string[] parts = [.. op.Skip(1).Where(part => !_ignored.Contains(part)).Select(part => part == "shared::cta" ? "shared" : part)];
        switch (op[0])
        {
            case "prefetch" or "prefetchu":
                return Prefetch(op);
            case "cp":
                kind = InstructionClass.AsyncCopy;
                return Copy(op);
            case "ldmatrix" or "stmatrix":
                kind = op[0] == "ldmatrix" ? InstructionClass.MatrixLoad : InstructionClass.SharedStore;
                return Matrix(op);
        }
        string space = parts is ["global" or "shared" or "local", ..] ? parts[0] : "";
        parts = space.Length > 0 ? parts[1..] : parts;
        switch (op[0])
        {
            case "ld" or "ldu":
                kind = space switch
                {
                    "shared" => InstructionClass.SharedLoad,
                    "local" => InstructionClass.LocalLoad,
                    _ => InstructionClass.GlobalLoad
                };
                return Load(space, parts);
            case "st":
                kind = space switch
                {
                    "shared" => InstructionClass.SharedStore,
                    "local" => InstructionClass.LocalStore,
                    _ => InstructionClass.GlobalStore
                };
                return Store(space, parts);
            case "red" when parts is ["exch" or "cas", ..]:
                return null;
            case "atom" or "red" when space != "local":
                kind = InstructionClass.Atomic;
                return Atomics.Find(space, string.Join('.', parts));
            default:
                return null;
        }
    }

    private static delegate*<Warp, Instruction, void> Load(string space, string[] parts) => string.Join('.', parts) switch
    {
        "b32" or "u32" or "f32" => Of<LoadWord<uint>>(space),
        "s32" => Of<LoadWord<int>>(space),
        "v2.b32" or "v2.u32" or "v2.f32" => Of<LoadWords2<uint>>(space),
        "v2.s32" => Of<LoadWords2<int>>(space),
        "v4.b32" or "v4.u32" or "v4.f32" => Of<LoadWords4<uint>>(space),
        "v4.s32" => Of<LoadWords4<int>>(space),
        "b64" or "u64" or "s64" or "f64" => Of<LoadLong>(space),
        "v2.b64" or "v2.u64" or "v2.s64" or "v2.f64" => Of<LoadElements<ulong>>(space),
        "b8" or "u8" or "v2.b8" or "v2.u8" or "v4.b8" or "v4.u8" => Of<LoadElements<byte>>(space),
        "s8" or "v2.s8" or "v4.s8" => Of<LoadElements<sbyte>>(space),
        "b16" or "u16" or "v2.b16" or "v2.u16" or "v4.b16" or "v4.u16" => Of<LoadElements<ushort>>(space),
        "s16" or "v2.s16" or "v4.s16" => Of<LoadElements<short>>(space),
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Store(string space, string[] parts) => string.Join('.', parts) switch
    {
        "b32" or "u32" or "s32" or "f32" => Of<StoreWord>(space),
        "v2.b32" or "v2.u32" or "v2.s32" or "v2.f32" => Of<StoreElements<uint>>(space),
        "v4.b32" or "v4.u32" or "v4.s32" or "v4.f32" => Of<StoreWords4>(space),
        "b64" or "u64" or "s64" or "f64" or "v2.b64" or "v2.u64" or "v2.s64" or "v2.f64" => Of<StoreElements<ulong>>(space),
        "b8" or "u8" or "s8" or "v2.b8" or "v2.u8" or "v2.s8" or "v4.b8" or "v4.u8" or "v4.s8" => Of<StoreElements<byte>>(space),
        "b16" or "u16" or "s16" or "v2.b16" or "v2.u16" or "v2.s16" or "v4.b16" or "v4.u16" or "v4.s16" => Of<StoreElements<ushort>>(space),
        _ => null,
    };

    /// <summary>A move in a space; without one each address tells.</summary>
    public static delegate*<Warp, Instruction, void> Of<TMove>(string space)
        where TMove : IMove => space switch
        {
            "global" => &MemoryAccess.Global<TMove>,
            "shared" => &MemoryAccess.Shared<TMove>,
            "local" => &MemoryAccess.Local<TMove>,
            _ => &MemoryAccess.Generic<TMove>,
        };

    private static delegate*<Warp, Instruction, void> Prefetch(string[] op) =>
        op is ["prefetch", "L1" or "L2"] or ["prefetch", "global" or "local", "L1" or "L2"] or ["prefetch", "global",
            "L2::evict_last" or "L2::evict_normal"] or ["prefetchu", "L1"] ? &Nothing : null;

    private static delegate*<Warp, Instruction, void> Copy(string[] op) => op switch
    {
        [_, "async", "commit_group"] => &AsyncCopyInstructions.Commit,
        [_, "async", "wait_group"] => &AsyncCopyInstructions.WaitGroup,
        [_, "async", "wait_all"] => &AsyncCopyInstructions.WaitAll,
        [_, "async", "ca" or "cg", "shared" or "shared::cta", "global"]
            or [_, "async", "ca" or "cg", "shared" or "shared::cta", "global", "L2::64B" or "L2::128B" or "L2::256B"] =>
                &AsyncCopyInstructions.Copy,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Matrix(string[] op)
    {
        bool transposed = op is [_, _, _, _, _, "trans", ..];
        string[] plain = transposed ? [.. op[..5], .. op[6..]] : op;
        if (plain is not [_, "sync", "aligned", "m8n8", "x1" or "x2" or "x4", "shared" or "shared::cta", "b16"])
            return null;
        return (op[0] == "ldmatrix", transposed) switch
        {
            (true, false) => &LoadMatrix<RowsInOrder>.Run,
            (true, true) => &LoadMatrix<Transposed>.Run,
            (false, false) => &StoreMatrix<RowsInOrder>.Run,
            _ => &StoreMatrix<Transposed>.Run,
        };
    }

    private static void Nothing(Warp w, Instruction i)
    {
    }
}
