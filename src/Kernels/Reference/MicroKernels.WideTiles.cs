using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

// The tiles of 512-bit registers: 16 or 24 of the 32 hold sums. Their loop stands plain: its three instructions of bookkeeping are few
// beside 24 multiply-adds and 11 loads.
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
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            float* a4 = a + t->ARows[4], a5 = a + t->ARows[5], a6 = a + t->ARows[6], a7 = a + t->ARows[7];
            for (nint i = 0; i != end; i += aStep)
            {
                var b0 = TLanes.Load(b);
                var b1 = TLanes.Load(b + TLanes.Count);
                b += bStep;
                var x = TLanes.Broadcast(a0[i]);
                c00 = TLanes.MultiplyAdd(x, b0, c00);
                c01 = TLanes.MultiplyAdd(x, b1, c01);
                x = TLanes.Broadcast(a1[i]);
                c10 = TLanes.MultiplyAdd(x, b0, c10);
                c11 = TLanes.MultiplyAdd(x, b1, c11);
                x = TLanes.Broadcast(a2[i]);
                c20 = TLanes.MultiplyAdd(x, b0, c20);
                c21 = TLanes.MultiplyAdd(x, b1, c21);
                x = TLanes.Broadcast(a3[i]);
                c30 = TLanes.MultiplyAdd(x, b0, c30);
                c31 = TLanes.MultiplyAdd(x, b1, c31);
                x = TLanes.Broadcast(a4[i]);
                c40 = TLanes.MultiplyAdd(x, b0, c40);
                c41 = TLanes.MultiplyAdd(x, b1, c41);
                x = TLanes.Broadcast(a5[i]);
                c50 = TLanes.MultiplyAdd(x, b0, c50);
                c51 = TLanes.MultiplyAdd(x, b1, c51);
                x = TLanes.Broadcast(a6[i]);
                c60 = TLanes.MultiplyAdd(x, b0, c60);
                c61 = TLanes.MultiplyAdd(x, b1, c61);
                x = TLanes.Broadcast(a7[i]);
                c70 = TLanes.MultiplyAdd(x, b0, c70);
                c71 = TLanes.MultiplyAdd(x, b1, c71);
            }
        }
        if (t->ColumnCount == 2 * TLanes.Count)
        {
            Finish<TLanes, V>(t, 0, c00, c01);
            Finish<TLanes, V>(t, 1, c10, c11);
            Finish<TLanes, V>(t, 2, c20, c21);
            Finish<TLanes, V>(t, 3, c30, c31);
            Finish<TLanes, V>(t, 4, c40, c41);
            Finish<TLanes, V>(t, 5, c50, c51);
            Finish<TLanes, V>(t, 6, c60, c61);
            Finish<TLanes, V>(t, 7, c70, c71);
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
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            float* a4 = a + t->ARows[4], a5 = a + t->ARows[5], a6 = a + t->ARows[6], a7 = a + t->ARows[7];
            for (nint i = 0; i != end; i += aStep)
            {
                var b0 = TLanes.Load(b);
                var b1 = TLanes.Load(b + TLanes.Count);
                var b2 = TLanes.Load(b + (2 * TLanes.Count));
                b += bStep;
                var x = TLanes.Broadcast(a0[i]);
                c00 = TLanes.MultiplyAdd(x, b0, c00);
                c01 = TLanes.MultiplyAdd(x, b1, c01);
                c02 = TLanes.MultiplyAdd(x, b2, c02);
                x = TLanes.Broadcast(a1[i]);
                c10 = TLanes.MultiplyAdd(x, b0, c10);
                c11 = TLanes.MultiplyAdd(x, b1, c11);
                c12 = TLanes.MultiplyAdd(x, b2, c12);
                x = TLanes.Broadcast(a2[i]);
                c20 = TLanes.MultiplyAdd(x, b0, c20);
                c21 = TLanes.MultiplyAdd(x, b1, c21);
                c22 = TLanes.MultiplyAdd(x, b2, c22);
                x = TLanes.Broadcast(a3[i]);
                c30 = TLanes.MultiplyAdd(x, b0, c30);
                c31 = TLanes.MultiplyAdd(x, b1, c31);
                c32 = TLanes.MultiplyAdd(x, b2, c32);
                x = TLanes.Broadcast(a4[i]);
                c40 = TLanes.MultiplyAdd(x, b0, c40);
                c41 = TLanes.MultiplyAdd(x, b1, c41);
                c42 = TLanes.MultiplyAdd(x, b2, c42);
                x = TLanes.Broadcast(a5[i]);
                c50 = TLanes.MultiplyAdd(x, b0, c50);
                c51 = TLanes.MultiplyAdd(x, b1, c51);
                c52 = TLanes.MultiplyAdd(x, b2, c52);
                x = TLanes.Broadcast(a6[i]);
                c60 = TLanes.MultiplyAdd(x, b0, c60);
                c61 = TLanes.MultiplyAdd(x, b1, c61);
                c62 = TLanes.MultiplyAdd(x, b2, c62);
                x = TLanes.Broadcast(a7[i]);
                c70 = TLanes.MultiplyAdd(x, b0, c70);
                c71 = TLanes.MultiplyAdd(x, b1, c71);
                c72 = TLanes.MultiplyAdd(x, b2, c72);
            }
        }
        if (t->ColumnCount == 3 * TLanes.Count)
        {
            Finish<TLanes, V>(t, 0, c00, c01, c02);
            Finish<TLanes, V>(t, 1, c10, c11, c12);
            Finish<TLanes, V>(t, 2, c20, c21, c22);
            Finish<TLanes, V>(t, 3, c30, c31, c32);
            Finish<TLanes, V>(t, 4, c40, c41, c42);
            Finish<TLanes, V>(t, 5, c50, c51, c52);
            Finish<TLanes, V>(t, 6, c60, c61, c62);
            Finish<TLanes, V>(t, 7, c70, c71, c72);
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
}
