using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Matrices;

/// <summary>
/// D = A B + C of 16 x 8 elements by a whole warp. Products are exact in double; they are added to C in double, in the order of k, and the
/// sum is rounded to float once. A tensor core's own sums are less exact, in an order that NVIDIA does not tell.
/// </summary>
/// <remarks>
/// Where elements lie (PTX ISA, "Matrix Fragments for mma.m16n8k8" and "m16n8k16"), lane = 4 g + t: each register of A and B holds, lane
/// after lane, 8 rows g of 4 (bf16: 8) neighbours in k. A's registers: rows 0-7, rows 8-15, then the same further along k. B's rows are
/// columns of the product. C's registers: row g and columns 2t, then 2t + 1, then the same of row g + 8.
/// </remarks>
internal static unsafe class MatrixProduct
{
    internal const int Rows = 16, Columns = 8;

    /// <summary>What a tensor core sees of a float in TF32: it does not see the lower 13 bits.</summary>
    internal const uint Tf32Bits = 0xFFFF_E000;

    private const int Group = 8;

    /// <summary>How a register's 32 words are elements.</summary>
    internal interface IElements
    {
        /// <summary>The product's depth.</summary>
        static abstract int Depth { get; }

        /// <summary>Neighbours in k that a row of a register has.</summary>
        static abstract int InRow { get; }

        /// <summary>A row of a register, four lanes, as doubles.</summary>
        static abstract void Read(Vector128<uint> lanes, double* to);
    }

    /// <summary>m16n8k8 of tf32.</summary>
    internal readonly struct Tf32 : IElements
    {
        public static int Depth => 8;

        public static int InRow => 4;

        public static void Read(Vector128<uint> lanes, double* to) => Widen((lanes & Vector128.Create(Tf32Bits)).AsSingle()).Store(to);
    }

    /// <summary>m16n8k4 of tf32.</summary>
    internal readonly struct ShortTf32 : IElements
    {
        public static int Depth => 4;

        public static int InRow => 4;

        public static void Read(Vector128<uint> lanes, double* to) => Tf32.Read(lanes, to);
    }

    /// <summary>m16n8k16 of bf16: two in a word, the first in the lower half.</summary>
    internal readonly struct BFloat16 : IElements
    {
        public static int Depth => 16;

        public static int InRow => 8;

        public static void Read(Vector128<uint> lanes, double* to)
        {
            Widen((Vector128.WidenLower(lanes.AsUInt16()) << 16).AsSingle()).Store(to);
            Widen((Vector128.WidenUpper(lanes.AsUInt16()) << 16).AsSingle()).Store(to + 4);
        }
    }

    /// <summary>m16n8k8 of bf16.</summary>
    internal readonly struct ShortBFloat16 : IElements
    {
        public static int Depth => 8;

        public static int InRow => 8;

        public static void Read(Vector128<uint> lanes, double* to) => BFloat16.Read(lanes, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<T>(Warp w, Instruction i)
        where T : struct, IElements
    {
        w.NeedWhole(i, w.Mask(i));
        byte* r = w.Registers;
        int[] at = i.Vector;
        int ofA = 2 * T.Depth / T.InRow, ofB = T.Depth / T.InRow, b0 = 4 + ofA, c0 = b0 + ofB;
        double* a = stackalloc double[Rows * T.Depth], rows = stackalloc double[Columns * T.Depth],
            b = stackalloc double[T.Depth * Columns];
        Rows16<T>(r, at.AsSpan(4, ofA), a);
        for (int k = 0; k < ofB; k++)
            Unpack<T>((uint*)(r + at[b0 + k]), rows + k * T.InRow);
        EvenFirst(T.Depth, rows, b);
        float* result = stackalloc float[4 * Warp.Lanes];
        for (int half = 0; half < 2; half++)
        {
            float* even = (float*)(r + at[c0 + 2 * half]), odd = (float*)(r + at[c0 + 2 * half + 1]);
            Rows8(T.Depth, a + half * Group * T.Depth, b, even, odd, result + 2 * half * Warp.Lanes);
        }
        // Only now: D's registers may be C's in another order.
        for (int k = 0; k < 4; k++)
            Unsafe.CopyBlock(r + at[k], result + k * Warp.Lanes, Warp.Lanes * sizeof(float));
    }

    /// <summary>A's registers: 16 rows of the depth.</summary>
    internal static void Rows16<T>(byte* r, ReadOnlySpan<int> registers, double* to)
        where T : struct, IElements
    {
        for (int k = 0; k < registers.Length; k++)
            Unpack<T>((uint*)(r + registers[k]), to + (k & 1) * Group * T.Depth + (k >> 1) * T.InRow);
    }

    /// <summary>
    /// B's columns, each a row of the depth, become rows of eight: even columns first, then the odd ones, as C's registers have them.
    /// </summary>
    internal static void EvenFirst(int depth, double* rows, double* to)
    {
        for (int k = 0; k < depth; k++)
        {
            for (int n = 0; n < 4; n++)
            {
                to[Columns * k + n] = rows[2 * n * depth + k];
                to[Columns * k + 4 + n] = rows[(2 * n + 1) * depth + k];
            }
        }
    }

    /// <summary>Eight rows of the product, in two registers of C and D.</summary>
    internal static void Rows8(int depth, double* row, double* b, float* even, float* odd, float* result)
    {
        if (Vector512.IsHardwareAccelerated)
            AddWide(depth, row, b, even, odd, result);
        else
            Add(depth, row, b, even, odd, result);
    }

    /// <summary>
    /// Eight rows of the product, two at a time: four even columns, four odd ones. A fused operation is not needed, but gives the same: the
    /// product is exact.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(int depth, double* row, double* b, float* even, float* odd, float* result)
    {
        for (int g = 0; g < Group; g += 2, row += 2 * depth)
        {
            var (x0, x1) = Vector256.Widen(Vector256.Load(even + 4 * g));
            var (y0, y1) = Vector256.Widen(Vector256.Load(odd + 4 * g));
            for (int k = 0; k < depth; k++)
            {
                Vector256<double> left = Vector256.Load(b + Columns * k), right = Vector256.Load(b + Columns * k + 4);
                Vector256<double> first = Vector256.Create(row[k]), second = Vector256.Create(row[depth + k]);
                x0 = Vector256.MultiplyAddEstimate(first, left, x0);
                y0 = Vector256.MultiplyAddEstimate(first, right, y0);
                x1 = Vector256.MultiplyAddEstimate(second, left, x1);
                y1 = Vector256.MultiplyAddEstimate(second, right, y1);
            }
            Vector256.Narrow(x0, x1).Store(result + 4 * g);
            Vector256.Narrow(y0, y1).Store(result + Warp.Lanes + 4 * g);
        }
    }

    /// <summary>The same, four rows at a time and all columns at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddWide(int depth, double* row, double* b, float* even, float* odd, float* result)
    {
        for (int g = 0; g < Group; g += 4, row += 4 * depth)
        {
            var (x0, x1) = Vector256.Widen(Vector256.Load(even + 4 * g));
            var (y0, y1) = Vector256.Widen(Vector256.Load(odd + 4 * g));
            var (x2, x3) = Vector256.Widen(Vector256.Load(even + 4 * g + 8));
            var (y2, y3) = Vector256.Widen(Vector256.Load(odd + 4 * g + 8));
            Vector512<double> z0 = Vector512.Create(x0, y0), z1 = Vector512.Create(x1, y1), z2 = Vector512.Create(x2, y2),
                z3 = Vector512.Create(x3, y3);
            for (int k = 0; k < depth; k++)
            {
                var columns = Vector512.Load(b + Columns * k);
                z0 = Vector512.MultiplyAddEstimate(Vector512.Create(row[k]), columns, z0);
                z1 = Vector512.MultiplyAddEstimate(Vector512.Create(row[depth + k]), columns, z1);
                z2 = Vector512.MultiplyAddEstimate(Vector512.Create(row[2 * depth + k]), columns, z2);
                z3 = Vector512.MultiplyAddEstimate(Vector512.Create(row[3 * depth + k]), columns, z3);
            }
            Vector256.Narrow(z0.GetLower(), z1.GetLower()).Store(result + 4 * g);
            Vector256.Narrow(z2.GetLower(), z3.GetLower()).Store(result + 4 * g + 8);
            Vector256.Narrow(z0.GetUpper(), z1.GetUpper()).Store(result + Warp.Lanes + 4 * g);
            Vector256.Narrow(z2.GetUpper(), z3.GetUpper()).Store(result + Warp.Lanes + 4 * g + 8);
        }
    }

    private static void Unpack<T>(uint* register, double* to)
        where T : struct, IElements
    {
        for (int row = 0; row < Group; row++)
            T.Read(Vector128.LoadAligned(register + 4 * row), to + row * T.Depth);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> Widen(Vector128<float> values) => Vector256.WidenLower(values.ToVector256Unsafe());
}
