using System.Runtime.Intrinsics;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>
/// A <see cref="ConvolutionPass"/> of 3x3 taps and stride 1 by the minimal filtering F(2x2, 3x3) of Lavin and Gray 2016, eq. 8:
/// <code>Y = A' [(G w G') * (B' x B)] A, the product element by element and summed over the channels</code>
/// for each 4x4 tile x of the window (tiles two pixels apart) and its 2x2 outputs Y: 16 multiply-adds instead of 36.
/// </summary>
/// <remarks>
/// With B' = (1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1), G = (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1), A' = (1 1 1 0; 0 1 -1 -1).
/// A task takes some rows of tiles (or some small images) and a range of column panels: it transforms its tiles into scratch,
/// V[place][tile][c], then goes panel by panel: 16 matrix products [tiles, C] [C, panel], one for each place of a tile, and the outputs
/// with the epilogue. Rounding errors are about twice those of the direct sum. Multiply-adds: 16/36 N P Q K 9 C, and 32 C + 24 K additions
/// a tile.
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
        && pass.Kernels.Lanes >= 4;

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
        // Each group transforms the tiles again.
        _panelGroups = Math.Clamp((Pass.Input.Any ? 8 : 16) / tileTasks, 1, Pass.Kernels.Panels(Pass.K));
        return tileTasks * _panelGroups;
    }

    public readonly void Run(int task)
    {
        switch (Pass.Kernels.Lanes)
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
        int group = task % _panelGroups, band = task / _panelGroups % _bands, first = task / _panelGroups / _bands * _images;
        int images = Math.Min(_images, Pass.N - first), row0 = band * _bandRows, rows = Math.Min(_bandRows, _tileRows - row0);
        int tiles = images * rows * _tileColumns;

        var kernels = Pass.Kernels;
        int c = Pass.C, lanes = TLanes.Count, pitch = (c + lanes - 1) / lanes * lanes;
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
                    WinogradTile<TLanes, V>.Input(windows + (2L * row * windowColumns + 2 * column) * c, windowColumns * c, c,
                        c, to, plane);
            }
        }

        int panels = kernels.Panels(Pass.K);
        for (int panel = group * panels / _panelGroups, end = (group + 1) * panels / _panelGroups; panel < end; panel++)
        {
            int width = kernels.PanelWidth(panel, Pass.K), start = kernels.PanelStart(panel);
            Multiply(v, plane, pitch, Pass.Weights + (long)start * Places * c, width, tiles, products, productPlane);
            Outputs<TLanes, V>(products, productPlane, width, start, first, images, row0, rows);
        }
    }

    /// <summary>products[place] = V[place] U[place] for one panel of columns.</summary>
    private readonly void Multiply(float* v, nint plane, int pitch, float* weights, int width, int tiles, float* products,
        nint productPlane)
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

    /// <summary>The outputs of a panel, tile by tile, through the epilogue.</summary>
    private readonly void Outputs<TLanes, V>(float* products, nint plane, int width, int start, int first, int images, int row0, int rows)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        int count = Math.Min(width, Pass.K - start);
        var output = new WinogradOutput<TLanes, V>
        {
            Plane = plane,
            YPixel = Pass.YPixel,
            YRow = Pass.YRow,
            Residual = Pass.Residual == null ? 0 : (nint)(Pass.Residual - Pass.Y),
            HasResidual = Pass.Residual != null,
            Scale = Pass.Scale,
            Silu = Pass.Silu,
        };
        for (int n = 0; n < images; n++)
        {
            float* bias = Pass.Bias == null ? null : Pass.Bias + (long)(first + n) * Pass.BiasImage + start;
            float* image = Pass.Y + (long)(first + n) * Pass.YImage + start;
            for (int row = 2 * row0; row < 2 * (row0 + rows); row += 2)
            {
                float* y = image + (long)row * Pass.YRow;
                int whole = row + 1 < Pass.P && count % TLanes.Count == 0 ? Pass.Q / 2 : 0;
                output.Whole(products, width, bias, y, whole, count);
                products += (nint)whole * width;
                for (int column = 2 * whole; column < Pass.Q; column += 2, products += width)
                    output.Part(products, bias, y + (long)column * Pass.YPixel, row + 1 < Pass.P, column + 1 < Pass.Q, count);
            }
        }
    }

    /// <summary>U = G w G' of one panel: nine taps [9][length] to sixteen places [16][length]; whole registers of these lanes.</summary>
    public static void TransformWeights(int lanes, float* taps, nint length, float* places)
    {
        if (lanes == 16)
            WinogradTile<Lanes16, Vector512<float>>.Weights(taps, length, places);
        else if (lanes == 8)
            WinogradTile<Lanes8, Vector256<float>>.Weights(taps, length, places);
        else
            WinogradTile<Lanes4, Vector128<float>>.Weights(taps, length, places);
    }
}
