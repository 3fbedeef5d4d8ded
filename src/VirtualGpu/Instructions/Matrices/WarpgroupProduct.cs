using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Matrices;

/// <summary>
/// wgmma: a product of 64 rows by a warpgroup. It is computed when the last of the four warps has come; that it is asynchronous is left to
/// the judges, of registers
/// (<see cref="MatrixRegisters"/>) and of shared memory (<see cref="BDense.VirtualGpu.Memory.AsyncShadow"/>). In the instruction, A and B
/// are the registers of the descriptors (A is -1 where it comes
/// from registers), C the predicate scale-d, Vector D's registers and A's.
/// </summary>
internal static unsafe partial class WarpgroupProduct
{
    /// <summary>wgmma.fence.sync.aligned.</summary>
    public static void Fence(Warp w, Instruction i)
    {
        if (!IsWhole(w, i))
            return;
        w.Matrices!.Fence();
    }

    /// <summary>wgmma.commit_group.sync.aligned.</summary>
    public static void Commit(Warp w, Instruction i)
    {
        if (!IsWhole(w, i))
            return;
        w.Matrices!.Commit(w.Block.Order!.GroupOf(w).Issued);
    }

    /// <summary>wgmma.wait_group.sync.aligned: shared memory that the wgmma's read is free, too.</summary>
    public static void Wait(Warp w, Instruction i)
    {
        if (!IsWhole(w, i))
            return;
        var order = w.Block.Order!;
        w.Matrices!.Wait((int)i.Immediate);
        order[w].Raise(order.GroupAgent(order.GroupOf(w)), w.Matrices.Waited);
    }

    /// <summary>Another instruction, which touches registers of wgmma's.</summary>
    public static void Watched(Warp w, Instruction i)
    {
        if (w.Block.Memory.Judges && w.Mask(i) != 0)
            w.Matrices!.Touch(w, i, i.Touches);
        i.Inner(w, i);
    }

    /// <summary>wgmma.mma_async, setmaxnreg: a warp comes, and waits for the other three.</summary>
    public static void Run(Warp w, Instruction i)
    {
        if (!IsWhole(w, i))
            return;
        if (!w.Block.Order!.GroupOf(w).IsWhole)
            throw w.Fault(i, -1, FindingKind.BarrierNotReached,
                $"warp {w.Number} is in no whole warpgroup: four warps, of which the first is a multiple of 4");
        w.Wait(i, Warp.All, w.Threads);
    }

    /// <summary>Whether the warp executes it, which it does as a whole or not at all.</summary>
    private static bool IsWhole(Warp w, Instruction i)
    {
        uint mask = w.Mask(i);
        if (mask != 0)
            w.NeedWhole(i, mask);
        return mask != 0;
    }

    /// <summary>All four are there.</summary>
    public static void Execute(ReadOnlySpan<Warp> warps, Instruction i)
    {
        var (first, form) = (warps[0], i.Product!);
        var (order, shape) = (first.Block.Order!, form.Shape);
        var group = order.GroupOf(first);
        int number = ++group.Issued;
        bool adds = Uniform(warps, i, form.ScaleNegated);
        if (first.Block.Memory.Judges)
        {
            var registers = i.Vector.AsSpan();
            foreach (var w in warps)
                w.Matrices!.Take(w, i, registers[..shape.Accumulators], registers[shape.Accumulators..], shape.Columns << 8 | shape.Depth,
                    number);
        }
        double* a = stackalloc double[WarpgroupShape.Rows * shape.Depth], b = stackalloc double[shape.Columns * shape.Depth];
        if (form.FromRegisters)
            FromRegisters(warps, i, a);
        else
            FromMemory(warps, i, Descriptor(warps, i, i.A), WarpgroupShape.Rows, form.TransposeA, number, a);
        FromMemory(warps, i, Descriptor(warps, i, i.B), shape.Columns, form.TransposeB, number, b);
        if (form.NegateA != form.NegateB)
            Negate(a, WarpgroupShape.Rows * shape.Depth);
        Multiply(warps, i, a, b, adds);
        order.Changes++;
    }

    /// <summary>scale-d, the same for all.</summary>
    private static bool Uniform(ReadOnlySpan<Warp> warps, Instruction i, bool negated)
    {
        uint value = warps[0].Predicates[i.C];
        foreach (var w in warps)
        {
            if (w.Predicates[i.C] != value || value is not (0 or Warp.All))
                throw w.Fault(i, -1, FindingKind.Descriptor, "scale-d is not the same for all threads of the warpgroup");
        }
        return (value != 0) != negated;
    }

    private static MatrixDescriptor Descriptor(ReadOnlySpan<Warp> warps, Instruction i, int register)
    {
        ulong bits = *(ulong*)(warps[0].Registers + register);
        foreach (var w in warps)
        {
            if (new ReadOnlySpan<ulong>(w.Registers + register, Warp.Lanes).IndexOfAnyExcept(bits) is >= 0 and var lane)
                throw w.Fault(i, lane, FindingKind.Descriptor,
                    $"a matrix descriptor of 0x{((ulong*)(w.Registers + register))[lane]:x16}, where the first thread of the warpgroup "
                    + $"has 0x{bits:x16}");
        }
        var descriptor = new MatrixDescriptor(bits);
        if (descriptor.BaseOffset != 0 || !descriptor.IsAligned)
            throw warps[0].Fault(i, -1, FindingKind.Descriptor,
                $"a matrix at {descriptor.Start}, of which the swizzle's pattern of {8 * descriptor.Span} bytes does not begin at a "
                + $"multiple of as many"
                + (descriptor.BaseOffset != 0 ? $" (base offset {descriptor.BaseOffset}, which this GPU does not know)" : ""));
        return descriptor;
    }

    private static void Negate(double* values, int count)
    {
        for (int k = 0; k < count; k++)
            values[k] = -values[k];
    }
}
