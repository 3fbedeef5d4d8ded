using System.Runtime.Intrinsics;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>
/// dw of a 3x3 convolution of stride 1 by the transpose of <see cref="WinogradPass"/>'s filtering, which is F(3x3, 2x2):
/// <code>dw += G' [sum over tiles of (A dy A') * (B' x B)] G, the products element by element</code>
/// for each 2x2 tile of dy and the 4x4 tile x under it: 16 multiply-adds instead of 36.
/// </summary>
/// <remarks>
/// A task takes a slice of the rows of tiles and some panels of input channels. Block after block it transforms tiles into scratch,
/// V[place][panel][tile][c] and D[place][tile][k], and adds 16 matrix products [K, tiles] [tiles, c] to the slice's own sums, which stay in
/// the second-level cache;
/// <see cref="WinogradWgradSum"/> adds the slices up, first to last. Their number follows from the shape alone.
/// Multiply-adds: 16/36 N P Q K 9 C. Bytes: x once, dy once a group of panels, the sums, 16/9 of dw, once a slice.
/// </remarks>
internal unsafe struct WinogradWgrad : IJob
{
    /// <summary>Floats of the sums of one task, about: half a megabyte; and of sums and transformed tiles.</summary>
    private const int SumFloats = 128 * 1024, TaskFloats = 224 * 1024;

    /// <summary>Floats of the sums of all slices, where there is more than one: 8 MiB.</summary>
    private const int SliceLimit = 2 * 1024 * 1024;

    /// <summary>Channels whose products would rather lose: their sums would not stay in the cache.</summary>
    private const int MaxChannels = 1024;

    public MicroKernels Kernels;

    /// <summary>How x is read: the pass of the forward convolution.</summary>
    public ConvolutionPass Input;

    public float* Dy;

    /// <summary>[slices][place][panel][k][c]: the sums.</summary>
    public float* Partial;

    /// <summary>[slices, K], or null: sums of dy over the pixels of a slice.</summary>
    public float* BiasPartial;

    private int _tileRows, _tileColumns, _blockRows, _groups;

    public int Slices { get; private set; }

    /// <summary>Floats of a slice.</summary>
    public readonly int SliceFloats => WinogradPass.Places * Input.K * Kernels.Padded(Input.C);

    /// <summary>Chooses the blocking and returns the number of tasks; 0 if direct sums are better.</summary>
    public int Plan()
    {
        int c = Input.C, k = Input.K, panels = Kernels.Panels(c);
        if (!WinogradPass.Suits(Input) || c > MaxChannels || k > MaxChannels)
            return 0;
        (_tileRows, _tileColumns) = ((Input.P + 1) / 2, (Input.Q + 1) / 2);
        int units = Input.N * _tileRows, columns = Math.Max(2 * Kernels.Lanes, SumFloats / (WinogradPass.Places * k));
        _groups = Math.Min(panels, (c + columns - 1) / columns);
        columns = Math.Min(c, (panels + _groups - 1) / _groups * 2 * Kernels.Lanes);
        int tiles = (TaskFloats - (WinogradPass.Places * k * columns)) / WinogradPass.Places / (columns + k);
        _blockRows = Math.Max(1, Math.Clamp(tiles, 32, 128) / _tileColumns);
        Slices = (int)Math.Clamp((long)units * _tileColumns / 256, Math.Max(1, 8 / _groups), Math.Max(1, 32 / _groups));
        Slices = Math.Clamp(SliceLimit / SliceFloats, 1, Math.Min(Slices, units));
        return Slices * _groups;
    }

    public readonly void Run(int task)
    {
        switch (Kernels.Lanes)
        {
            case 16:
                Run<Lanes16, Vector512<float>>(task);
                break;
            case 8:
                Run<Lanes8, Vector256<float>>(task);
                break;
            default:
                Run<Lanes4, Vector128<float>>(task);
                break;
        }
    }

    private readonly void Run<TLanes, V>(int task)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        int group = task % _groups, slice = task / _groups, c = Input.C, k = Input.K, panels = Kernels.Panels(c);
        int first = group * panels / _groups, end = (group + 1) * panels / _groups;
        int units = Input.N * _tileRows, firstUnit = (int)((long)units * slice / Slices),
            endUnit = (int)((long)units * (slice + 1) / Slices);
        int from = Kernels.PanelStart(first), columns = Kernels.PanelStart(end - 1) + Kernels.PanelWidth(end - 1, c) - from;
        int tiles = _blockRows * _tileColumns, windowColumns = 2 * _tileColumns + 2, pitch = Kernels.Padded(k);
        int channels = Math.Min(columns, c - from), window = (2 * _blockRows + 2) * windowColumns * channels;
        // Planes a cache line off powers of two, as in the forward pass.
        nint planeV = (nint)tiles * columns + 16, planeD = (nint)tiles * pitch + 16;
        int pixels = 2 * (Input.Q + 1) * pitch;
        float* v = Scratch.Get(WinogradPass.Places * (planeV + planeD) + pixels + window + 3 * TLanes.Count);
        float* d = v + WinogradPass.Places * planeV, dy = d + WinogradPass.Places * planeD, windows = dy + pixels;
        float* partial = Partial + (long)slice * SliceFloats;
        float* bias = BiasPartial == null || group > 0 ? null : BiasPartial + (long)slice * k;
        if (bias != null)
            new Span<float>(bias, k).Clear();
        for (int unit = firstUnit; unit < endUnit; unit += _blockRows)
        {
            int rows = Math.Min(_blockRows, endUnit - unit);
            for (int u = 0, run; u < rows; u += run)
            {
                // Rows of tiles of one image, which share a window.
                int n = (unit + u) / _tileRows, p = 2 * (unit + u - n * _tileRows), tile = u * _tileColumns;
                run = Math.Min(rows - u, _tileRows - p / 2);
                Input.CopyWindow(windows, n, p + Input.OffsetH, 2 * run + 2, windowColumns, from, channels);
                for (int panel = first; panel < end; panel++)
                {
                    int width = Kernels.PanelWidth(panel, c), start = Kernels.PanelStart(panel) - from;
                    float* to = v + (nint)start * tiles + (nint)tile * width;
                    for (int i = 0; i < run; i++)
                    {
                        float* x = windows + 2 * i * windowColumns * channels + start;
                        for (int column = 0; column < _tileColumns; column++, x += 2 * channels, to += width)
                            WinogradTile<TLanes, V>.Input(x, windowColumns * channels, channels, width, to, planeV);
                    }
                }
                float* row = Dy + ((long)n * Input.P + p) * Input.Q * k;
                if (bias != null)
                    WgradSlices.AddPixels(row, bias, Math.Min(2 * run, Input.P - p) * Input.Q, k);
                for (int i = 0; i < run; i++, p += 2, row += 2 * Input.Q * k)
                    Gradients<TLanes, V>(row, Math.Min(2, Input.P - p), dy, pitch, d + (nint)(tile + i * _tileColumns) * pitch, planeD);
            }
            for (int panel = first; panel < end; panel++)
            {
                int start = Kernels.PanelStart(panel);
                Multiply(d, planeD, pitch, v + (nint)(start - from) * tiles, planeV, rows * _tileColumns, panel, partial + start * k,
                    unit > firstUnit);
            }
        }
    }

    /// <summary>A row of tiles of dy: what lies outside the image or past the last channel reads as zeros, from a copy.</summary>
    private readonly void Gradients<TLanes, V>(float* row, int rows, float* copy, int pitch, float* d, nint plane)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        int k = Input.K, q = Input.Q;
        if (rows == 2 && q % 2 == 0 && pitch == k)
        {
            for (int column = 0; column < _tileColumns; column++, row += 2 * k, d += pitch)
                WinogradTile<TLanes, V>.OutputGradient(row, row + k, row + q * k, row + q * k + k, k, d, plane);
            return;
        }
        int width = 2 * _tileColumns;
        new Span<float>(copy, 2 * width * pitch).Clear();
        for (int r = 0; r < rows; r++)
        {
            for (int column = 0; column < q; column++, row += k)
                new ReadOnlySpan<float>(row, k).CopyTo(new Span<float>(copy + (r * width + column) * pitch, k));
        }
        for (int column = 0; column < _tileColumns; column++, copy += 2 * pitch, d += pitch)
            WinogradTile<TLanes, V>.OutputGradient(copy, copy + pitch, copy + width * pitch, copy + width * pitch + pitch, pitch, d, plane);
    }

    /// <summary>sums[place] (+)= D[place]' V[place] for one panel of columns.</summary>
    private readonly void Multiply(float* d, nint planeD, int pitch, float* v, nint planeV, int tiles, int panel, float* sums,
        bool accumulate)
    {
        int k = Input.K, width = Kernels.PanelWidth(panel, Input.C), tileRows = Kernels.Rows(width), zero = 0;
        int* aRows = stackalloc int[MicroKernels.MaxRows], yRows = stackalloc int[MicroKernels.MaxRows];
        Tile tile;
        tile.ARows = aRows;
        tile.YRows = yRows;
        tile.AOuter = tile.BOuter = &zero;
        tile.AStep = pitch;
        tile.BStep = tile.ColumnCount = width;
        tile.Outer = 1;
        tile.Inner = tiles;
        tile.Bias = null;
        tile.Alpha = tile.FromScale = 1f;
        tile.From = 0;
        tile.Accumulate = accumulate;
        for (int i = 0; i < MicroKernels.MaxRows; i++)
            yRows[i] = i * width;
        for (int place = 0; place < WinogradPass.Places; place++, d += planeD, v += planeV, sums += k * Kernels.Padded(Input.C))
        {
            tile.B = v;
            for (int i = 0; i < MicroKernels.MaxRows; i++)
                aRows[i] = i;
            for (int i = 0; i < k; i += tileRows)
            {
                tile.A = d + i;
                tile.Y = sums + i * width;
                tile.RowCount = Math.Min(tileRows, k - i);
                for (int j = tile.RowCount; j < tileRows; j++)
                    aRows[j] = tile.RowCount - 1;
                Kernels.Run(&tile, width);
            }
        }
    }
}

/// <summary>dw += G' (the slices' sums, in the order of the slices) G; a task is one k. Bytes: every slice once, dw in and out.</summary>
internal unsafe struct WinogradWgradSum : IJob
{
    public MicroKernels Kernels;
    public float* Partial, Dw;
    public int Slices, C, K;

    public readonly void Run(int k)
    {
        switch (Kernels.Lanes)
        {
            case 16:
                Run<Lanes16, Vector512<float>>(k);
                break;
            case 8:
                Run<Lanes8, Vector256<float>>(k);
                break;
            default:
                Run<Lanes4, Vector128<float>>(k);
                break;
        }
    }

    private readonly void Run<TLanes, V>(int k)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        nint place = (nint)K * Kernels.Padded(C), slice = WinogradPass.Places * place;
        float* taps = stackalloc float[9 * TLanes.Count];
        for (int panel = 0; panel < Kernels.Panels(C); panel++)
        {
            int width = Kernels.PanelWidth(panel, C), start = Kernels.PanelStart(panel), count = Math.Min(width, C - start);
            float* sums = Partial + (nint)start * K + (nint)k * width, dw = Dw + (nint)k * 9 * C + start;
            for (int j = 0; j < count; j += TLanes.Count)
            {
                WinogradTile<TLanes, V>.Taps(sums + j, place, Slices, slice, taps);
                int columns = Math.Min(TLanes.Count, count - j);
                for (int tap = 0; tap < 9; tap++)
                {
                    float* to = dw + (nint)tap * C + j, from = taps + tap * TLanes.Count;
                    if (columns == TLanes.Count)
                    {
                        TLanes.Store(TLanes.Add(TLanes.Load(to), TLanes.Load(from)), to);
                        continue;
                    }
                    for (int i = 0; i < columns; i++)
                        to[i] += from[i];
                }
            }
        }
    }
}
