using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>y[n, i, c] = x[n, i, c] + e[n, c]; a task is a block of one sample's pixels.</summary>
file unsafe struct BroadcastAddJob : IJob
{
    public float* X, E, Y;
    public int Pixels, C, PixelsPerTask, TasksPerSample;

    public readonly void Run(int task)
    {
        int n = task / TasksPerSample, start = task % TasksPerSample * PixelsPerTask;
        int channels = C, lanes = Vector<float>.Count;
        float* e = E + n * channels;
        for (int i = start, end = Math.Min(start + PixelsPerTask, Pixels); i < end; i++)
        {
            int row = (n * Pixels + i) * channels, c = 0;
            float* x = X + row, y = Y + row;
            for (; c <= channels - lanes; c += lanes)
                (Vector.Load(x + c) + Vector.Load(e + c)).Store(y + c);
            for (; c < channels; c++)
                y[c] = x[c] + e[c];
        }
    }
}

/// <summary>de[n, c] = sum_i dy[n, i, c]; a task is four vectors of channels of one sample, summed over its pixels in order.</summary>
file unsafe struct BroadcastAddBackwardJob : IJob
{
    public float* DY, DE;
    public int Pixels, C, BlocksPerSample;

    public static int Block => 4 * Vector<float>.Count;

    public readonly void Run(int task)
    {
        int n = task / BlocksPerSample, c = task % BlocksPerSample * Block;
        int channels = C, pixels = Pixels, lanes = Vector<float>.Count;
        float* dy = DY + n * pixels * channels;
        float* de = DE + n * channels;
        int end = Math.Min(c + Block, channels);
        if (c + Block <= channels)
        {
            Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
            float* p = dy + c;
            for (int i = 0; i < pixels; i++, p += channels)
            {
                s0 += Vector.Load(p);
                s1 += Vector.Load(p + lanes);
                s2 += Vector.Load(p + 2 * lanes);
                s3 += Vector.Load(p + 3 * lanes);
            }
            s0.Store(de + c);
            s1.Store(de + c + lanes);
            s2.Store(de + c + 2 * lanes);
            s3.Store(de + c + 3 * lanes);
            return;
        }
        for (; c <= end - lanes; c += lanes)
        {
            Vector<float> s = default;
            for (int i = 0; i < pixels; i++)
                s += Vector.Load(dy + i * channels + c);
            s.Store(de + c);
        }
        for (; c < end; c++)
        {
            float s = 0;
            for (int i = 0; i < pixels; i++)
                s += dy[i * channels + c];
            de[c] = s;
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void BroadcastAddCore(Tensor x, Tensor e, Tensor y)
    {
        int n = e.Shape[0], channels = e.Shape[1];
        if (x.Length == 0)
            return;
        int pixels = x.Length / (n * channels), perTask = Math.Max(1, Chunk.Length / channels), tasks = (pixels + perTask - 1) / perTask;
        Workers.Run(new BroadcastAddJob
        {
            X = Pointer(x),
            E = Pointer(e),
            Y = Pointer(y),
            Pixels = pixels,
            C = channels,
            PixelsPerTask = perTask,
            TasksPerSample = tasks,
        }, n * tasks);
    }

    private protected override void BroadcastAddBackwardCore(Tensor dy, Tensor de)
    {
        int n = de.Shape[0], channels = de.Shape[1];
        if (de.Length == 0)
            return;
        int blocks = (channels + BroadcastAddBackwardJob.Block - 1) / BroadcastAddBackwardJob.Block;
        Workers.Run(new BroadcastAddBackwardJob
        {
            DY = Pointer(dy),
            DE = Pointer(de),
            Pixels = dy.Length / (n * channels),
            C = channels,
            BlocksPerSample = blocks,
        }, n * blocks);
    }
}
