using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference.MatMul;

// The tiles of 512-bit registers: 16 or 24 of the 32 hold sums. They end and go in fours as the narrow ones do: at a depth of 32 a
// tile is some 256 cycles, and what each register would test and load again at its end a fifth of that.
internal unsafe partial struct MicroKernels
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x2<TLanes, V>(Tile* t)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        V c00 = default, c01 = default;
        V c10 = default, c11 = default;
        V c20 = default, c21 = default;
        V c30 = default, c31 = default;
        V c40 = default, c41 = default;
        V c50 = default, c51 = default;
        V c60 = default, c61 = default;
        V c70 = default, c71 = default;
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner, last = end - Unroll;
        bool dense = aStep == 1 && bStep == 2 * TLanes.Count;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            float* a4 = a + t->ARows[4], a5 = a + t->ARows[5], a6 = a + t->ARows[6], a7 = a + t->ARows[7];
            nint i = 0;
            if (dense)
            {
                for (; i <= last; i += Unroll, b += Unroll * 2 * TLanes.Count)
                {
                    Step8x2<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, a6 + i, a7 + i, b, 0,
                        ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60,
                        ref c61, ref c70, ref c71);
                    Step8x2<TLanes, V>(a0 + i + 1, a1 + i + 1, a2 + i + 1, a3 + i + 1, a4 + i + 1, a5 + i + 1, a6 + i + 1, a7 + i + 1, b,
                        2 * TLanes.Count,
                        ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60,
                        ref c61, ref c70, ref c71);
                    Step8x2<TLanes, V>(a0 + i + 2, a1 + i + 2, a2 + i + 2, a3 + i + 2, a4 + i + 2, a5 + i + 2, a6 + i + 2, a7 + i + 2, b,
                        4 * TLanes.Count,
                        ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60,
                        ref c61, ref c70, ref c71);
                    Step8x2<TLanes, V>(a0 + i + 3, a1 + i + 3, a2 + i + 3, a3 + i + 3, a4 + i + 3, a5 + i + 3, a6 + i + 3, a7 + i + 3, b,
                        6 * TLanes.Count,
                        ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60,
                        ref c61, ref c70, ref c71);
                }
            }
            for (; i != end; i += aStep, b += bStep)
            {
                Step8x2<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, a6 + i, a7 + i, b, 0,
                    ref c00, ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51, ref c60,
                    ref c61, ref c70, ref c71);
            }
        }
        if (t->ColumnCount == 2 * TLanes.Count && t->RowCount == 8)
        {
            V scale = TLanes.Broadcast(t->Alpha), fromScale = TLanes.Broadcast(t->FromScale);
            float* bias = t->Bias;
            V b0 = bias is null ? default : TLanes.Load(bias);
            V b1 = bias is null ? default : TLanes.Load(bias + TLanes.Count);
            if (t->Accumulate)
            {
                nint from = t->From;
                FinishRow<TLanes, V>(t->Y + t->YRows[0], from, fromScale, scale, b0, b1, c00, c01);
                FinishRow<TLanes, V>(t->Y + t->YRows[1], from, fromScale, scale, b0, b1, c10, c11);
                FinishRow<TLanes, V>(t->Y + t->YRows[2], from, fromScale, scale, b0, b1, c20, c21);
                FinishRow<TLanes, V>(t->Y + t->YRows[3], from, fromScale, scale, b0, b1, c30, c31);
                FinishRow<TLanes, V>(t->Y + t->YRows[4], from, fromScale, scale, b0, b1, c40, c41);
                FinishRow<TLanes, V>(t->Y + t->YRows[5], from, fromScale, scale, b0, b1, c50, c51);
                FinishRow<TLanes, V>(t->Y + t->YRows[6], from, fromScale, scale, b0, b1, c60, c61);
                FinishRow<TLanes, V>(t->Y + t->YRows[7], from, fromScale, scale, b0, b1, c70, c71);
                return;
            }
            FinishRow<TLanes, V>(t->Y + t->YRows[0], scale, b0, b1, c00, c01);
            FinishRow<TLanes, V>(t->Y + t->YRows[1], scale, b0, b1, c10, c11);
            FinishRow<TLanes, V>(t->Y + t->YRows[2], scale, b0, b1, c20, c21);
            FinishRow<TLanes, V>(t->Y + t->YRows[3], scale, b0, b1, c30, c31);
            FinishRow<TLanes, V>(t->Y + t->YRows[4], scale, b0, b1, c40, c41);
            FinishRow<TLanes, V>(t->Y + t->YRows[5], scale, b0, b1, c50, c51);
            FinishRow<TLanes, V>(t->Y + t->YRows[6], scale, b0, b1, c60, c61);
            FinishRow<TLanes, V>(t->Y + t->YRows[7], scale, b0, b1, c70, c71);
            return;
        }
        float* sums = stackalloc float[16 * TLanes.Count];
        Keep<TLanes, V>(sums + (0 * TLanes.Count), c00, c01);
        Keep<TLanes, V>(sums + (2 * TLanes.Count), c10, c11);
        Keep<TLanes, V>(sums + (4 * TLanes.Count), c20, c21);
        Keep<TLanes, V>(sums + (6 * TLanes.Count), c30, c31);
        Keep<TLanes, V>(sums + (8 * TLanes.Count), c40, c41);
        Keep<TLanes, V>(sums + (10 * TLanes.Count), c50, c51);
        Keep<TLanes, V>(sums + (12 * TLanes.Count), c60, c61);
        Keep<TLanes, V>(sums + (14 * TLanes.Count), c70, c71);
        FinishPart<TLanes, V>(t, sums, 2 * TLanes.Count);
    }

    /// <summary>One step of the depth: c[i, j] += a[i] b[at + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step8x2<TLanes, V>(float* a0, float* a1, float* a2, float* a3, float* a4, float* a5, float* a6, float* a7,
        float* b, int at,
        ref V c00, ref V c01, ref V c10, ref V c11, ref V c20, ref V c21, ref V c30, ref V c31,
        ref V c40, ref V c41, ref V c50, ref V c51, ref V c60, ref V c61, ref V c70, ref V c71)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        var b0 = TLanes.Load(b + at);
        var b1 = TLanes.Load(b + (at + TLanes.Count));
        var x = TLanes.Broadcast(*a0);
        c00 = TLanes.MultiplyAdd(x, b0, c00);
        c01 = TLanes.MultiplyAdd(x, b1, c01);
        x = TLanes.Broadcast(*a1);
        c10 = TLanes.MultiplyAdd(x, b0, c10);
        c11 = TLanes.MultiplyAdd(x, b1, c11);
        x = TLanes.Broadcast(*a2);
        c20 = TLanes.MultiplyAdd(x, b0, c20);
        c21 = TLanes.MultiplyAdd(x, b1, c21);
        x = TLanes.Broadcast(*a3);
        c30 = TLanes.MultiplyAdd(x, b0, c30);
        c31 = TLanes.MultiplyAdd(x, b1, c31);
        x = TLanes.Broadcast(*a4);
        c40 = TLanes.MultiplyAdd(x, b0, c40);
        c41 = TLanes.MultiplyAdd(x, b1, c41);
        x = TLanes.Broadcast(*a5);
        c50 = TLanes.MultiplyAdd(x, b0, c50);
        c51 = TLanes.MultiplyAdd(x, b1, c51);
        x = TLanes.Broadcast(*a6);
        c60 = TLanes.MultiplyAdd(x, b0, c60);
        c61 = TLanes.MultiplyAdd(x, b1, c61);
        x = TLanes.Broadcast(*a7);
        c70 = TLanes.MultiplyAdd(x, b0, c70);
        c71 = TLanes.MultiplyAdd(x, b1, c71);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x3<TLanes, V>(Tile* t)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        V c00 = default, c01 = default, c02 = default;
        V c10 = default, c11 = default, c12 = default;
        V c20 = default, c21 = default, c22 = default;
        V c30 = default, c31 = default, c32 = default;
        V c40 = default, c41 = default, c42 = default;
        V c50 = default, c51 = default, c52 = default;
        V c60 = default, c61 = default, c62 = default;
        V c70 = default, c71 = default, c72 = default;
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner, last = end - Unroll;
        bool dense = aStep == 1 && bStep == 3 * TLanes.Count;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            float* a4 = a + t->ARows[4], a5 = a + t->ARows[5], a6 = a + t->ARows[6], a7 = a + t->ARows[7];
            nint i = 0;
            if (dense)
            {
                for (; i <= last; i += Unroll, b += Unroll * 3 * TLanes.Count)
                {
                    Step8x3<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, a6 + i, a7 + i, b, 0,
                        ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32, ref c40,
                        ref c41, ref c42, ref c50, ref c51, ref c52, ref c60, ref c61, ref c62, ref c70, ref c71, ref c72);
                    Step8x3<TLanes, V>(a0 + i + 1, a1 + i + 1, a2 + i + 1, a3 + i + 1, a4 + i + 1, a5 + i + 1, a6 + i + 1, a7 + i + 1, b,
                        3 * TLanes.Count,
                        ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32, ref c40,
                        ref c41, ref c42, ref c50, ref c51, ref c52, ref c60, ref c61, ref c62, ref c70, ref c71, ref c72);
                    Step8x3<TLanes, V>(a0 + i + 2, a1 + i + 2, a2 + i + 2, a3 + i + 2, a4 + i + 2, a5 + i + 2, a6 + i + 2, a7 + i + 2, b,
                        6 * TLanes.Count,
                        ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32, ref c40,
                        ref c41, ref c42, ref c50, ref c51, ref c52, ref c60, ref c61, ref c62, ref c70, ref c71, ref c72);
                    Step8x3<TLanes, V>(a0 + i + 3, a1 + i + 3, a2 + i + 3, a3 + i + 3, a4 + i + 3, a5 + i + 3, a6 + i + 3, a7 + i + 3, b,
                        9 * TLanes.Count,
                        ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32, ref c40,
                        ref c41, ref c42, ref c50, ref c51, ref c52, ref c60, ref c61, ref c62, ref c70, ref c71, ref c72);
                }
            }
            for (; i != end; i += aStep, b += bStep)
            {
                Step8x3<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, a6 + i, a7 + i, b, 0,
                    ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32, ref c40,
                    ref c41, ref c42, ref c50, ref c51, ref c52, ref c60, ref c61, ref c62, ref c70, ref c71, ref c72);
            }
        }
        if (t->ColumnCount == 3 * TLanes.Count && t->RowCount == 8)
        {
            V scale = TLanes.Broadcast(t->Alpha), fromScale = TLanes.Broadcast(t->FromScale);
            float* bias = t->Bias;
            V b0 = bias is null ? default : TLanes.Load(bias);
            V b1 = bias is null ? default : TLanes.Load(bias + TLanes.Count);
            V b2 = bias is null ? default : TLanes.Load(bias + (2 * TLanes.Count));
            if (t->Accumulate)
            {
                nint from = t->From;
                FinishRow<TLanes, V>(t->Y + t->YRows[0], from, fromScale, scale, b0, b1, b2, c00, c01, c02);
                FinishRow<TLanes, V>(t->Y + t->YRows[1], from, fromScale, scale, b0, b1, b2, c10, c11, c12);
                FinishRow<TLanes, V>(t->Y + t->YRows[2], from, fromScale, scale, b0, b1, b2, c20, c21, c22);
                FinishRow<TLanes, V>(t->Y + t->YRows[3], from, fromScale, scale, b0, b1, b2, c30, c31, c32);
                FinishRow<TLanes, V>(t->Y + t->YRows[4], from, fromScale, scale, b0, b1, b2, c40, c41, c42);
                FinishRow<TLanes, V>(t->Y + t->YRows[5], from, fromScale, scale, b0, b1, b2, c50, c51, c52);
                FinishRow<TLanes, V>(t->Y + t->YRows[6], from, fromScale, scale, b0, b1, b2, c60, c61, c62);
                FinishRow<TLanes, V>(t->Y + t->YRows[7], from, fromScale, scale, b0, b1, b2, c70, c71, c72);
                return;
            }
            FinishRow<TLanes, V>(t->Y + t->YRows[0], scale, b0, b1, b2, c00, c01, c02);
            FinishRow<TLanes, V>(t->Y + t->YRows[1], scale, b0, b1, b2, c10, c11, c12);
            FinishRow<TLanes, V>(t->Y + t->YRows[2], scale, b0, b1, b2, c20, c21, c22);
            FinishRow<TLanes, V>(t->Y + t->YRows[3], scale, b0, b1, b2, c30, c31, c32);
            FinishRow<TLanes, V>(t->Y + t->YRows[4], scale, b0, b1, b2, c40, c41, c42);
            FinishRow<TLanes, V>(t->Y + t->YRows[5], scale, b0, b1, b2, c50, c51, c52);
            FinishRow<TLanes, V>(t->Y + t->YRows[6], scale, b0, b1, b2, c60, c61, c62);
            FinishRow<TLanes, V>(t->Y + t->YRows[7], scale, b0, b1, b2, c70, c71, c72);
            return;
        }
        float* sums = stackalloc float[24 * TLanes.Count];
        Keep<TLanes, V>(sums + (0 * TLanes.Count), c00, c01, c02);
        Keep<TLanes, V>(sums + (3 * TLanes.Count), c10, c11, c12);
        Keep<TLanes, V>(sums + (6 * TLanes.Count), c20, c21, c22);
        Keep<TLanes, V>(sums + (9 * TLanes.Count), c30, c31, c32);
        Keep<TLanes, V>(sums + (12 * TLanes.Count), c40, c41, c42);
        Keep<TLanes, V>(sums + (15 * TLanes.Count), c50, c51, c52);
        Keep<TLanes, V>(sums + (18 * TLanes.Count), c60, c61, c62);
        Keep<TLanes, V>(sums + (21 * TLanes.Count), c70, c71, c72);
        FinishPart<TLanes, V>(t, sums, 3 * TLanes.Count);
    }

    /// <summary>One step of the depth: c[i, j] += a[i] b[at + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step8x3<TLanes, V>(float* a0, float* a1, float* a2, float* a3, float* a4, float* a5, float* a6, float* a7,
        float* b, int at,
        ref V c00, ref V c01, ref V c02, ref V c10, ref V c11, ref V c12, ref V c20, ref V c21, ref V c22, ref V c30, ref V c31, ref V c32,
        ref V c40, ref V c41, ref V c42, ref V c50, ref V c51, ref V c52, ref V c60, ref V c61, ref V c62, ref V c70, ref V c71, ref V c72)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        var b0 = TLanes.Load(b + at);
        var b1 = TLanes.Load(b + (at + TLanes.Count));
        var b2 = TLanes.Load(b + (at + (2 * TLanes.Count)));
        var x = TLanes.Broadcast(*a0);
        c00 = TLanes.MultiplyAdd(x, b0, c00);
        c01 = TLanes.MultiplyAdd(x, b1, c01);
        c02 = TLanes.MultiplyAdd(x, b2, c02);
        x = TLanes.Broadcast(*a1);
        c10 = TLanes.MultiplyAdd(x, b0, c10);
        c11 = TLanes.MultiplyAdd(x, b1, c11);
        c12 = TLanes.MultiplyAdd(x, b2, c12);
        x = TLanes.Broadcast(*a2);
        c20 = TLanes.MultiplyAdd(x, b0, c20);
        c21 = TLanes.MultiplyAdd(x, b1, c21);
        c22 = TLanes.MultiplyAdd(x, b2, c22);
        x = TLanes.Broadcast(*a3);
        c30 = TLanes.MultiplyAdd(x, b0, c30);
        c31 = TLanes.MultiplyAdd(x, b1, c31);
        c32 = TLanes.MultiplyAdd(x, b2, c32);
        x = TLanes.Broadcast(*a4);
        c40 = TLanes.MultiplyAdd(x, b0, c40);
        c41 = TLanes.MultiplyAdd(x, b1, c41);
        c42 = TLanes.MultiplyAdd(x, b2, c42);
        x = TLanes.Broadcast(*a5);
        c50 = TLanes.MultiplyAdd(x, b0, c50);
        c51 = TLanes.MultiplyAdd(x, b1, c51);
        c52 = TLanes.MultiplyAdd(x, b2, c52);
        x = TLanes.Broadcast(*a6);
        c60 = TLanes.MultiplyAdd(x, b0, c60);
        c61 = TLanes.MultiplyAdd(x, b1, c61);
        c62 = TLanes.MultiplyAdd(x, b2, c62);
        x = TLanes.Broadcast(*a7);
        c70 = TLanes.MultiplyAdd(x, b0, c70);
        c71 = TLanes.MultiplyAdd(x, b1, c71);
        c72 = TLanes.MultiplyAdd(x, b2, c72);
    }
}
