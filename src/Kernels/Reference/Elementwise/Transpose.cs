namespace BDense.Kernels.Reference;

/// <summary>Some rows of y a task, written in order; each block is read whole.</summary>
file unsafe struct TransposeJob : IJob
{
    public float* X, Y;
    public int Rows, Columns, Block;

    public readonly void Run(int task)
    {
        float* from = X + (long)task * Block, to = Y + (long)task * Rows * Block;
        long pitch = (long)Columns * Block;
        if (Block == 1)
        {
            for (int i = 0; i < Rows; i++, from += pitch)
                to[i] = *from;
            return;
        }
        for (int i = 0; i < Rows; i++, from += pitch, to += Block)
            new ReadOnlySpan<float>(from, Block).CopyTo(new Span<float>(to, Block));
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void TransposeCore(Tensor x, Tensor y) => Workers.Run(
        new TransposeJob { X = Pointer(x), Y = Pointer(y), Rows = x.Shape[0], Columns = x.Shape[1], Block = x.Shape[2] }, x.Shape[1]);
}
