namespace BDense.Kernels.Reference;

/// <summary>large[c,u,v,k] from w[k,r,s,c]; a task is one c.</summary>
file unsafe struct UpsampleWeightsJob : IJob
{
    public float* W, Large;
    public int K, C;

    public readonly void Run(int c)
    {
        float* large = Large + ((long)c * 16 * K);
        for (int u = 0; u < 4; u++)
        {
            for (int v = 0; v < 4; v++, large += K)
            {
                for (int k = 0; k < K; k++)
                {
                    float* w = W + ((long)k * 9 * C) + c;
                    float sum = 0f;
                    for (int r = Math.Max(0, 2 - u); r <= Math.Min(2, 3 - u); r++)
                    {
                        for (int s = Math.Max(0, 2 - v); s <= Math.Min(2, 3 - v); s++)
                            sum += w[((r * 3) + s) * C];
                    }
                    large[k] = sum;
                }
            }
        }
    }
}

/// <summary>dw[k,r,s,c] += its four places of dlarge; a task is one k.</summary>
file unsafe struct UpsampleWeightsBackwardJob : IJob
{
    public float* DLarge, DW;
    public int K, C;

    public readonly void Run(int k)
    {
        long row = 4L * K;
        for (int r = 0; r < 3; r++)
        {
            for (int s = 0; s < 3; s++)
            {
                float* dw = DW + (((((long)k * 3) + r) * 3) + s) * C;
                float* from = DLarge + ((2 - r) * row) + ((2 - s) * K) + k;
                for (int c = 0; c < C; c++, from += 4 * row)
                    dw[c] += from[0] + from[K] + (from[row] + from[row + K]);
            }
        }
    }
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void UpsampleWeightsCore(Tensor w, Tensor large) =>
        Workers.Run(new UpsampleWeightsJob { W = Pointer(w), Large = Pointer(large), K = w.Shape[0], C = w.Shape[3] }, w.Shape[3]);

    protected override void UpsampleWeightsBackwardCore(Tensor dlarge, Tensor dw) =>
        Workers.Run(new UpsampleWeightsBackwardJob { DLarge = Pointer(dlarge), DW = Pointer(dw), K = dw.Shape[0], C = dw.Shape[3] }, dw.Shape[0]);
}
