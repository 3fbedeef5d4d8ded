using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Instructions.Data;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>
/// shfl.sync: PTX ISA. A is the value, B the lane or the distance, C the register of the members' mask; <see cref="Instruction.Vector"/>
/// has the register of the clamp and segment and the predicate that says whether the source is in the segment (-1 for none). From a lane
/// that does not take part the manual gives no value; here it is the lane's own.
/// </summary>
internal static unsafe class Shuffles
{
    internal interface IMode
    {
        /// <summary>The source and whether it is within the lane's segment.</summary>
        static abstract (int Source, bool Holds) From(int lane, int b, int segment, int clamp);
    }

    internal readonly struct Up : IMode
    {
        public static (int Source, bool Holds) From(int lane, int b, int segment, int clamp) =>
            (lane - b, lane - b >= (lane & segment | clamp & ~segment));
    }

    internal readonly struct Down : IMode
    {
        public static (int Source, bool Holds) From(int lane, int b, int segment, int clamp) =>
            (lane + b, lane + b <= (lane & segment | clamp & ~segment));
    }

    internal readonly struct Butterfly : IMode
    {
        public static (int Source, bool Holds) From(int lane, int b, int segment, int clamp) =>
            (lane ^ b, (lane ^ b) <= (lane & segment | clamp & ~segment));
    }

    internal readonly struct Indexed : IMode
    {
        public static (int Source, bool Holds) From(int lane, int b, int segment, int clamp)
        {
            int source = lane & segment | b & ~segment;
            return (source, source <= (lane & segment | clamp & ~segment));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TMode>(Warp w, Instruction i)
        where TMode : struct, IMode
    {
        uint lanes = w.Together(i, i.C), inSegment = 0;
        if (lanes == 0)
            return;
        uint* values = stackalloc uint[Warp.Lanes];
        Unsafe.CopyBlock(values, w.Registers + i.A, Warp.Lanes * sizeof(uint));
        uint* b = (uint*)(w.Registers + i.B), c = (uint*)(w.Registers + i.Vector[0]);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            var (source, holds) = TMode.From(lane, (int)(b[lane] & 31), (int)(c[lane] >> 8 & 31), (int)(c[lane] & 31));
            if (holds)
                inSegment |= 1u << lane;
            if (!holds || (lanes >> source & 1) == 0)
                source = lane;
            if (i.D >= 0)
                ((uint*)(w.Registers + i.D))[lane] = values[source];
        }
        if (i.Vector[1] >= 0)
            PredicateForms.Set(w, i.Vector[1], lanes, inSegment);
    }
}
