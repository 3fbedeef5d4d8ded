using System.Numerics;
using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>
/// A <see cref="ConvolutionPass"/> of 3x3 taps and stride 1 by the minimal filtering F(2x2, 3x3) of Lavin and Gray 2016, eq. 8:
/// <code>Y = A' [(G w G') * (B' x B)] A, the product element by element and summed over the channels</code>
/// for each 4x4 tile x of the window (tiles two pixels apart) and its 2x2 outputs Y: 16 multiply-adds instead of 36.
/// </summary>
/// <remarks>
/// With B' = (1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1), G = (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1), A' = (1 1 1 0; 0 1 -1 -1).
/// A task takes some rows of tiles (or some small images) and a range of column panels: it transforms its tiles into scratch, V[place][tile][c],
/// then goes panel by panel: 16 matrix products [tiles, C] [C, panel], one for each place of a tile, and the outputs with the epilogue.
/// Rounding errors are about twice those of the direct sum. Multiply-adds: 16/36 N P Q K 9 C, and 32 C + 24 K additions a tile.
/// </remarks>
internal unsafe struct WinogradPass : IJob
{
    /// <summary>Places of a tile.</summary>
    public const int Places = 16;

    /// <summary>Floats of V, about: half a megabyte, the second-level cache; and tiles of a task at most.</summary>
    private const int TaskFloats = 128 * 1024, TaskTiles = 64;

    public ConvolutionPass Pass;

    private int _tileRows, _tileColumns, _bandRows, _bands, _images, _imageGroups, _panelGroups;

    /// <summary>Whether the geometry fits, and what the products save is more than the transformations take.</summary>
    public static bool Suits(in ConvolutionPass pass) => pass is { R: 3, S: 3, Stride: 1, C: >= 16, K: >= 16, P: >= 2, Q: >= 2 }
        && pass.Kernels.Lanes % Vector<float>.Count == 0;

    /// <summary>Sets the blocking, by the shape alone, and returns the number of tasks.</summary>
    public int Plan()
    {
        if (Pass.N == 0)
            return 0;
        (_tileRows, _tileColumns) = ((Pass.P + 1) / 2, (Pass.Q + 1) / 2);
        int target = Math.Clamp(TaskFloats / (Places * Pass.C), 12, TaskTiles);
        _bandRows = Math.Clamp(target / _tileColumns, 1, _tileRows);
        _bands = (_tileRows + _bandRows - 1) / _bandRows;
        _bandRows = (_tileRows + _bands - 1) / _bands;
        _bands = (_tileRows + _bandRows - 1) / _bandRows;
        _images = _bands > 1 ? 1 : Math.Clamp(target / (_tileRows * _tileColumns), 1, Pass.N);
        _imageGroups = (Pass.N + _images - 1) / _images;
        int tileTasks = _bands * _imageGroups;
        _panelGroups = Math.Clamp((Pass.Input.Any ? 8 : 32) / tileTasks, 1, Pass.Kernels.Panels(Pass.K));
        return tileTasks * _panelGroups;
    }

    public readonly void Run(int task)
    {
        int group = task % _panelGroups, band = task / _panelGroups % _bands, first = task / _panelGroups / _bands * _images;
        int images = Math.Min(_images, Pass.N - first), row0 = band * _bandRows, rows = Math.Min(_bandRows, _tileRows - row0);
        int tiles = images * rows * _tileColumns;

        var kernels = Pass.Kernels;
        int c = Pass.C, lanes = Vector<float>.Count, pitch = (c + lanes - 1) / lanes * lanes;
        int windowRows = 2 * rows + 2, windowColumns = 2 * _tileColumns + 2;
        int window = windowRows * windowColumns * c;
        // Planes a cache line off powers of two: their sixteen places would else compete for one set of the cache.
        nint plane = (nint)tiles * pitch + 16, maxWidth = 3 * kernels.Lanes, productPlane = tiles * maxWidth + 16;
        float* windows = Scratch.Get((long)window + lanes + 16 + Places * (plane + productPlane));
        float* v = windows + (window + lanes + 15) / 16 * 16, products = v + Places * plane;
        for (int n = 0; n < images; n++)
        {
            Pass.CopyWindow(windows, first + n, 2 * row0 + Pass.OffsetH, windowRows, windowColumns);
            float* to = v + (nint)n * rows * _tileColumns * pitch;
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < _tileColumns; column++, to += pitch)
                    TransformTile(windows + (2L * row * windowColumns + 2 * column) * c, windowColumns * c, c, to, plane);
            }
        }

        int panels = kernels.Panels(Pass.K);
        for (int panel = group * panels / _panelGroups, end = (group + 1) * panels / _panelGroups; panel < end; panel++)
        {
            int width = kernels.PanelWidth(panel, Pass.K), start = kernels.PanelStart(panel);
            Multiply(v, plane, pitch, Pass.Weights + (long)start * Places * c, width, tiles, products, productPlane);
            Outputs(products, productPlane, width, start, first, images, row0, rows);
        }
    }

    /// <summary>products[place] = V[place] U[place] for one panel of columns.</summary>
    private readonly void Multiply(float* v, nint plane, int pitch, float* weights, int width, int tiles, float* products, nint productPlane)
    {
        int tileRows = Pass.Kernels.Rows(width), zero = 0;
        int* aRows = stackalloc int[MicroKernels.MaxRows], yRows = stackalloc int[MicroKernels.MaxRows];
        Tile tile;
        tile.ARows = aRows;
        tile.YRows = yRows;
        tile.AOuter = tile.BOuter = &zero;
        tile.AStep = 1;
        tile.BStep = tile.ColumnCount = width;
        tile.Outer = 1;
        tile.Inner = Pass.C;
        tile.Bias = null;
        tile.Alpha = 1f;
        tile.Accumulate = false;
        tile.From = 0;
        tile.FromScale = 1f;
        for (int i = 0; i < MicroKernels.MaxRows; i++)
            yRows[i] = i * width;
        for (int place = 0; place < Places; place++, v += plane, products += productPlane)
        {
            tile.B = weights + (nint)place * Pass.C * width;
            for (int i = 0; i < MicroKernels.MaxRows; i++)
                aRows[i] = i * pitch;
            for (int i = 0; i < tiles; i += tileRows)
            {
                tile.A = v + (nint)i * pitch;
                tile.Y = products + (nint)i * width;
                tile.RowCount = Math.Min(tileRows, tiles - i);
                // Rows past the last are read but not kept: they must lie in V.
                for (int j = tile.RowCount; j < tileRows; j++)
                    aRows[j] = (tile.RowCount - 1) * pitch;
                Pass.Kernels.Run(&tile, width);
            }
        }
    }

    /// <summary>B' x B of one tile, a column of channels after the other; the last one reads on into the next pixel, which no one uses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformTile(float* x, nint row, nint pixel, float* v, nint plane)
    {
        for (nint c = 0; c < pixel; c += Vector<float>.Count, x += Vector<float>.Count, v += Vector<float>.Count)
        {
            TransformRow(x, x + 2 * row, pixel, false, v, plane);
            TransformRow(x + row, x + 2 * row, pixel, true, v + 4 * plane, plane);
            TransformRow(x + 2 * row, x + row, pixel, false, v + 8 * plane, plane);
            TransformRow(x + row, x + 3 * row, pixel, false, v + 12 * plane, plane);
        }
    }

    /// <summary>One row of B' x B, of two rows' sum or difference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformRow(float* a, float* b, nint pixel, bool sum, float* v, nint plane)
    {
        Vector<float> t0, t1, t2, t3;
        if (sum)
        {
            t0 = Vector.Load(a) + Vector.Load(b);
            t1 = Vector.Load(a + pixel) + Vector.Load(b + pixel);
            t2 = Vector.Load(a + 2 * pixel) + Vector.Load(b + 2 * pixel);
            t3 = Vector.Load(a + 3 * pixel) + Vector.Load(b + 3 * pixel);
        }
        else
        {
            t0 = Vector.Load(a) - Vector.Load(b);
            t1 = Vector.Load(a + pixel) - Vector.Load(b + pixel);
            t2 = Vector.Load(a + 2 * pixel) - Vector.Load(b + 2 * pixel);
            t3 = Vector.Load(a + 3 * pixel) - Vector.Load(b + 3 * pixel);
        }
        (t0 - t2).Store(v);
        (t1 + t2).Store(v + plane);
        (t2 - t1).Store(v + 2 * plane);
        (t1 - t3).Store(v + 3 * plane);
    }

    /// <summary>The outputs of a panel, tile by tile, through the epilogue.</summary>
    private readonly void Outputs(float* products, nint plane, int width, int start, int first, int images, int row0, int rows)
    {
        int lanes = Vector<float>.Count, count = Math.Min(width, Pass.K - start);
        for (int n = 0; n < images; n++)
        {
            float* bias = Pass.Bias == null ? null : Pass.Bias + (long)(first + n) * Pass.BiasImage + start;
            float* image = Pass.Y + (long)(first + n) * Pass.YImage + start;
            for (int row = 2 * row0; row < 2 * (row0 + rows); row += 2)
            {
                for (int column = 0; column < Pass.Q; column += 2, products += width)
                {
                    float* y = image + (long)row * Pass.YRow + (long)column * Pass.YPixel;
                    for (int j = 0; j < count; j += lanes)
                        OutputTile(products + j, plane, bias == null ? null : bias + j, y + j, row + 1 < Pass.P, column + 1 < Pass.Q, count - j);
                }
            }
        }
    }

    /// <summary>A' m A of one tile for one vector of channels; the second row or column may lie outside the image.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void OutputTile(float* m, nint plane, float* bias, float* y, bool below, bool right, int count)
    {
        Vector<float> s00, s10, s01, s11, s02, s12, s03, s13;
        Sum(m, plane, out s00, out s10);
        Sum(m + plane, plane, out s01, out s11);
        Sum(m + 2 * plane, plane, out s02, out s12);
        Sum(m + 3 * plane, plane, out s03, out s13);
        var b = bias == null ? default : Vector.Load(bias);
        Finish(s00 + s01 + s02, b, y, count);
        if (right)
            Finish(s01 - s02 - s03, b, y + Pass.YPixel, count);
        if (!below)
            return;
        Finish(s10 + s11 + s12, b, y + Pass.YRow, count);
        if (right)
            Finish(s11 - s12 - s13, b, y + Pass.YRow + Pass.YPixel, count);
    }

    /// <summary>A' of one column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sum(float* m, nint plane, out Vector<float> top, out Vector<float> bottom)
    {
        Vector<float> m1 = Vector.Load(m + 4 * plane), m2 = Vector.Load(m + 8 * plane);
        top = Vector.Load(m) + m1 + m2;
        bottom = m1 - m2 - Vector.Load(m + 12 * plane);
    }

    /// <summary>act(scale (sum + residual) + bias)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Finish(Vector<float> sum, Vector<float> bias, float* y, int count)
    {
        bool part = count < Vector<float>.Count;
        if (Pass.Residual != null)
        {
            float* residual = Pass.Residual + (y - Pass.Y);
            sum += part ? Simd.Load(residual, count) : Vector.Load(residual);
        }
        sum = Vector.MultiplyAddEstimate(sum, new Vector<float>(Pass.Scale), bias);
        if (Pass.Silu)
            sum = Simd.Silu(sum);
        if (part)
            Simd.Store(sum, y, count);
        else
            sum.Store(y);
    }

    /// <summary>U = G w G' of one panel: nine taps [9][length] to sixteen places [16][length].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformWeights(float* taps, nint length, float* places)
    {
        for (nint i = 0; i < length; i += Vector<float>.Count)
        {
            float* w = taps + i, u = places + i;
            Vector<float> w0 = Vector.Load(w), w1 = Vector.Load(w + length), w2 = Vector.Load(w + 2 * length);
            Vector<float> w3 = Vector.Load(w + 3 * length), w4 = Vector.Load(w + 4 * length), w5 = Vector.Load(w + 5 * length);
            Vector<float> w6 = Vector.Load(w + 6 * length), w7 = Vector.Load(w + 7 * length), w8 = Vector.Load(w + 8 * length);
            TransformWeightRow(w0, w1, w2, u, length);
            Vector<float> half = new(0.5f), s0 = half * (w0 + w6), s1 = half * (w1 + w7), s2 = half * (w2 + w8);
            TransformWeightRow(s0 + half * w3, s1 + half * w4, s2 + half * w5, u + 4 * length, length);
            TransformWeightRow(s0 - half * w3, s1 - half * w4, s2 - half * w5, u + 8 * length, length);
            TransformWeightRow(w6, w7, w8, u + 12 * length, length);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformWeightRow(Vector<float> a, Vector<float> b, Vector<float> c, float* u, nint length)
    {
        var half = new Vector<float>(0.5f);
        Vector<float> sum = half * (a + c), middle = half * b;
        a.Store(u);
        (sum + middle).Store(u + length);
        (sum - middle).Store(u + 2 * length);
        c.Store(u + 3 * length);
    }
}
