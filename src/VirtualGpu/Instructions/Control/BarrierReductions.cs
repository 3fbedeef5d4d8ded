using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Control;

/// <summary>
/// bar.red: what all threads of a barrier get. The kind and whether the predicate A is negated stand in <see cref="Instruction.Vector"/>.
/// </summary>
internal static unsafe class BarrierReductions
{
    public enum Kind
    {
        None, Count, And, Or,
    }

    /// <summary>Writes the result to all warps that pass.</summary>
    public static void Write(IReadOnlyList<Warp> warps)
    {
        int holds = 0, threads = 0;
        foreach (var w in warps)
        {
            var i = w.Barrier!;
            uint predicate = w.Predicates[i.A];
            holds += BitOperations.PopCount((i.Vector[1] != 0 ? ~predicate : predicate) & w.Threads);
            threads += BitOperations.PopCount(w.Threads);
        }
        foreach (var w in warps)
        {
            var i = w.Barrier!;
            switch ((Kind)i.Vector[0])
            {
                case Kind.Count:
                    new Span<int>(w.Registers + i.D, Warp.Lanes).Fill(holds);
                    break;
                case Kind.And:
                    w.Predicates[i.D] = holds == threads ? Warp.All : 0;
                    break;
                case Kind.Or:
                    w.Predicates[i.D] = holds > 0 ? Warp.All : 0;
                    break;
            }
        }
    }
}
