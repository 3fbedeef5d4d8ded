using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu.Attention;

/// <summary>
/// What a warp does with its 16 tokens of attention, and its PTX: products of m16n8k8 (TF32) or m16n8k16 (BF16), the softmax between them,
/// sums in registers. A lane holds columns 2 (lane mod 4) and the next of each 8, of rows lane / 4 and the eighth below. Offsets are of
/// shared memory.
/// </summary>
internal interface ITensorAttention
{
    /// <summary>Channels.</summary>
    static abstract int Head { get; }

    /// <summary>Other tokens in a block.</summary>
    static abstract int Block { get; }

    static abstract bool IsBf16 { get; }

    /// <summary>Registers, and sums of 0; before all else.</summary>
    static abstract void Declare();

    /// <summary>
    /// The thread's part of a block, in float32, to registers: from <paramref name="row"/> on, rows of <paramref name="pitch"/> bytes;
    /// behind the last row it comes again.
    /// </summary>
    static abstract void Fetch(long from, int row, int last, int pitch);

    /// <summary>The same part, rounded, to shared memory.</summary>
    static abstract void Place(int to);

    /// <summary>Scores of the warp's rows and a block: the sum over the channels, innermost in both.</summary>
    static abstract void Scores(int rows, int columns);

    /// <summary>Scores of columns that do not exist are minus infinity.</summary>
    static abstract void Mask(int left);

    /// <summary>
    /// Scores become exp(scale score - scale m), scale in units of ln 2, with m the largest so far; the sums, of values and of weights,
    /// shrink to it.
    /// </summary>
    static abstract void Softmax(float scale);

    /// <summary>Sums over the sum of weights, and the log-sum-exp.</summary>
    static abstract void Divide(float scale);

    /// <summary>Log-sum-exp and delta of both of the lane's rows, queries, for the next two.</summary>
    static abstract void LoadStatistics(long upper, long lower);

    /// <summary>Weights: exp(score - log-sum-exp).</summary>
    static abstract void WeighRows(float scale);

    /// <summary>Scores become (score - delta) weight.</summary>
    static abstract void DifferRows();

    /// <summary>The same two where columns are queries.</summary>
    static abstract void WeighColumns(float scale, long statistics, int column, int last);

    static abstract void DifferColumns(long statistics, int column, int last);

    /// <summary>Weights in the scores' place.</summary>
    static abstract void UseWeights();

    /// <summary>Sums += scores x the block's rows.</summary>
    static abstract void Add(int values);

    static abstract void Scale(float scale);

    /// <summary>Stores the lane's part of two rows, those that exist.</summary>
    static abstract void Store(long y, int pitch, bool upper, bool lower);

    static abstract void StoreLogSumExp(long lse, bool upper, bool lower);
}

/// <summary>A second result of the same rows, where registers are left for it: dv beside dk.</summary>
internal interface ITensorAttentionSecond
{
    static abstract bool Exists { get; }

    static abstract void DeclareSecond();

    /// <summary>The second sums += weights x the block's rows.</summary>
    static abstract void AddSecond(int values);

    static abstract void StoreSecond(long y, int pitch, bool upper, bool lower);
}

/// <summary>Where there is none.</summary>
internal readonly struct NoSecond : ITensorAttentionSecond
{
    public static bool Exists { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    public static void DeclareSecond()
    {
    }

    public static void AddSecond(int values)
    {
    }

    public static void StoreSecond(long y, int pitch, bool upper, bool lower)
    {
    }
}

/// <summary>
/// Where rows of a head lie in shared memory: one after the other, each 16 bytes longer than its channels, so that the eight rows of a
/// piece that ldmatrix reads at once fall into all 32 banks, and every offset behind a lane's first is a constant.
/// </summary>
internal static class TensorAttentionTile
{
    public const int Rows = 64, Threads = 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Pitch<TText>()
        where TText : struct, ITensorAttention => TText.Head * (TText.IsBf16 ? 2 : 4) + 16;

    /// <summary>Pieces of 16 bytes in a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Pieces<TText>()
        where TText : struct, ITensorAttention => TText.Head * (TText.IsBf16 ? 2 : 4) / 16;

    /// <summary>A thread's first row of a block. Rows of 64 bytes: 0 and 4 beside each other, for the banks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CopyRow<TText>(int thread)
        where TText : struct, ITensorAttention => Pieces<TText>() == 4
        ? (thread >> 5) * 8 + (thread >> 2 & 1) * 4 + (thread >> 3 & 3)
        : (int)((uint)thread / (uint)Pieces<TText>());

    /// <summary>Bytes of float32 in front of a thread's piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CopyFrom<TText>(int thread)
        where TText : struct, ITensorAttention => (thread & (Pieces<TText>() - 1)) * (TText.IsBf16 ? 32 : 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int CopyTo<TText>(int thread)
        where TText : struct, ITensorAttention => CopyRow<TText>(thread) * Pitch<TText>() + (thread & (Pieces<TText>() - 1)) * 16;

    /// <summary>
    /// What a lane gives ldmatrix for a left operand: lanes 0-15 the rows of the first 16 bytes, lanes 16-31 those of the second.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Left<TText>(int warp, int lane)
        where TText : struct, ITensorAttention => (warp * 16 + (lane & 15)) * Pitch<TText>() + (lane >> 4) * 16;

    /// <summary>
    /// The same for a right operand, 16 columns: lanes 0-7 first piece of the first eight, 8-15 their second piece, 16-31 the other eight.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Right<TText>(int lane)
        where TText : struct, ITensorAttention => ((lane >> 4) * 8 + (lane & 7)) * Pitch<TText>() + (lane >> 3 & 1) * 16;

    /// <summary>
    /// For a right operand whose rows are the sum's: BF16, ldmatrix.trans: matrices 0 and 1 are rows 0-7 and 8-15 of 8 channels, 2 and 3 of
    /// the next
    /// 8. TF32: rows 2 (lane mod 4) and the next, four channels from 4 (lane / 4) on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Values<TText>(int lane)
        where TText : struct, ITensorAttention => TText.IsBf16
        ? (lane & 15) * Pitch<TText>() + (lane >> 4) * 16
        : (lane & 3) * 2 * Pitch<TText>() + (lane >> 2) * 16;

    /// <summary>Dynamic shared memory; its address in the register <c>base</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare()
    {
        // A use that never runs, so that the compiler declares the array: aligned as its elements are, to the 16 bytes that ldmatrix and
        // vector accesses want.
        var shared = SharedMemory.GetDynamic<Float4>();
        if (shared.IntLength == 0)
            CudaAsm.Emit("mov.b32 at, %0;", shared[0].X);
        CudaAsm.Emit("mov.u32 base, __dyn_shared_alloca;");
    }
}
