namespace BDense.Kernels.Reference;

/// <summary>Copies pixel by pixel between y and its two parts; a task is a block of pixels.</summary>
file unsafe struct ConcatJob : IJob
{
    public float* A, B, Y;
    public int Pixels, Ca, Cb, PixelsPerTask;
    /// <summary>From y to a and b, instead of from a and b to y.</summary>
    public bool Split;

    public readonly void Run(int task)
    {
        int ca = Ca, cb = Cb, c = ca + cb, end = Math.Min((task + 1) * PixelsPerTask, Pixels);
        for (int i = task * PixelsPerTask; i < end; i++)
        {
            Span<float> a = new(A + i * ca, ca), b = new(B + i * cb, cb), y = new(Y + i * c, c);
            if (Split)
            {
                y[..ca].CopyTo(a);
                y[ca..].CopyTo(b);
            }
            else
            {
                a.CopyTo(y);
                b.CopyTo(y[ca..]);
            }
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void ConcatCore(Tensor a, Tensor b, Tensor y) => Concat(a, b, y, split: false);

    private protected override void SplitCore(Tensor y, Tensor a, Tensor b) => Concat(a, b, y, split: true);

    private void Concat(Tensor a, Tensor b, Tensor y, bool split)
    {
        int channels = y.Shape[-1], pixels = y.Length / channels, perTask = Math.Max(1, Chunk.Length / channels);
        Workers.Run(new ConcatJob
        {
            A = Pointer(a),
            B = Pointer(b),
            Y = Pointer(y),
            Pixels = pixels,
            Ca = a.Shape[-1],
            Cb = b.Shape[-1],
            PixelsPerTask = perTask,
            Split = split,
        }, (pixels + perTask - 1) / perTask);
    }
}
