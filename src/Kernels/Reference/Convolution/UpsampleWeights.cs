using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>large[c,u,v,k] from w[k,r,s,c]; a task is a block of channels.</summary>
/// <remarks>
/// c lies densest in w, k in large: blocks of 16 by 16 pass through the first-level cache, so that either side moves whole cache lines.
/// </remarks>
file unsafe struct UpsampleWeightsJob : IJob
{
    public const int Block = 16;

    public float* W, Large;
    public int K, C;

    public readonly void Run(int task)
    {
        int c0 = task * Block, channels = Math.Min(Block, C - c0);
        float* block = Scratch.Get(16 * Block * Block);
        for (int k0 = 0; k0 < K; k0 += Block)
        {
            int outputs = Math.Min(Block, K - k0);
            for (int k = 0; k < outputs; k++)
                Sums(W + ((k0 + k) * 9L * C) + c0, channels, block + (k * Block));
            for (int c = 0; c < channels; c++)
            {
                float* large = Large + ((c0 + c) * 16L * K) + k0;
                for (int place = 0; place < 16; place++, large += K)
                {
                    float* from = block + (place * Block * Block) + c;
                    for (int k = 0; k < outputs; k++, from += Block)
                        large[k] = *from;
                }
            }
        }
    }

    /// <summary>The sixteen places of one output's channels, each a sum of one, two or four taps.</summary>
    private readonly void Sums(float* w, int channels, float* places)
    {
        for (int u = 0; u < 4; u++)
        {
            int firstR = Math.Max(0, 2 - u), lastR = Math.Min(2, 3 - u);
            for (int v = 0; v < 4; v++, places += Block * Block)
            {
                int firstS = Math.Max(0, 2 - v), lastS = Math.Min(2, 3 - v), c = 0;
                for (; c <= channels - Vector<float>.Count; c += Vector<float>.Count)
                {
                    var sum = Vector<float>.Zero;
                    for (int r = firstR; r <= lastR; r++)
                    {
                        for (int s = firstS; s <= lastS; s++)
                            sum += Vector.Load(w + (((r * 3) + s) * C) + c);
                    }
                    sum.Store(places + c);
                }
                for (; c < channels; c++)
                {
                    float sum = 0f;
                    for (int r = firstR; r <= lastR; r++)
                    {
                        for (int s = firstS; s <= lastS; s++)
                            sum += w[(((r * 3) + s) * C) + c];
                    }
                    places[c] = sum;
                }
            }
        }
    }
}

/// <summary>dw[k,r,s,c] += its four places of dlarge; a task is a block of outputs, in blocks of channels as above.</summary>
file unsafe struct UpsampleWeightsBackwardJob : IJob
{
    public const int Block = 16;

    public float* DLarge, DW;
    public int K, C;

    public readonly void Run(int task)
    {
        int k0 = task * Block, outputs = Math.Min(Block, K - k0);
        float* block = Scratch.Get(9 * Block * Block);
        for (int c0 = 0; c0 < C; c0 += Block)
        {
            int channels = Math.Min(Block, C - c0);
            for (int c = 0; c < channels; c++)
                Sums(DLarge + ((c0 + c) * 16L * K) + k0, outputs, block + (c * Block));
            for (int k = 0; k < outputs; k++)
            {
                float* dw = DW + ((k0 + k) * 9L * C) + c0;
                for (int tap = 0; tap < 9; tap++, dw += C)
                {
                    float* from = block + (tap * Block * Block) + k;
                    for (int c = 0; c < channels; c++, from += Block)
                        dw[c] += *from;
                }
            }
        }
    }

    /// <summary>The nine taps of one channel's outputs.</summary>
    private readonly void Sums(float* dlarge, int outputs, float* taps)
    {
        int row = 4 * K;
        for (int r = 0; r < 3; r++)
        {
            for (int s = 0; s < 3; s++, taps += Block * Block)
            {
                float* from = dlarge + ((2 - r) * row) + ((2 - s) * K);
                int k = 0;
                for (; k <= outputs - Vector<float>.Count; k += Vector<float>.Count)
                {
                    var top = Vector.Load(from + k) + Vector.Load(from + K + k);
                    (top + (Vector.Load(from + row + k) + Vector.Load(from + row + K + k))).Store(taps + k);
                }
                for (; k < outputs; k++)
                    taps[k] = from[k] + from[K + k] + (from[row + k] + from[row + K + k]);
            }
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void UpsampleWeightsCore(Tensor w, Tensor large) =>
        Workers.Run(new UpsampleWeightsJob { W = Pointer(w), Large = Pointer(large), K = w.Shape[0], C = w.Shape[3] }, Blocks(w.Shape[3]));

    private protected override void UpsampleWeightsBackwardCore(Tensor dlarge, Tensor dw) =>
        Workers.Run(new UpsampleWeightsBackwardJob
        {
            DLarge = Pointer(dlarge),
            DW = Pointer(dw),
            K = dw.Shape[0],
            C = dw.Shape[3],
        }, Blocks(dw.Shape[0]));

    private static int Blocks(int count) => (count + UpsampleWeightsJob.Block - 1) / UpsampleWeightsJob.Block;
}
