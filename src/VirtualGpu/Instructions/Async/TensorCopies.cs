using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Matrices;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Async;

/// <summary>
/// cp.async.bulk.tensor in tiled mode: a box of a tensor, rows of its innermost dimension one after the other in shared memory, 16 bytes at
/// a time, which a swizzle exchanges within 128
/// (64, 32) bytes. Elements beyond the tensor arrive as zeros and are not stored.
/// </summary>
internal static unsafe class TensorCopies
{
    private const int Piece = AsyncShadow.PieceBytes, SharedAlignment = 128;

    public static void Load(Warp w, Instruction i)
    {
        byte* values = stackalloc byte[Piece];
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            var map = Map(w, i, lane);
            var arrival = new BulkArrival(w, i, lane);
            ulong to = SharedAddresses.Of(w, i.Bulk!.Shared, lane);
            arrival.RequireRoom(to, map.BoxBytes, SharedAlignment);
            var walk = new TensorWalk(map, w, i, lane);
            for (int offset = 0; offset < map.BoxBytes; offset += Piece)
            {
                Gather(w, i, lane, walk, offset, values);
                Unsafe.CopyBlock(arrival.At(Swizzle.Apply(to + (ulong)offset, map.Span)), values, Piece);
            }
            Count(w, i, walk, map.BoxBytes);
            arrival.Complete(map.BoxBytes);
        }
    }

    public static void Store(Warp w, Instruction i)
    {
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            var map = Map(w, i, lane);
            ulong from = SharedAddresses.Of(w, i.Bulk!.Shared, lane);
            BulkCopies.RequireShared(w, i, lane, from, map.BoxBytes, SharedAlignment);
            var walk = new TensorWalk(map, w, i, lane);
            for (int offset = 0; offset < map.BoxBytes; offset += Piece)
            {
                byte* values = BulkCopies.ReadShared(w, i, Swizzle.Apply(from + (ulong)offset, map.Span));
                for (int done = 0; done < Piece;)
                {
                    var (address, bytes) = walk.Run(offset + done, Piece - done);
                    if (address != 0)
                        Scatter(w, i, lane, address, bytes, values + done);
                    done += bytes;
                }
            }
            Count(w, i, walk, map.BoxBytes);
        }
    }

    /// <summary>Row by row: what lies side by side in the tensor is one request.</summary>
    private static void Count(Warp w, Instruction i, TensorWalk walk, int boxBytes)
    {
        if (w.Block.Counter is not { } counter)
            return;
        for (int done = 0; done < boxBytes;)
        {
            var (address, bytes) = walk.Run(done, boxBytes - done);
            if (address != 0)
                counter.Bulk(i, address, bytes);
            done += bytes;
        }
        counter.BulkShared(i, boxBytes);
    }

    /// <summary>prefetch.tensormap: it is one.</summary>
    public static void Prefetch(Warp w, Instruction i)
    {
        for (uint left = w.Mask(i); left != 0; left &= left - 1)
            Map(w, i, BitOperations.TrailingZeroCount(left));
    }

    private static void Gather(Warp w, Instruction i, int lane, TensorWalk walk, int offset, byte* to)
    {
        for (int done = 0; done < Piece;)
        {
            var (address, bytes) = walk.Run(offset + done, Piece - done);
            if (address == 0)
                walk.Fill(new Span<byte>(to + done, bytes));
            else
                Copy(w, i, lane, address, bytes, to + done);
            done += bytes;
        }
    }

    private static void Copy(Warp w, Instruction i, int lane, ulong address, int bytes, byte* to)
    {
        var region = BulkCopies.Source(w, i, lane, address, bytes);
        for (int done = 0, part; done < bytes; done += part)
        {
            part = Part(address + (ulong)done, bytes - done);
            BulkCopies.Read(w, i, lane, region, address + (ulong)done, part);
        }
        Unsafe.CopyBlockUnaligned(to, region.Host + (address - region.Start), (uint)bytes);
    }

    private static void Scatter(Warp w, Instruction i, int lane, ulong address, int bytes, byte* values)
    {
        var region = BulkCopies.Source(w, i, lane, address, bytes);
        for (int done = 0, part; done < bytes; done += part)
        {
            part = Part(address + (ulong)done, bytes - done);
            BulkCopies.Write(w, i, lane, region, address + (ulong)done, part, values + done);
        }
    }

    /// <summary>The most bytes that the judge takes at once: a power of two, and the address a multiple of it.</summary>
    private static int Part(ulong address, int bytes) =>
        (int)Math.Min(Math.Min((address | Piece) & ~(address | Piece) + 1, (ulong)Piece), (ulong)(1 << BitOperations.Log2((uint)bytes)));

    /// <summary>The map that a lane names, among the launch's parameters or in global memory.</summary>
    private static TensorMap Map(Warp w, Instruction i, int lane)
    {
        ulong at = SharedAddresses.Of(w, i.Bulk!.Global, lane), offset = at - GenericAddress.Parameters;
        if (at % TensorMap.Alignment != 0)
            throw w.Fault(i, lane, FindingKind.Misaligned, $"a tensor map at 0x{at:x}, which is not a multiple of {TensorMap.Alignment}");
        byte* bytes;
        if (offset < GenericAddress.WindowBytes)
        {
            if (offset + TensorMap.Bytes > (ulong)w.Block.Launch.Kernel.ParameterBytes)
                throw w.Fault(i, lane, FindingKind.OutOfBounds,
                    $"a tensor map at byte {offset} of {w.Block.Launch.Kernel.ParameterBytes} bytes of parameters");
            bytes = w.Block.Arguments + offset;
        }
        else
        {
            var region = BulkCopies.Source(w, i, lane, at, TensorMap.Bytes);
            for (int done = 0; done < TensorMap.Bytes; done += Piece)
                BulkCopies.Read(w, i, lane, region, at + (ulong)done, Piece);
            bytes = region.Host + (at - region.Start);
        }
        if (TensorMap.Read(new ReadOnlySpan<byte>(bytes, TensorMap.Bytes)) is not { } map)
            throw w.Fault(i, lane, FindingKind.Descriptor, $"at 0x{at:x} is no tensor map: cuTensorMapEncodeTiled makes one");
        int rank = i.Bulk.Coordinates.Length;
        return rank == 0 || rank == map.Rank ? map : throw w.Fault(i, lane, FindingKind.Descriptor,
            $"a copy in {rank} dimensions by a tensor map that has {map.Rank}");
    }
}
