using BDense.Kernels.Reference.Convolution;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference;

public unsafe partial class ReferenceBackend
{
    /// <summary>Floats of x and dy that are packed at a time: 8 MiB.</summary>
    private const long WgradChunk = 2 * 1024 * 1024;

    private const int LinePixels = 256;

    /// <remarks>
    /// 3x3 of stride 1: <see cref="WinogradWgrad"/>. Another small dw: <see cref="WgradSlices"/>. Others in chunks of some images: pack x
    /// (with its padding) and dy into panels of channels, then one <see cref="WgradPass"/>. Gradients grow in dw itself, chunk after chunk
    /// and step after step: no partial copies of dw, and an order that no thread count changes.
    /// </remarks>
    private protected override void Conv2dWgradCore(in Conv2dShape shape, Tensor x, Tensor dy, Tensor dw, Tensor? dbias) =>
        Wgrad(Flatten(shape), x, default, dy, dw, dbias);

    private void Wgrad(in Conv2dShape s, Tensor x, in ConvolutionInput input, Tensor dy, Tensor dw, Tensor? dbias)
    {
        if (s.N == 0)
            return;
        if (WgradByWinograd(s, x, input, dy, dw, dbias))
            return;
        if (WgradBySlices(s, x, input, dy, dw, dbias))
            return;
        var (p, q) = (s.P, s.Q);
        int windowRows = (s.Stride * (p - 1)) + s.R, windowColumns = (s.Stride * (q - 1)) + s.S;

        bool transposed = WgradWork(s.K, s.C) < WgradWork(s.C, s.K);
        var columns = PanelCut.Columns(_kernels, transposed ? s.K : s.C);
        int lanes = _kernels.Lanes;
        int rowWidth = columns.Count > 1 && columns.LastWidth == 3 * lanes && lanes < 16 ? 12 : _kernels.Rows(columns.LastWidth);
        var rows = PanelCut.Rows(transposed ? s.C : s.K, rowWidth);
        var (cutX, cutDy) = transposed ? (rows, columns) : (columns, rows);

        long imageX = (long)windowRows * windowColumns * cutX.PaddedChannels, imageDy = (long)p * q * cutDy.PaddedChannels;
        int chunk = (int)Math.Clamp(WgradChunk / (imageX + imageDy), 1, s.N);
        int dyLines = Math.Max(1, LinePixels / q);
        int sums = dbias is null ? 0 : (((chunk * p) + dyLines - 1) / dyLines) * s.K;
        long sizeX = (imageX * chunk + 15) / 16 * 16, sizeDy = (imageDy * chunk + 15) / 16 * 16;
        var storage = Pool.Rent(checked((int)(sizeX + sizeDy + sums)));
        float* packedX = ((NativeStorage)storage).Pointer, packedDy = packedX + sizeX;

        for (int n = 0; n < s.N; n += chunk)
        {
            int images = Math.Min(chunk, s.N - n);
            var packX = new PackChannels
            {
                Cut = cutX,
                X = Pointer(x) + (n * (input.Any ? input.ImageFloats : (long)s.H * s.W * s.C)),
                Input = input.From(n),
                Packed = packedX,
                H = s.H,
                W = s.W,
                Lines = images * windowRows,
                LinesPerImage = windowRows,
                Columns = windowColumns,
                OffsetH = -s.PadBegin,
                OffsetW = -s.PadBegin,
                LinesPerTask = Math.Max(1, LinePixels / windowColumns),
            };
            Workers.Run(packX, packX.Tasks);
            var packDy = new PackChannels
            {
                Cut = cutDy,
                X = Pointer(dy) + ((long)n * p * q * s.K),
                Packed = packedDy,
                Sums = dbias is null ? null : packedDy + sizeDy,
                H = p,
                W = q,
                Lines = images * p,
                LinesPerImage = p,
                Columns = q,
                LinesPerTask = dyLines,
            };
            Workers.Run(packDy, packDy.Tasks);

            var pass = new WgradPass
            {
                Kernels = _kernels,
                Shape = s with { N = images },
                Transposed = transposed,
                ColumnCut = columns,
                RowCut = rows,
                PackedX = packedX,
                PackedDy = packedDy,
                Dw = Pointer(dw),
                LinesPerStep = Math.Clamp(LinePixels / q, 1, images * p),
            };
            Workers.Run(pass, pass.Plan());

            if (dbias is not null)
            {
                float* total = Pointer(dbias);
                for (int i = 0; i < packDy.Tasks; i++)
                {
                    for (int k = 0; k < s.K; k++)
                        total[k] += packDy.Sums[((long)i * s.K) + k];
                }
            }
        }
        Pool.Return(storage);
    }

    private bool WgradByWinograd(in Conv2dShape s, Tensor x, in ConvolutionInput input, Tensor dy, Tensor dw, Tensor? dbias)
    {
        var source = new ConvolutionPass
        {
            Kernels = _kernels,
            X = Pointer(x),
            Input = input,
            N = s.N,
            H = s.H,
            W = s.W,
            C = s.C,
            P = s.P,
            Q = s.Q,
            K = s.K,
            R = s.R,
            S = s.S,
            Stride = s.Stride,
            OffsetH = -s.PadBegin,
            OffsetW = -s.PadBegin,
        };
        var pass = new WinogradWgrad { Kernels = _kernels, Input = source, Dy = Pointer(dy) };
        int tasks = pass.Plan();
        if (tasks == 0)
            return false;
        int size = checked(pass.SliceFloats * pass.Slices);
        var storage = Pool.Rent(checked(size + (pass.Slices * s.K)));
        pass.Partial = ((NativeStorage)storage).Pointer;
        pass.BiasPartial = dbias is null ? null : pass.Partial + size;
        Workers.Run(pass, tasks);
        Workers.Run(new WinogradWgradSum
        {
            Kernels = _kernels,
            Partial = pass.Partial,
            Dw = Pointer(dw),
            Slices = pass.Slices,
            C = s.C,
            K = s.K,
        }, s.K);
        if (dbias is not null)
            AddBiases(pass.BiasPartial, pass.Slices, s.K, Pointer(dbias));
        Pool.Return(storage);
        return true;
    }

    /// <summary>total += the slices' sums, first to last.</summary>
    private static void AddBiases(float* partial, int slices, int outputs, float* total)
    {
        for (int i = 0; i < slices; i++)
        {
            for (int k = 0; k < outputs; k++)
                total[k] += partial[(i * outputs) + k];
        }
    }

    private bool WgradBySlices(in Conv2dShape s, Tensor x, in ConvolutionInput input, Tensor dy, Tensor dw, Tensor? dbias)
    {
        var pass = new WgradSlices { Kernels = _kernels, Shape = s, X = Pointer(x), Input = input, Dy = Pointer(dy) };
        if (!pass.Plan())
            return false;
        int size = pass.Rows * pass.Pitch * pass.Slices;
        var storage = Pool.Rent(size + (pass.Slices * s.K));
        pass.Partial = ((NativeStorage)storage).Pointer;
        pass.BiasPartial = dbias is null ? null : pass.Partial + size;
        Workers.Run(pass, pass.Slices);
        var sum = new WgradSlicesSum
        {
            Partial = pass.Partial,
            Dw = Pointer(dw),
            Slices = pass.Slices,
            Rows = pass.Rows,
            Pitch = pass.Pitch,
            Columns = pass.OutputColumns ? s.K : s.C,
            OutputColumns = pass.OutputColumns,
        };
        Workers.Run(sum, (pass.Rows + WgradSlicesSum.RowsPerTask - 1) / WgradSlicesSum.RowsPerTask);
        if (dbias is not null)
            AddBiases(pass.BiasPartial, pass.Slices, s.K, Pointer(dbias));
        Pool.Return(storage);
        return true;
    }

    /// <summary>A 1x1 convolution of stride 1 knows no image: its pixels are regrouped into lines of a good length.</summary>
    private static Conv2dShape Flatten(in Conv2dShape s)
    {
        if (s is not { R: 1, S: 1, Stride: 1, PadBegin: 0, PadEnd: 0 } || s.N == 0)
            return s;
        int pixels = s.N * s.H * s.W;
        int line = Math.Min(pixels, LinePixels);
        while (pixels % line != 0)
            line--;
        if (line < 16)
            line = s.W >= 16 ? s.W : pixels;
        return s with { N = pixels / line, H = 1, W = line };
    }

    /// <summary>
    /// Work of the register tiles with <paramref name="columns"/> in registers, <paramref name="rows"/> broadcast; with padding.
    /// </summary>
    private long WgradWork(int columns, int rows)
    {
        long work = 0;
        for (int panel = 0; panel < _kernels.Panels(columns); panel++)
        {
            int width = _kernels.PanelWidth(panel, columns), tile = _kernels.Rows(width);
            work += (long)width * ((rows + tile - 1) / tile * tile);
        }
        return work;
    }
}

/// <summary>
/// dw[k,r,s,c] += sum over n,p,q of dy[n,p,q,k] x[n, p Stride + r, q Stride + s, c] over packed panels (x with its padding).
/// Columns of the register tile are c and rows k; or, Transposed, the other way round where that wastes fewer lanes.
/// </summary>
/// <remarks>
/// A task takes one panel of columns, some panels of rows and some taps, and goes through the pixels in steps of about 256: a step's
/// columns (16 KiB) stay in the L1 cache for all taps and rows. Sums stay in registers for a step and then join dw.
/// Multiply-adds: N P Q K R S C. Bytes from L2 or beyond, a task: its panels of x and dy once.
/// </remarks>
internal unsafe struct WgradPass : IJob
{
    private const int MaxTileFloats = 8 * 48;

    public MicroKernels Kernels;
    public Conv2dShape Shape;
    public bool Transposed;
    public PanelCut ColumnCut, RowCut;
    public float* PackedX, PackedDy, Dw;
    public int LinesPerStep;

    private int _rowGroups, _tapGroups;

    public int Plan()
    {
        int taps = Shape.R * Shape.S;
        _rowGroups = Math.Clamp(64 / ColumnCut.Count, 1, RowCut.Count);
        _tapGroups = Math.Clamp(16 / (ColumnCut.Count * _rowGroups), 1, taps);
        return ColumnCut.Count * _rowGroups * _tapGroups;
    }

    public readonly void Run(int task)
    {
        int tapGroup = task % _tapGroups;
        int rowGroup = task / _tapGroups % _rowGroups;
        int panel = task / _tapGroups / _rowGroups;
        int taps = Shape.R * Shape.S;
        int firstTap = tapGroup * taps / _tapGroups, endTap = (tapGroup + 1) * taps / _tapGroups;
        int firstRow = rowGroup * RowCut.Count / _rowGroups, endRow = (rowGroup + 1) * RowCut.Count / _rowGroups;

        int p = Shape.P, q = Shape.Q, stride = Shape.Stride;
        int windowRows = (stride * (p - 1)) + Shape.R, windowColumns = (stride * (q - 1)) + Shape.S;
        int width = ColumnCut.WidthOf(panel), start = panel * ColumnCut.Width;
        int widthX = Transposed ? RowCut.Width : width, widthDy = Transposed ? width : RowCut.Width;
        long pixelsX = (long)Shape.N * windowRows * windowColumns, pixelsDy = (long)Shape.N * p * q;
        int tileRows = Kernels.Rows(width);
        int columnCount = Math.Min(width, ColumnCut.Channels - start);

        int lines = Shape.N * p;
        int* linesX = (int*)Scratch.Get(2L * lines);
        int* linesDy = linesX + lines;
        for (int line = 0; line < lines; line++)
        {
            int n = line / p;
            linesX[line] = ((n * windowRows) + ((line - (n * p)) * stride)) * windowColumns * widthX;
            linesDy[line] = line * q * widthDy;
        }

        float* sums = stackalloc float[MaxTileFloats];
        int* rowOffsets = stackalloc int[MicroKernels.MaxRows];
        int* outputs = stackalloc int[MicroKernels.MaxRows];
        for (int i = 0; i < MicroKernels.MaxRows; i++)
        {
            rowOffsets[i] = Math.Min(i, tileRows - 1);
            outputs[i] = Transposed ? i * width : i * taps * Shape.C;
        }

        Tile tile;
        tile.From = 0;
        tile.FromScale = 1f;
        tile.Alpha = 1f;
        tile.Bias = null;
        tile.Inner = q;
        tile.ARows = rowOffsets;
        tile.YRows = outputs;
        tile.Accumulate = !Transposed;
        tile.ColumnCount = Transposed ? width : columnCount;
        tile.AStep = Transposed ? stride * widthX : widthDy;
        tile.BStep = Transposed ? widthDy : stride * widthX;
        float* columnPanel = (Transposed ? PackedDy : PackedX) + (start * (Transposed ? pixelsDy : pixelsX));

        for (int line = 0; line < lines; line += LinesPerStep)
        {
            tile.Outer = Math.Min(LinesPerStep, lines - line);
            tile.AOuter = (Transposed ? linesX : linesDy) + line;
            tile.BOuter = (Transposed ? linesDy : linesX) + line;
            for (int tap = firstTap; tap < endTap; tap++)
            {
                int tapOffset = (((tap / Shape.S) * windowColumns) + (tap % Shape.S)) * widthX;
                tile.B = columnPanel + (Transposed ? 0 : tapOffset);
                for (int rowPanel = firstRow; rowPanel < endRow; rowPanel++)
                {
                    int rowStart = rowPanel * RowCut.Width;
                    float* rows = Transposed ? PackedX + (rowStart * pixelsX) + tapOffset : PackedDy + (rowStart * pixelsDy);
                    int count = Math.Min(RowCut.Width, RowCut.Channels - rowStart);
                    for (int i = 0; i < count; i += tileRows)
                    {
                        tile.A = rows + i;
                        tile.RowCount = Math.Min(tileRows, count - i);
                        if (Transposed)
                        {
                            tile.Y = sums;
                            Kernels.Run(&tile, width);
                            float* dw = Dw + (((((long)start * taps) + tap) * Shape.C) + rowStart + i);
                            AddTransposed(sums, width, tile.RowCount, columnCount, dw, taps * Shape.C);
                        }
                        else
                        {
                            tile.Y = Dw + (((((long)(rowStart + i) * taps) + tap) * Shape.C) + start);
                            Kernels.Run(&tile, width);
                        }
                    }
                }
            }
        }
    }

    private static void AddTransposed(float* sums, int width, int rows, int columns, float* dw, int pitch)
    {
        for (int j = 0; j < columns; j++, dw += pitch)
        {
            for (int i = 0; i < rows; i++)
                dw[i] += sums[(i * width) + j];
        }
    }
}
