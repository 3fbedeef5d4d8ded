using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>Elements that one thread adds up, about; a longer row is summed in several rounds.</summary>
    private const int SumChunk = 256;

    protected override void SumCore(Tensor x, Tensor y) => SumRows(View(x), 1, x.Length, View(y));

    protected override void SumOfSquaresCore(Tensor x, Tensor y)
    {
        int threads = Partials(x.Length);
        using var partial = Empty(new Shape(threads));
        Launch(SumOfSquaresKernel, threads, View(x), x.Length, View(partial));
        SumRows(View(partial), 1, threads, View(y));
    }

    /// <summary>y[r] = sum_i x[r,i] for <paramref name="rows"/> rows of <paramref name="length"/> elements, in rounds of strided partial sums.</summary>
    private void SumRows(ArrayView<float> x, int rows, int length, ArrayView<float> y)
    {
        int threads = Partials(length);
        if (threads == 1)
        {
            Launch(SumRowsKernel, rows, x, length, 1, y);
            return;
        }
        using var partial = Empty(new Shape(rows, threads));
        Launch(SumRowsKernel, rows * threads, x, length, threads, View(partial));
        SumRows(View(partial), rows, threads, y);
    }

    /// <summary>Threads for a row: a function of its length alone. At most 65,536, so that two rounds more end it.</summary>
    private static int Partials(int length) => length <= SumChunk ? 1 : Math.Min(65536, (length + SumChunk - 1) / SumChunk);

    /// <summary>y[b,c] (+)= sum_r x[b,r,c]: columns of <paramref name="batch"/> matrices of rows x columns, in a fixed order.</summary>
    private void SumColumns(ArrayView<float> x, int batch, int rows, int columns, bool accumulate, ArrayView<float> y)
    {
        if (rows <= 64)
        {
            Launch(SumColumnsKernel, batch * columns, x, rows, columns, 1, rows, accumulate ? 1 : 0, y);
            return;
        }
        int chunks = Math.Min(256, (rows + 63) / 64);
        int chunkRows = (rows + chunks - 1) / chunks;
        chunks = (rows + chunkRows - 1) / chunkRows;
        using var partial = Empty(new Shape(batch, chunks, columns));
        Launch(SumColumnsKernel, batch * chunks * columns, x, rows, columns, chunks, chunkRows, 0, View(partial));
        Launch(SumColumnsKernel, batch * columns, View(partial), chunks, columns, 1, chunks, accumulate ? 1 : 0, y);
    }

    /// <summary>partial[t] = sum of x_i^2 over i = t, t + T, t + 2T, ... for T threads. 4 bytes read and 2 FLOPs an element.</summary>
    [Kernel]
    internal static void SumOfSquaresKernel(Index1D t, ArrayView<float> x, int length, ArrayView<float> partial)
    {
        int threads = partial.IntLength;
        float sum = 0f;
        for (int i = t; i < length; i += threads)
            sum += x[i] * x[i];
        partial[t] = sum;
    }

    /// <summary>
    /// y[r,t] = sum of x[r,i] over i = t, t + T, t + 2T, ...: thread r T + t of rows x T. Neighbours read neighbours; 4 bytes read
    /// and 1 FLOP an element.
    /// </summary>
    [Kernel]
    internal static void SumRowsKernel(Index1D thread, ArrayView<float> x, int length, int threads, ArrayView<float> y)
    {
        int row = thread / threads;
        int first = row * length;
        float sum = 0f;
        for (int i = thread - row * threads; i < length; i += threads)
            sum += x[first + i];
        y[thread] = sum;
    }

    /// <summary>
    /// y[b,k,c] (+)= sum over the rows r of chunk k of x[b,r,c]: one thread for each (b, k, c), c fastest. 4 bytes read and 1 FLOP
    /// an element.
    /// </summary>
    [Kernel]
    internal static void SumColumnsKernel(Index1D thread, ArrayView<float> x, int rows, int columns, int chunks, int chunkRows,
        int accumulate, ArrayView<float> y)
    {
        int block = thread / columns;
        int c = thread - block * columns;
        int b = block / chunks;
        int first = (block - b * chunks) * chunkRows;
        int end = first + chunkRows < rows ? first + chunkRows : rows;
        float sum = 0f;
        for (int r = first; r < end; r++)
            sum += x[(b * rows + r) * columns + c];
        y[thread] = accumulate != 0 ? y[thread] + sum : sum;
    }
}
