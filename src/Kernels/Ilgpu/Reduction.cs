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

    /// <summary>Rows that one thread adds up.</summary>
    private const int ColumnChunk = 64;

    /// <summary>y[b,c] (+)= sum_r x[b,r,c]: columns of <paramref name="batch"/> matrices of rows x columns, in rounds of 64 rows, in a fixed order.</summary>
    private void SumColumns(Tensor x, int batch, int rows, int columns, bool accumulate, Tensor y)
    {
        if (rows <= ColumnChunk)
        {
            SumChunks(x, batch, rows, columns, 1, accumulate, y);
            return;
        }
        int chunks = (rows + ColumnChunk - 1) / ColumnChunk;
        using var partial = Empty(new Shape(batch, chunks, columns));
        SumChunks(x, batch, rows, columns, chunks, accumulate: false, partial);
        SumColumns(partial, batch, chunks, columns, accumulate, y);
    }

    /// <summary>One round, four columns a thread where that is possible.</summary>
    private void SumChunks(Tensor x, int batch, int rows, int columns, int chunks, bool accumulate, Tensor y)
    {
        if (columns % 4 == 0 && IsAligned(x, y))
            Launch(SumColumns4Kernel, batch * chunks * (columns / 4), View4(x), rows, columns / 4, chunks, ColumnChunk, accumulate ? 1 : 0, View4(y));
        else
            Launch(SumColumnsKernel, batch * chunks * columns, View(x), rows, columns, chunks, ColumnChunk, accumulate ? 1 : 0, View(y));
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

    /// <summary>The same for four columns a thread, 16 bytes a load; <paramref name="columns"/> counts fours.</summary>
    [Kernel]
    internal static void SumColumns4Kernel(Index1D thread, ArrayView<Float4> x, int rows, int columns, int chunks, int chunkRows,
        int accumulate, ArrayView<Float4> y)
    {
        int block = thread / columns;
        int c = thread - block * columns;
        int b = block / chunks;
        int first = (block - b * chunks) * chunkRows;
        int end = first + chunkRows < rows ? first + chunkRows : rows;
        var sum = new Float4();
        for (int r = first; r < end; r++)
            Float4.AddScaled(ref sum, 1f, x[(b * rows + r) * columns + c]);
        if (accumulate != 0)
            Float4.AddScaled(ref sum, 1f, y[thread]);
        y[thread] = sum;
    }
}
