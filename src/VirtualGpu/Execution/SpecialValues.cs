using System.Globalization;

namespace BDense.VirtualGpu.Execution;

/// <summary>Writes a warp's constants and special registers; those of the block's index come with each block.</summary>
internal static unsafe class SpecialValues
{
    public static void Fill(Warp warp, KernelCode code, Launch launch, GpuModel model)
    {
        foreach (var (offset, bits, wide) in code.Constants)
        {
            if (wide)
                new Span<ulong>(warp.Registers + offset, Warp.Lanes).Fill(bits);
            else
                new Span<uint>(warp.Registers + offset, Warp.Lanes).Fill((uint)bits);
        }
        warp.Predicates[KernelCode.True] = Warp.All;
        foreach (var (name, offset) in code.Special)
        {
            for (int lane = 0; lane < Warp.Lanes; lane++)
            {
                uint value = Of(name, warp.Number * Warp.Lanes + lane, lane, launch, model);
                if (Ptx.SpecialRegisters.Bits(name) == 64)
                    ((ulong*)(warp.Registers + offset))[lane] = value;
                else
                    ((uint*)(warp.Registers + offset))[lane] = value;
            }
        }
    }

    private static uint Of(string name, int thread, int lane, Launch launch, GpuModel model)
    {
        var (block, grid) = (launch.Block, launch.Grid);
        int warps = ((int)block.Count + Warp.Lanes - 1) / Warp.Lanes, shared = launch.Kernel.StaticSharedBytes + launch.DynamicSharedBytes;
        return name switch
        {
            "%tid.x" => (uint)(thread % block.X),
            "%tid.y" => (uint)(thread / block.X % block.Y),
            "%tid.z" => (uint)(thread / block.X / block.Y),
            "%ntid.x" => (uint)block.X,
            "%ntid.y" => (uint)block.Y,
            "%ntid.z" => (uint)block.Z,
            "%nctaid.x" => (uint)grid.X,
            "%nctaid.y" => (uint)grid.Y,
            "%nctaid.z" => (uint)grid.Z,
            "%laneid" => (uint)lane,
            "%warpid" => (uint)(thread / Warp.Lanes),
            "%nwarpid" => (uint)warps,
            "%nsmid" => (uint)model.Multiprocessors,
            "%dynamic_smem_size" => (uint)launch.DynamicSharedBytes,
            "%total_smem_size" => (uint)shared,
            // A block is its own cluster.
            "%cluster_nctarank" => 1,
            "%lanemask_eq" => 1u << lane,
            "%lanemask_lt" => (1u << lane) - 1,
            "%lanemask_le" => (uint)((2ul << lane) - 1),
            "%lanemask_gt" => ~(uint)((2ul << lane) - 1),
            "%lanemask_ge" => ~((1u << lane) - 1),
            "%ctaid.x" or "%ctaid.y" or "%ctaid.z" or "%smid" or "%gridid" or "%cluster_ctarank" => 0,
            _ => throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"{name} has no value")),
        };
    }
}
