using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference.MatMul;

// The register tiles, rows x registers. Accumulators are explicit locals, since the JIT keeps no array in registers: 12 of the 16
// AVX2 registers hold sums (6x2, 4x3), or 24 of the 32 of AVX-512 (8x3); both hide the latency of two multiply-adds a cycle.
// 4x2 just does, and is for what 6x2 leaves over. Dense steps go in fours: where the core's other hardware thread is busy, three
// instructions a cycle are what is issued, and 12 multiply-adds with 8 loads leave no room for a loop's counting.
// No call may come while sums are live: no SIMD register survives one, and the JIT would spill every sum at every step.
[SkipLocalsInit]
internal unsafe partial struct MicroKernels
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x1<TLanes, V>(Tile* t)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        V c00 = default;
        V c10 = default;
        V c20 = default;
        V c30 = default;
        V c40 = default;
        V c50 = default;
        V c60 = default;
        V c70 = default;
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner, last = end - Unroll;
        bool dense = aStep == 1 && bStep == TLanes.Count;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            float* a4 = a + t->ARows[4], a5 = a + t->ARows[5], a6 = a + t->ARows[6], a7 = a + t->ARows[7];
            nint i = 0;
            if (dense)
            {
                for (; i <= last; i += Unroll, b += Unroll * TLanes.Count)
                {
                    Step8x1<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, a6 + i, a7 + i, b, 0, ref c00, ref c10, ref c20,
                        ref c30, ref c40, ref c50, ref c60, ref c70);
                    Step8x1<TLanes, V>(a0 + i + 1, a1 + i + 1, a2 + i + 1, a3 + i + 1, a4 + i + 1, a5 + i + 1, a6 + i + 1, a7 + i + 1, b,
                        TLanes.Count, ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
                    Step8x1<TLanes, V>(a0 + i + 2, a1 + i + 2, a2 + i + 2, a3 + i + 2, a4 + i + 2, a5 + i + 2, a6 + i + 2, a7 + i + 2, b,
                        2 * TLanes.Count, ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
                    Step8x1<TLanes, V>(a0 + i + 3, a1 + i + 3, a2 + i + 3, a3 + i + 3, a4 + i + 3, a5 + i + 3, a6 + i + 3, a7 + i + 3, b,
                        3 * TLanes.Count, ref c00, ref c10, ref c20, ref c30, ref c40, ref c50, ref c60, ref c70);
                }
            }
            for (; i != end; i += aStep, b += bStep)
                Step8x1<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, a6 + i, a7 + i, b, 0, ref c00, ref c10, ref c20, ref c30,
                    ref c40, ref c50, ref c60, ref c70);
        }
        if (t->ColumnCount == TLanes.Count && t->RowCount == 8)
        {
            V scale = TLanes.Broadcast(t->Alpha), fromScale = TLanes.Broadcast(t->FromScale);
            float* bias = t->Bias;
            V b0 = bias is null ? default : TLanes.Load(bias);
            if (t->Accumulate)
            {
                nint from = t->From;
                FinishRow<TLanes, V>(t->Y + t->YRows[0], from, fromScale, scale, b0, c00);
                FinishRow<TLanes, V>(t->Y + t->YRows[1], from, fromScale, scale, b0, c10);
                FinishRow<TLanes, V>(t->Y + t->YRows[2], from, fromScale, scale, b0, c20);
                FinishRow<TLanes, V>(t->Y + t->YRows[3], from, fromScale, scale, b0, c30);
                FinishRow<TLanes, V>(t->Y + t->YRows[4], from, fromScale, scale, b0, c40);
                FinishRow<TLanes, V>(t->Y + t->YRows[5], from, fromScale, scale, b0, c50);
                FinishRow<TLanes, V>(t->Y + t->YRows[6], from, fromScale, scale, b0, c60);
                FinishRow<TLanes, V>(t->Y + t->YRows[7], from, fromScale, scale, b0, c70);
                return;
            }
            FinishRow<TLanes, V>(t->Y + t->YRows[0], scale, b0, c00);
            FinishRow<TLanes, V>(t->Y + t->YRows[1], scale, b0, c10);
            FinishRow<TLanes, V>(t->Y + t->YRows[2], scale, b0, c20);
            FinishRow<TLanes, V>(t->Y + t->YRows[3], scale, b0, c30);
            FinishRow<TLanes, V>(t->Y + t->YRows[4], scale, b0, c40);
            FinishRow<TLanes, V>(t->Y + t->YRows[5], scale, b0, c50);
            FinishRow<TLanes, V>(t->Y + t->YRows[6], scale, b0, c60);
            FinishRow<TLanes, V>(t->Y + t->YRows[7], scale, b0, c70);
            return;
        }
        float* sums = stackalloc float[8 * TLanes.Count];
        Keep<TLanes, V>(sums + (0 * TLanes.Count), c00);
        Keep<TLanes, V>(sums + (1 * TLanes.Count), c10);
        Keep<TLanes, V>(sums + (2 * TLanes.Count), c20);
        Keep<TLanes, V>(sums + (3 * TLanes.Count), c30);
        Keep<TLanes, V>(sums + (4 * TLanes.Count), c40);
        Keep<TLanes, V>(sums + (5 * TLanes.Count), c50);
        Keep<TLanes, V>(sums + (6 * TLanes.Count), c60);
        Keep<TLanes, V>(sums + (7 * TLanes.Count), c70);
        FinishPart<TLanes, V>(t, sums, TLanes.Count);
    }

    /// <summary>One step of the depth: c[i, j] += a[i] b[at + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step8x1<TLanes, V>(float* a0, float* a1, float* a2, float* a3, float* a4, float* a5, float* a6, float* a7,
        float* b, int at,
        ref V c00, ref V c10, ref V c20, ref V c30, ref V c40, ref V c50, ref V c60, ref V c70)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        var b0 = TLanes.Load(b + at);
        var x = TLanes.Broadcast(*a0);
        c00 = TLanes.MultiplyAdd(x, b0, c00);
        x = TLanes.Broadcast(*a1);
        c10 = TLanes.MultiplyAdd(x, b0, c10);
        x = TLanes.Broadcast(*a2);
        c20 = TLanes.MultiplyAdd(x, b0, c20);
        x = TLanes.Broadcast(*a3);
        c30 = TLanes.MultiplyAdd(x, b0, c30);
        x = TLanes.Broadcast(*a4);
        c40 = TLanes.MultiplyAdd(x, b0, c40);
        x = TLanes.Broadcast(*a5);
        c50 = TLanes.MultiplyAdd(x, b0, c50);
        x = TLanes.Broadcast(*a6);
        c60 = TLanes.MultiplyAdd(x, b0, c60);
        x = TLanes.Broadcast(*a7);
        c70 = TLanes.MultiplyAdd(x, b0, c70);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x2<TLanes, V>(Tile* t)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        V c00 = default, c01 = default;
        V c10 = default, c11 = default;
        V c20 = default, c21 = default;
        V c30 = default, c31 = default;
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner, last = end - Unroll;
        bool dense = aStep == 1 && bStep == 2 * TLanes.Count;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            nint i = 0;
            if (dense)
            {
                for (; i <= last; i += Unroll, b += Unroll * 2 * TLanes.Count)
                {
                    Step4x2<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, b, 0, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21,
                        ref c30, ref c31);
                    Step4x2<TLanes, V>(a0 + i + 1, a1 + i + 1, a2 + i + 1, a3 + i + 1, b, 2 * TLanes.Count, ref c00, ref c01, ref c10,
                        ref c11, ref c20, ref c21, ref c30, ref c31);
                    Step4x2<TLanes, V>(a0 + i + 2, a1 + i + 2, a2 + i + 2, a3 + i + 2, b, 4 * TLanes.Count, ref c00, ref c01, ref c10,
                        ref c11, ref c20, ref c21, ref c30, ref c31);
                    Step4x2<TLanes, V>(a0 + i + 3, a1 + i + 3, a2 + i + 3, a3 + i + 3, b, 6 * TLanes.Count, ref c00, ref c01, ref c10,
                        ref c11, ref c20, ref c21, ref c30, ref c31);
                }
            }
            for (; i != end; i += aStep, b += bStep)
                Step4x2<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, b, 0, ref c00, ref c01, ref c10, ref c11, ref c20, ref c21,
                    ref c30, ref c31);
        }
        if (t->ColumnCount == 2 * TLanes.Count && t->RowCount == 4)
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
                return;
            }
            FinishRow<TLanes, V>(t->Y + t->YRows[0], scale, b0, b1, c00, c01);
            FinishRow<TLanes, V>(t->Y + t->YRows[1], scale, b0, b1, c10, c11);
            FinishRow<TLanes, V>(t->Y + t->YRows[2], scale, b0, b1, c20, c21);
            FinishRow<TLanes, V>(t->Y + t->YRows[3], scale, b0, b1, c30, c31);
            return;
        }
        float* sums = stackalloc float[8 * TLanes.Count];
        Keep<TLanes, V>(sums + (0 * TLanes.Count), c00, c01);
        Keep<TLanes, V>(sums + (2 * TLanes.Count), c10, c11);
        Keep<TLanes, V>(sums + (4 * TLanes.Count), c20, c21);
        Keep<TLanes, V>(sums + (6 * TLanes.Count), c30, c31);
        FinishPart<TLanes, V>(t, sums, 2 * TLanes.Count);
    }

    /// <summary>One step of the depth: c[i, j] += a[i] b[at + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step4x2<TLanes, V>(float* a0, float* a1, float* a2, float* a3, float* b, int at,
        ref V c00, ref V c01, ref V c10, ref V c11, ref V c20, ref V c21, ref V c30, ref V c31)
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
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x2<TLanes, V>(Tile* t)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        V c00 = default, c01 = default;
        V c10 = default, c11 = default;
        V c20 = default, c21 = default;
        V c30 = default, c31 = default;
        V c40 = default, c41 = default;
        V c50 = default, c51 = default;
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner, last = end - Unroll;
        bool dense = aStep == 1 && bStep == 2 * TLanes.Count;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            float* a4 = a + t->ARows[4], a5 = a + t->ARows[5];
            nint i = 0;
            if (dense)
            {
                for (; i <= last; i += Unroll, b += Unroll * 2 * TLanes.Count)
                {
                    Step6x2<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, b, 0, ref c00, ref c01, ref c10, ref c11, ref c20,
                        ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
                    Step6x2<TLanes, V>(a0 + i + 1, a1 + i + 1, a2 + i + 1, a3 + i + 1, a4 + i + 1, a5 + i + 1, b, 2 * TLanes.Count, ref c00,
                        ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
                    Step6x2<TLanes, V>(a0 + i + 2, a1 + i + 2, a2 + i + 2, a3 + i + 2, a4 + i + 2, a5 + i + 2, b, 4 * TLanes.Count, ref c00,
                        ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
                    Step6x2<TLanes, V>(a0 + i + 3, a1 + i + 3, a2 + i + 3, a3 + i + 3, a4 + i + 3, a5 + i + 3, b, 6 * TLanes.Count, ref c00,
                        ref c01, ref c10, ref c11, ref c20, ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
                }
            }
            for (; i != end; i += aStep, b += bStep)
                Step6x2<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, a4 + i, a5 + i, b, 0, ref c00, ref c01, ref c10, ref c11, ref c20,
                    ref c21, ref c30, ref c31, ref c40, ref c41, ref c50, ref c51);
        }
        if (t->ColumnCount == 2 * TLanes.Count && t->RowCount == 6)
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
                return;
            }
            FinishRow<TLanes, V>(t->Y + t->YRows[0], scale, b0, b1, c00, c01);
            FinishRow<TLanes, V>(t->Y + t->YRows[1], scale, b0, b1, c10, c11);
            FinishRow<TLanes, V>(t->Y + t->YRows[2], scale, b0, b1, c20, c21);
            FinishRow<TLanes, V>(t->Y + t->YRows[3], scale, b0, b1, c30, c31);
            FinishRow<TLanes, V>(t->Y + t->YRows[4], scale, b0, b1, c40, c41);
            FinishRow<TLanes, V>(t->Y + t->YRows[5], scale, b0, b1, c50, c51);
            return;
        }
        float* sums = stackalloc float[12 * TLanes.Count];
        Keep<TLanes, V>(sums + (0 * TLanes.Count), c00, c01);
        Keep<TLanes, V>(sums + (2 * TLanes.Count), c10, c11);
        Keep<TLanes, V>(sums + (4 * TLanes.Count), c20, c21);
        Keep<TLanes, V>(sums + (6 * TLanes.Count), c30, c31);
        Keep<TLanes, V>(sums + (8 * TLanes.Count), c40, c41);
        Keep<TLanes, V>(sums + (10 * TLanes.Count), c50, c51);
        FinishPart<TLanes, V>(t, sums, 2 * TLanes.Count);
    }

    /// <summary>One step of the depth: c[i, j] += a[i] b[at + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step6x2<TLanes, V>(float* a0, float* a1, float* a2, float* a3, float* a4, float* a5, float* b, int at,
        ref V c00, ref V c01, ref V c10, ref V c11, ref V c20, ref V c21, ref V c30, ref V c31, ref V c40, ref V c41, ref V c50, ref V c51)
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
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x3<TLanes, V>(Tile* t)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        V c00 = default, c01 = default, c02 = default;
        V c10 = default, c11 = default, c12 = default;
        V c20 = default, c21 = default, c22 = default;
        V c30 = default, c31 = default, c32 = default;
        nint aStep = t->AStep, bStep = t->BStep, end = aStep * t->Inner, last = end - Unroll;
        bool dense = aStep == 1 && bStep == 3 * TLanes.Count;
        for (int outer = 0; outer < t->Outer; outer++)
        {
            float* a = t->A + t->AOuter[outer], b = t->B + t->BOuter[outer];
            float* a0 = a + t->ARows[0], a1 = a + t->ARows[1], a2 = a + t->ARows[2], a3 = a + t->ARows[3];
            nint i = 0;
            if (dense)
            {
                for (; i <= last; i += Unroll, b += Unroll * 3 * TLanes.Count)
                {
                    Step4x3<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, b, 0, ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20,
                        ref c21, ref c22, ref c30, ref c31, ref c32);
                    Step4x3<TLanes, V>(a0 + i + 1, a1 + i + 1, a2 + i + 1, a3 + i + 1, b, 3 * TLanes.Count, ref c00, ref c01, ref c02,
                        ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32);
                    Step4x3<TLanes, V>(a0 + i + 2, a1 + i + 2, a2 + i + 2, a3 + i + 2, b, 6 * TLanes.Count, ref c00, ref c01, ref c02,
                        ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32);
                    Step4x3<TLanes, V>(a0 + i + 3, a1 + i + 3, a2 + i + 3, a3 + i + 3, b, 9 * TLanes.Count, ref c00, ref c01, ref c02,
                        ref c10, ref c11, ref c12, ref c20, ref c21, ref c22, ref c30, ref c31, ref c32);
                }
            }
            for (; i != end; i += aStep, b += bStep)
                Step4x3<TLanes, V>(a0 + i, a1 + i, a2 + i, a3 + i, b, 0, ref c00, ref c01, ref c02, ref c10, ref c11, ref c12, ref c20,
                    ref c21, ref c22, ref c30, ref c31, ref c32);
        }
        if (t->ColumnCount == 3 * TLanes.Count && t->RowCount == 4)
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
                return;
            }
            FinishRow<TLanes, V>(t->Y + t->YRows[0], scale, b0, b1, b2, c00, c01, c02);
            FinishRow<TLanes, V>(t->Y + t->YRows[1], scale, b0, b1, b2, c10, c11, c12);
            FinishRow<TLanes, V>(t->Y + t->YRows[2], scale, b0, b1, b2, c20, c21, c22);
            FinishRow<TLanes, V>(t->Y + t->YRows[3], scale, b0, b1, b2, c30, c31, c32);
            return;
        }
        float* sums = stackalloc float[12 * TLanes.Count];
        Keep<TLanes, V>(sums + (0 * TLanes.Count), c00, c01, c02);
        Keep<TLanes, V>(sums + (3 * TLanes.Count), c10, c11, c12);
        Keep<TLanes, V>(sums + (6 * TLanes.Count), c20, c21, c22);
        Keep<TLanes, V>(sums + (9 * TLanes.Count), c30, c31, c32);
        FinishPart<TLanes, V>(t, sums, 3 * TLanes.Count);
    }

    /// <summary>One step of the depth: c[i, j] += a[i] b[at + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step4x3<TLanes, V>(float* a0, float* a1, float* a2, float* a3, float* b, int at,
        ref V c00, ref V c01, ref V c02, ref V c10, ref V c11, ref V c12, ref V c20, ref V c21, ref V c22, ref V c30, ref V c31, ref V c32)
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
    }
}
