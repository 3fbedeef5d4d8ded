using BDense.VirtualGpu.Execution;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>Logic of predicates, which are masks of lanes.</summary>
internal static unsafe class PredicateForms
{
    public static void Add(InstructionTable table)
    {
        table.Add("mov.pred", &Move, Predicate, "pp");
        table.Add("not.pred", &Not, Predicate, "pp");
        table.Add("and.pred", &And, Predicate, "ppp");
        table.Add("or.pred", &Or, Predicate, "ppp");
        table.Add("xor.pred", &Xor, Predicate, "ppp");
    }

    /// <summary>Writes a predicate's lanes of the mask.</summary>
    public static void Set(Warp w, int predicate, uint mask, uint value)
    {
        uint* d = w.Predicates + predicate;
        *d = *d & ~mask | value & mask;
    }

    private static void Move(Warp w, Instruction i) => Set(w, i.D, w.Mask(i), w.Predicates[i.A]);

    private static void Not(Warp w, Instruction i) => Set(w, i.D, w.Mask(i), ~w.Predicates[i.A]);

    private static void And(Warp w, Instruction i) => Set(w, i.D, w.Mask(i), w.Predicates[i.A] & w.Predicates[i.B]);

    private static void Or(Warp w, Instruction i) => Set(w, i.D, w.Mask(i), w.Predicates[i.A] | w.Predicates[i.B]);

    private static void Xor(Warp w, Instruction i) => Set(w, i.D, w.Mask(i), w.Predicates[i.A] ^ w.Predicates[i.B]);
}
