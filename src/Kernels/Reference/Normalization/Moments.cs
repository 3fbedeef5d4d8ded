namespace BDense.Kernels.Reference;

/// <summary>The moments of 16 pixels' blocks, a task; sums in double precision.</summary>
file unsafe struct MomentsJob : IJob
{
    public float* X, Moments;
    public int C;

    public readonly void Run(int task)
    {
        float* x = X + ((long)task * MomentsShape.BlockPixels * C), to = Moments + ((long)task * C);
        for (int c = 0; c < C; c += MomentsShape.BlockChannels)
        {
            double sum = 0, squares = 0;
            for (int p = 0; p < MomentsShape.BlockPixels; p++)
                sum += x[(p * C) + c] + (double)x[(p * C) + c + 1];
            double mean = sum / GroupMoments.BlockSize;
            for (int p = 0; p < MomentsShape.BlockPixels; p++)
            {
                double d = x[(p * C) + c] - mean, e = x[(p * C) + c + 1] - mean;
                squares += (d * d) + (e * e);
            }
            to[c] = (float)mean;
            to[c + 1] = (float)squares;
        }
    }
}

/// <summary>A group's mean and variance from its blocks' moments, all of which have as many elements.</summary>
internal static unsafe class GroupMoments
{
    /// <summary>Elements of a block.</summary>
    public const int BlockSize = MomentsShape.BlockPixels * MomentsShape.BlockChannels;

    /// <summary>mean = mean of the blocks' m, variance = sum (s + 32 (m - mean)^2) / elements; pixels, then channels, in order.</summary>
    /// <param name="moments">Of a sample and, of its first pixels, the group's first block.</param>
    /// <param name="rows">Of 16 pixels.</param>
    /// <param name="channels">Of the sample.</param>
    /// <param name="size">Channels of the group.</param>
    public static (double Mean, double Variance) Merge(float* moments, int rows, int channels, int size)
    {
        double sum = 0, squares = 0;
        for (int row = 0; row < rows; row++)
        {
            for (int c = 0; c < size; c += MomentsShape.BlockChannels)
                sum += moments[((long)row * channels) + c];
        }
        double count = (double)rows * size / MomentsShape.BlockChannels, mean = sum / count;
        for (int row = 0; row < rows; row++)
        {
            for (int c = 0; c < size; c += MomentsShape.BlockChannels)
            {
                float* block = moments + ((long)row * channels) + c;
                squares += block[1] + (BlockSize * (block[0] - mean) * (block[0] - mean));
            }
        }
        return (mean, squares / (count * BlockSize));
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void MomentsCore(in MomentsShape s, Tensor x, Tensor moments)
    {
        if (x.Length > 0)
            Workers.Run(new MomentsJob { X = Pointer(x), Moments = Pointer(moments), C = s.C }, s.N * s.Pixels / MomentsShape.BlockPixels);
    }
}
