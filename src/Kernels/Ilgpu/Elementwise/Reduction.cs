using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>
    /// Elements that one thread adds up, about; a longer row is summed in several rounds. Few, since late rounds have few threads and wait
    /// for each load.
    /// </summary>
    private const int SumChunk = 64;

    private protected override void SumCore(Tensor x, Tensor y) => SumRows(View(x), 1, x.Length, View(y));

    private protected override void SumOfSquaresCore(Tensor x, Tensor y)
    {
        int threads = Partials(x.Length);
        using var partial = Empty(new Shape(threads));
        if (InFours(x))
            Launch(SumOfSquares4Kernel, threads, View4(x), x.Length / 4, View(partial));
        else
            Launch(SumOfSquaresKernel, threads, View(x), x.Length, View(partial));
        SumRows(View(partial), 1, threads, View(y));
    }

    /// <summary>
    /// y[r] = sum_i x[r,i] for <paramref name="rows"/> rows of <paramref name="length"/> elements, in rounds of strided partial sums.
    /// </summary>
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

    /// <summary>Threads for a row: a function of its length alone. At most 65,536, so that three rounds more end it.</summary>
    private static int Partials(int length) => length <= SumChunk ? 1 : Math.Min(65536, (length + SumChunk - 1) / SumChunk);

    /// <summary>Rows that one thread adds up; a quarter of it in rounds of <see cref="FewThreads"/>.</summary>
    private const int ColumnChunk = 64;

    /// <summary>
    /// Threads with four loads of 16 bytes on their way that a large GPU's memory is not busy with, though there is enough to read that it
    /// could be. With fewer, time is that of the loads one behind the other, and rounds cost more than they save.
    /// </summary>
    private static bool FewThreads(long threads) => threads is >= 1 << 13 and < 1 << 16;

    /// <summary>
    /// y[b,c] (+)= sum_r x[b,r,c]: columns of <paramref name="batch"/> matrices of rows x columns, in rounds of 64 or 16 rows, in a fixed
    /// order.
    /// </summary>
    private void SumColumns(Tensor x, int batch, int rows, int columns, bool accumulate, Tensor y)
    {
        if (x.Type == ElementType.BFloat16 && columns % 4 != 0)
        {
            using var wide = Empty(x.Shape);
            ConvertCore(x, wide);
            SumColumns(wide, batch, rows, columns, accumulate, y);
            return;
        }
        if (rows <= ColumnChunk && (x.Type == ElementType.Float32 || Aligned(y)))
        {
            SumChunks(x, batch, rows, columns, 1, ColumnChunk, accumulate, y);
            return;
        }
        int chunk = FewThreads((long)batch * rows / ColumnChunk * columns / 4) ? ColumnChunk / 4 : ColumnChunk;
        int chunks = (rows + chunk - 1) / chunk;
        using var partial = Empty(new Shape(batch, chunks, columns));
        SumChunks(x, batch, rows, columns, chunks, chunk, accumulate: false, partial);
        SumColumns(partial, batch, chunks, columns, accumulate, y);
    }

    /// <summary>One round, four columns a thread where that is possible.</summary>
    private void SumChunks(Tensor x, int batch, int rows, int columns, int chunks, int chunkRows, bool accumulate, Tensor y)
    {
        if (x.Type == ElementType.BFloat16)
            Launch(SumColumns4BFloat16Kernel, batch * chunks * (columns / 4), Bits4(x), rows, columns / 4, chunks, chunkRows,
                accumulate ? 1 : 0, View4(y));
        else if (columns % 4 == 0 && AreAligned(x, y))
            Launch(SumColumns4Kernel, batch * chunks * (columns / 4), View4(x), rows, columns / 4, chunks, chunkRows,
                accumulate ? 1 : 0, View4(y));
        else
            Launch(SumColumnsKernel, batch * chunks * columns, View(x), rows, columns, chunks, chunkRows, accumulate ? 1 : 0, View(y));
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
    /// The same in fours, with eight loads of 16 bytes on their way at once: a number of threads that does not grow with x covers memory's
    /// latency only so.
    /// </summary>
    [Kernel(128, Hot = true)]
    internal static void SumOfSquares4Kernel(Index1D t, ArrayView<Float4> x, int length, ArrayView<float> partial)
    {
        int threads = partial.IntLength;
        var sum = new Float4();
        int at = t;
        for (; at + 7L * threads < length; at += 8 * threads)
        {
            var a = x[at];
            var b = x[at + threads];
            var c = x[at + 2 * threads];
            var d = x[at + 3 * threads];
            var e = x[at + 4 * threads];
            var f = x[at + 5 * threads];
            var g = x[at + 6 * threads];
            var h = x[at + 7 * threads];
            Float4.AddProduct(ref sum, a, a);
            Float4.AddProduct(ref sum, b, b);
            Float4.AddProduct(ref sum, c, c);
            Float4.AddProduct(ref sum, d, d);
            Float4.AddProduct(ref sum, e, e);
            Float4.AddProduct(ref sum, f, f);
            Float4.AddProduct(ref sum, g, g);
            Float4.AddProduct(ref sum, h, h);
        }
        for (; at < length; at += threads)
        {
            var a = x[at];
            Float4.AddProduct(ref sum, a, a);
        }
        partial[t] = Float4.Sum(sum);
    }

    /// <summary>
    /// y[r,t] = sum of x[r,i] over i = t, t + T, t + 2T, ...: thread r T + t of rows x T. Neighbours read neighbours; 4 bytes read
    /// and 1 FLOP an element. Sixteen loads are on their way at once, since the last rounds have too few threads to wait for them one by
    /// one.
    /// </summary>
    [Kernel(128)]
    internal static void SumRowsKernel(Index1D thread, ArrayView<float> x, int length, int threads, ArrayView<float> y)
    {
        int row = thread / threads;
        int first = row * length;
        float sum = 0f;
        int i = thread - row * threads;
        for (; i + 15L * threads < length; i += 16 * threads)
        {
            int at = first + i;
            float a = SumOf4(x, at, threads);
            float b = SumOf4(x, at + 4 * threads, threads);
            float c = SumOf4(x, at + 8 * threads, threads);
            float d = SumOf4(x, at + 12 * threads, threads);
            sum += a + b + (c + d);
        }
        for (; i < length; i += threads)
            sum += x[first + i];
        y[thread] = sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SumOf4(ArrayView<float> x, int at, int step) => x[at] + x[at + step] + (x[at + 2 * step] + x[at + 3 * step]);

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

    /// <summary>
    /// The same for four columns a thread, 16 bytes a load; <paramref name="columns"/> counts fours. Sixteen loads do not wait for one
    /// another (ptxas keeps four on their way): the last rounds have a few hundred threads, whose time is that of their loads one behind
    /// the other.
    /// </summary>
    [Kernel(128)]
    internal static void SumColumns4Kernel(Index1D thread, ArrayView<Float4> x, int rows, int columns, int chunks, int chunkRows,
        int accumulate, ArrayView<Float4> y) =>
        SumColumns4<InFloat32, Float4>(thread, x, rows, columns, chunks, chunkRows, accumulate, y);

    /// <summary>The same over BF16, to float32.</summary>
    [Kernel(128)]
    internal static void SumColumns4BFloat16Kernel(Index1D thread, ArrayView<BFloat16x4> x, int rows, int columns, int chunks,
        int chunkRows, int accumulate, ArrayView<Float4> y) =>
        SumColumns4<InBFloat16, BFloat16x4>(thread, x, rows, columns, chunks, chunkRows, accumulate, y);

    /// <summary>x[at] + x[at + step] + x[at + 2 step] + x[at + 3 step]: four loads on their way at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 SumOf4<TE, T>(ArrayView<T> x, int at, int step)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged => Float4.Add(
            Float4.Add(TE.Widen(x[at]), TE.Widen(x[at + step])), Float4.Add(TE.Widen(x[at + 2 * step]), TE.Widen(x[at + 3 * step])));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumColumns4<TE, T>(Index1D thread, ArrayView<T> x, int rows, int columns, int chunks, int chunkRows,
        int accumulate, ArrayView<Float4> y)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        int block = thread / columns;
        int c = thread - block * columns;
        int b = block / chunks;
        int first = (block - b * chunks) * chunkRows;
        int end = first + chunkRows < rows ? first + chunkRows : rows;
        var sum = new Float4();
        int at = (b * rows + first) * columns + c;
        int left = end - first;
        for (; left >= 16; left -= 16)
        {
            var s0 = SumOf4<TE, T>(x, at, columns);
            var s1 = SumOf4<TE, T>(x, at + 4 * columns, columns);
            var s2 = SumOf4<TE, T>(x, at + 8 * columns, columns);
            var s3 = SumOf4<TE, T>(x, at + 12 * columns, columns);
            sum = Float4.Add(sum, Float4.Add(Float4.Add(s0, s1), Float4.Add(s2, s3)));
            at += 16 * columns;
        }
        for (; left >= 4; left -= 4)
        {
            sum = Float4.Add(sum, SumOf4<TE, T>(x, at, columns));
            at += 4 * columns;
        }
        for (; left > 0; left--)
        {
            sum = Float4.Add(sum, TE.Widen(x[at]));
            at += columns;
        }
        if (accumulate != 0)
            sum = Float4.Add(sum, y[thread]);
        y[thread] = sum;
    }
}
