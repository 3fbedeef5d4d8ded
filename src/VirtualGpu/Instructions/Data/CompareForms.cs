using System.Runtime.CompilerServices;
using BDense.VirtualGpu.Execution;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Data;

/// <summary>
/// setp: PTX ISA, chapter "Comparison and Selection Instructions". With a second destination or a predicate to combine with,
/// <see cref="Instruction.Vector"/> has the second destination (-1 for none), the predicate (-1 for none), 1 where it is negated, and
/// <see cref="Combination"/>.
/// </summary>
internal static unsafe class CompareForms
{
    /// <summary>How the relation's result is combined with a predicate.</summary>
    public enum Combination
    {
        None, And, Or, Xor,
    }

    public static void Add(InstructionTable table)
    {
        Whole<int>("s32", "ww");
        Unsigned<uint>("u32", "ww");
        Equality<uint>("b32", "ww");
        Whole<long>("s64", "ll");
        Unsigned<ulong>("u64", "ll");
        Equality<ulong>("b64", "ll");
        Narrow();
        NarrowSigned();
        Float<float>("f32", "ff");
        Float<double>("f64", "dd");
        Flush();

        void Compare<T, TOp>(string relation, string type, string shape)
            where T : unmanaged
            where TOp : struct, IRelation<T> => table.Add($"setp.{relation}.{type}", &Run<T, TOp>, Predicate, "p" + shape);

        void Equality<T>(string type, string shape)
            where T : unmanaged
        {
            Compare<T, Equal<T>>("eq", type, shape);
            Compare<T, NotEqual<T>>("ne", type, shape);
        }

        void Whole<T>(string type, string shape)
            where T : unmanaged
        {
            Equality<T>(type, shape);
            Compare<T, Less<T>>("lt", type, shape);
            Compare<T, LessOrEqual<T>>("le", type, shape);
            Compare<T, Greater<T>>("gt", type, shape);
            Compare<T, GreaterOrEqual<T>>("ge", type, shape);
        }

        void Unsigned<T>(string type, string shape)
            where T : unmanaged
        {
            Whole<T>(type, shape);
            Compare<T, Less<T>>("lo", type, shape);
            Compare<T, LessOrEqual<T>>("ls", type, shape);
            Compare<T, Greater<T>>("hi", type, shape);
            Compare<T, GreaterOrEqual<T>>("hs", type, shape);
        }

        void Narrow()
        {
            foreach (string type in (string[])["u16", "b16"])
            {
                Compare<uint, Lower<Equal<uint>>>("eq", type, "hh");
                Compare<uint, Lower<NotEqual<uint>>>("ne", type, "hh");
            }
            foreach (var (lt, le, gt, ge) in (ReadOnlySpan<(string, string, string, string)>)[("lt", "le", "gt", "ge"),
                ("lo", "ls", "hi", "hs")])
            {
                Compare<uint, Lower<Less<uint>>>(lt, "u16", "hh");
                Compare<uint, Lower<LessOrEqual<uint>>>(le, "u16", "hh");
                Compare<uint, Lower<Greater<uint>>>(gt, "u16", "hh");
                Compare<uint, Lower<GreaterOrEqual<uint>>>(ge, "u16", "hh");
            }
        }

        void NarrowSigned()
        {
            Compare<int, LowerSigned<Equal<int>>>("eq", "s16", "hh");
            Compare<int, LowerSigned<NotEqual<int>>>("ne", "s16", "hh");
            Compare<int, LowerSigned<Less<int>>>("lt", "s16", "hh");
            Compare<int, LowerSigned<LessOrEqual<int>>>("le", "s16", "hh");
            Compare<int, LowerSigned<Greater<int>>>("gt", "s16", "hh");
            Compare<int, LowerSigned<GreaterOrEqual<int>>>("ge", "s16", "hh");
        }

        void Float<T>(string type, string shape)
            where T : unmanaged
        {
            Ordering<T, Equal<T>>("eq", type, shape);
            Ordering<T, NotEqual<T>>("ne", type, shape);
            Ordering<T, Less<T>>("lt", type, shape);
            Ordering<T, LessOrEqual<T>>("le", type, shape);
            Ordering<T, Greater<T>>("gt", type, shape);
            Ordering<T, GreaterOrEqual<T>>("ge", type, shape);
            Compare<T, Ordered<T>>("num", type, shape);
            Compare<T, Unordered<T>>("nan", type, shape);
        }

        void Ordering<T, TOp>(string relation, string type, string shape)
            where T : unmanaged
            where TOp : struct, IRelation<T>
        {
            Compare<T, TOp>(relation, type, shape);
            Compare<T, OrUnordered<T, TOp>>(relation + "u", type, shape);
        }

        void Flush()
        {
            Ordering<float, OfFlushed<Equal<float>>>("eq", "ftz.f32", "ff");
            Ordering<float, OfFlushed<NotEqual<float>>>("ne", "ftz.f32", "ff");
            Ordering<float, OfFlushed<Less<float>>>("lt", "ftz.f32", "ff");
            Ordering<float, OfFlushed<LessOrEqual<float>>>("le", "ftz.f32", "ff");
            Ordering<float, OfFlushed<Greater<float>>>("gt", "ftz.f32", "ff");
            Ordering<float, OfFlushed<GreaterOrEqual<float>>>("ge", "ftz.f32", "ff");
            Compare<float, Ordered<float>>("num", "ftz.f32", "ff");
            Compare<float, Unordered<float>>("nan", "ftz.f32", "ff");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<T, TOp>(Warp w, Instruction i)
        where T : unmanaged
        where TOp : struct, IRelation<T> => Set(w, i, Vectors.Relation<T, TOp>(w, i));

    /// <summary>Writes a relation's result.</summary>
    public static void Set(Warp w, Instruction i, uint holds)
    {
        uint mask = w.Mask(i);
        if (i.Vector.Length == 0)
            PredicateForms.Set(w, i.D, mask, holds);
        else
            Combine(w, i, mask, holds);
    }

    /// <summary>p = (relation) op c, q = (not relation) op c.</summary>
    private static void Combine(Warp w, Instruction i, uint mask, uint holds)
    {
        uint with = i.Vector[1] < 0 ? 0 : i.Vector[2] != 0 ? ~w.Predicates[i.Vector[1]] : w.Predicates[i.Vector[1]];
        uint first = Combine((Combination)i.Vector[3], holds, with), second = Combine((Combination)i.Vector[3], ~holds, with);
        if (i.D >= 0)
            PredicateForms.Set(w, i.D, mask, first);
        if (i.Vector[0] >= 0)
            PredicateForms.Set(w, i.Vector[0], mask, second);
    }

    private static uint Combine(Combination how, uint a, uint b) => how switch
    {
        Combination.And => a & b,
        Combination.Or => a | b,
        Combination.Xor => a ^ b,
        _ => a,
    };
}
