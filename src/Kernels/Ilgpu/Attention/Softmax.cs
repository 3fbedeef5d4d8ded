using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>Threads that share a row: neighbours read neighbours.</summary>
    private const int SoftmaxThreads = 32;

    private protected override void SoftmaxCore(Tensor x, Tensor y)
    {
        int rows = x.Shape[0], columns = x.Shape[1];
        using var partial = Empty(new Shape(rows, SoftmaxThreads, 2));
        using var total = Empty(new Shape(rows, 2));
        Launch(SoftmaxPartialKernel, Threads((long)rows * SoftmaxThreads), View(x), columns, View(partial));
        Launch(SoftmaxTotalKernel, rows, View(partial), View(total));
        Launch(SoftmaxKernel, x.Length, View(x), View(total), columns, View(y));
    }

    private protected override void SoftmaxBackwardCore(Tensor dy, Tensor y, Tensor dx)
    {
        int rows = y.Shape[0], columns = y.Shape[1];
        using var partial = Empty(new Shape(rows, SoftmaxThreads));
        using var dot = Empty(new Shape(rows));
        Launch(SoftmaxDotKernel, Threads((long)rows * SoftmaxThreads), View(dy), View(y), columns, View(partial));
        SumRows(View(partial), rows, SoftmaxThreads, View(dot));
        Launch(SoftmaxBackwardKernel, y.Length, View(dy), View(y), View(dot), columns, View(dx));
    }

    /// <summary>
    /// partial[r,t] = (max, sum exp(x - max)) over columns t, t + 32, ...; an empty share is (-infinity, 0). Thread 32 r + t. x is read
    /// twice, the second time from the cache; 4 FLOPs an element.
    /// </summary>
    [Kernel]
    internal static void SoftmaxPartialKernel(Index1D thread, ArrayView<float> x, int columns, ArrayView<float> partial)
    {
        int row = thread / SoftmaxThreads, first = thread - row * SoftmaxThreads, start = row * columns;
        float max = float.NegativeInfinity, sum = 0f;
        for (int c = first; c < columns; c += SoftmaxThreads)
            max = x[start + c] > max ? x[start + c] : max;
        for (int c = first; c < columns; c += SoftmaxThreads)
            sum += XMath.Exp(x[start + c] - max);
        partial[2 * thread] = max;
        partial[2 * thread + 1] = sum;
    }

    /// <summary>total[r] = (max, 1 / sum) over the row's 32 shares. One thread a row.</summary>
    [Kernel]
    internal static void SoftmaxTotalKernel(Index1D row, ArrayView<float> partial, ArrayView<float> total)
    {
        int start = 2 * SoftmaxThreads * row;
        float max = float.NegativeInfinity, sum = 0f;
        for (int t = 0; t < SoftmaxThreads; t++)
            max = partial[start + 2 * t] > max ? partial[start + 2 * t] : max;
        for (int t = 0; t < SoftmaxThreads; t++)
        {
            float share = partial[start + 2 * t + 1];
            // A share of nothing must not become 0 * exp(-infinity + infinity).
            if (share != 0f)
                sum += share * XMath.Exp(partial[start + 2 * t] - max);
        }
        total[2 * row] = max;
        total[2 * row + 1] = 1f / sum;
    }

    /// <summary>y[r,c] = exp(x[r,c] - max_r) / sum_r. One thread an element; 4 bytes read, 4 written, 3 FLOPs.</summary>
    [Kernel]
    internal static void SoftmaxKernel(Index1D i, ArrayView<float> x, ArrayView<float> total, int columns, ArrayView<float> y)
    {
        int row = i / columns;
        y[i] = XMath.Exp(x[i] - total[2 * row]) * total[2 * row + 1];
    }

    /// <summary>partial[r,t] = sum of dy y over columns t, t + 32, ... Thread 32 r + t; 8 bytes read and 2 FLOPs an element.</summary>
    [Kernel]
    internal static void SoftmaxDotKernel(Index1D thread, ArrayView<float> dy, ArrayView<float> y, int columns, ArrayView<float> partial)
    {
        int row = thread / SoftmaxThreads, start = row * columns;
        float sum = 0f;
        for (int c = thread - row * SoftmaxThreads; c < columns; c += SoftmaxThreads)
            sum += dy[start + c] * y[start + c];
        partial[thread] = sum;
    }

    /// <summary>dx[r,c] = y[r,c] (dy[r,c] - dot_r). One thread an element; 8 bytes read, 4 written, 2 FLOPs.</summary>
    [Kernel]
    internal static void SoftmaxBackwardKernel(Index1D i, ArrayView<float> dy, ArrayView<float> y, ArrayView<float> dot, int columns,
        ArrayView<float> dx) => dx[i] = y[i] * (dy[i] - dot[i / columns]);
}
