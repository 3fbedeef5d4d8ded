using ILGPU;
using ILGPU.Algorithms;

namespace FusedRmsNorm;

/// <summary>What runs on a GPU. Kernels and their class are public: ILGPU's simulation calls them from an assembly of its own.</summary>
public static class RmsNormKernels
{
    private const int Threads = 128;

    /// <summary>A group a row: r from the sum of squares, then y. x is read a second time, from a cache.</summary>
    [Kernel(Threads, AnyGroupSize = true, Hot = true)]
    public static void RmsNormKernel(ArrayView<float> x, ArrayView<float> gamma, float epsilon, int silu,
        ArrayView<float> y, ArrayView<float> r)
    {
        int channels = gamma.IntLength, row = Grid.IdxX * channels;
        float squares = 0f;
        for (int c = Group.IdxX; c < channels; c += Group.DimX)
            squares += x[row + c] * x[row + c];
        float scale = 1f / XMath.Sqrt(GroupSum(squares) / channels + epsilon);
        for (int c = Group.IdxX; c < channels; c += Group.DimX)
            y[row + c] = silu != 0 ? DeviceMath.Silu(x[row + c] * scale * gamma[c]) : x[row + c] * scale * gamma[c];
        if (Group.IdxX == 0)
            r[Grid.IdxX] = scale;
    }

    /// <summary>A group a share, its rows one after the other. A thread's channels are its own: no two write to one place.</summary>
    [Kernel(Threads, AnyGroupSize = true, Hot = true)]
    public static void RmsNormBackwardKernel(ArrayView<float> dy, ArrayView<float> x, ArrayView<float> gamma, ArrayView<float> r, int silu,
        ArrayView<float> dx, ArrayView<float> shares)
    {
        int channels = gamma.IntLength, share = Grid.IdxX * channels, first = Grid.IdxX * RmsNorm.ShareRows;
        for (int n = first; n < first + RmsNorm.ShareRows && n < r.IntLength; n++)
        {
            int row = n * channels;
            float scale = r[n], dot = 0f;
            for (int c = Group.IdxX; c < channels; c += Group.DimX)
            {
                float part = Du(dy[row + c], x[row + c] * scale * gamma[c], silu) * x[row + c] * scale;
                shares[share + c] = n == first ? part : shares[share + c] + part;
                dot += part * gamma[c];
            }
            float mean = GroupSum(dot) / channels;
            for (int c = Group.IdxX; c < channels; c += Group.DimX)
            {
                float xhat = x[row + c] * scale;
                dx[row + c] = scale * (Du(dy[row + c], xhat * gamma[c], silu) * gamma[c] - xhat * mean);
            }
        }
    }

    private static float Du(float dy, float u, int silu) => silu != 0 ? dy * DeviceMath.SiluDerivative(u) : dy;

    /// <summary>The sum over a group, a power of two threads, in shared memory; the first barrier is for a call before this one.</summary>
    private static float GroupSum(float value)
    {
        var shared = SharedMemory.Allocate1D<float>(Threads);
        Group.Barrier();
        shared[Group.IdxX] = value;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
                shared[Group.IdxX] += shared[Group.IdxX + half];
        }
        Group.Barrier();
        return shared[0];
    }
}
