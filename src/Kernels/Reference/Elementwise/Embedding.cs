namespace BDense.Kernels.Reference;

/// <summary>One sample a task. A few thousand numbers a step, so plain doubles: no error to speak of at any angle.</summary>
file unsafe struct EmbeddingJob : IJob
{
    public float* T, Frequencies, Y;
    public int J;
    public bool SinFirst;

    public readonly void Run(int task)
    {
        float* sin = Y + task * 2 * J + (SinFirst ? 0 : J), cos = Y + task * 2 * J + (SinFirst ? J : 0);
        for (int j = 0; j < J; j++)
        {
            var (s, c) = Math.SinCos((double)T[task] * Frequencies[j]);
            sin[j] = (float)s;
            cos[j] = (float)c;
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void EmbeddingCore(Tensor t, Tensor frequencies, Tensor y, bool sinFirst) =>
        Workers.Run(new EmbeddingJob
        {
            T = Pointer(t),
            Frequencies = Pointer(frequencies),
            Y = Pointer(y),
            J = frequencies.Length,
            SinFirst = sinFirst,
        }, t.Length);
}
