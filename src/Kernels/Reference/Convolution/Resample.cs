using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>One row of the small image a task: the two rows of the large one that belong to it.</summary>
file unsafe struct DownsampleJob : IJob
{
    public float* X, Y;
    public int Q, C;
    public float Factor;

    public readonly void Run(int task)
    {
        int channels = C, columns = Q, lanes = Vector<float>.Count;
        float factor = Factor;
        float* top = X + task * 4 * columns * channels, bottom = top + 2 * columns * channels, y = Y + task * columns * channels;
        for (int q = 0; q < columns; q++, top += 2 * channels, bottom += 2 * channels, y += channels)
        {
            int c = 0;
            for (; c <= channels - lanes; c += lanes)
            {
                var sum =
                    Vector.Load(top + c) + Vector.Load(top + channels + c) + (Vector.Load(bottom + c) + Vector.Load(bottom + channels + c));
                (sum * factor).Store(y + c);
            }
            for (; c < channels; c++)
                y[c] = (top[c] + top[channels + c] + (bottom[c] + bottom[channels + c])) * factor;
        }
    }
}

/// <summary>One row of the small image a task, written to two rows of the large one.</summary>
file unsafe struct UpsampleJob : IJob
{
    public float* X, Y;
    public int Q, C;
    public float Factor;

    public readonly void Run(int task)
    {
        int channels = C, columns = Q, lanes = Vector<float>.Count;
        float factor = Factor;
        float* top = Y + task * 4 * columns * channels, bottom = top + 2 * columns * channels, x = X + task * columns * channels;
        for (int q = 0; q < columns; q++, top += 2 * channels, bottom += 2 * channels, x += channels)
        {
            int c = 0;
            for (; c <= channels - lanes; c += lanes)
            {
                var value = Vector.Load(x + c) * factor;
                value.Store(top + c);
                value.Store(top + channels + c);
                value.Store(bottom + c);
                value.Store(bottom + channels + c);
            }
            for (; c < channels; c++)
                top[c] = top[channels + c] = bottom[c] = bottom[channels + c] = x[c] * factor;
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void DownsampleCore(Tensor x, Tensor y, float factor) =>
        Workers.Run(new DownsampleJob { X = Pointer(x), Y = Pointer(y), Q = y.Shape[2], C = y.Shape[3], Factor = factor },
            y.Shape[0] * y.Shape[1]);

    private protected override void UpsampleCore(Tensor x, Tensor y, float factor) =>
        Workers.Run(new UpsampleJob { X = Pointer(x), Y = Pointer(y), Q = x.Shape[2], C = x.Shape[3], Factor = factor },
            x.Shape[0] * x.Shape[1]);
}
