using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>
/// dw of few channels: each task takes a slice of the images and sums into a dw of its own, in panels' order, whatever is small enough
/// to stay in the L2 cache; <see cref="WgradSlicesSum"/> then adds the slices, first to last.
/// </summary>
/// <remarks>
/// Columns of the register tile are k, its rows all (r, s, c): dy is read where it lies, x through its window. Where that wastes lanes
/// (few k) columns are c and rows k, tap after tap. A slice goes in groups of about 256 pixels, whose window with the padding is copied
/// into scratch; without padding x too is read in place. The number of slices follows from the shape alone.
/// Multiply-adds: N P Q K R S C. Bytes: x and dy once, a dw a slice.
/// </remarks>
internal unsafe struct WgradSlices : IJob
{
    /// <summary>Largest dw, in floats, that is summed by slices: 80 KiB.</summary>
    private const int MaxRowsTimesPitch = 20 * 1024;

    private const int GroupPixels = 256;

    public MicroKernels Kernels;
    public Conv2dShape Shape;
    public float* X, Dy, Partial;

    /// <summary>How x is read.</summary>
    public ConvolutionInput Input;

    /// <summary>[slices, K], or null: sums of dy over the pixels of a slice.</summary>
    public float* BiasPartial;

    private int _bands, _bandRows, _units, _group, _pitchX, _pitchDy;
    private bool _directX, _directDy;

    public int Slices { get; private set; }

    /// <summary>Columns of the tile are k, not c.</summary>
    public bool OutputColumns { get; private set; }

    /// <summary>A slice's dw: rows (r, s, c) of padded k, or rows (k, r, s) of padded c.</summary>
    public int Rows { get; private set; }

    public int Pitch { get; private set; }

    /// <summary>Chooses the blocking; false if dw is too large for slices.</summary>
    public bool Plan()
    {
        var s = Shape;
        int taps = s.R * s.S;
        OutputColumns = Work(s.K, taps * s.C) <= taps * Work(s.C, s.K);
        Pitch = Kernels.Padded(OutputColumns ? s.K : s.C);
        Rows = OutputColumns ? taps * s.C : s.K * taps;
        if ((long)Rows * Pitch > MaxRowsTimesPitch)
            return false;
        _pitchX = OutputColumns ? s.C : Pitch;
        _pitchDy = OutputColumns ? Pitch : s.K;
        _directX = !Input.Any && _pitchX == s.C && s.PadBegin == 0 && (s.Stride * (s.P - 1)) + s.R <= s.H
            && (s.Stride * (s.Q - 1)) + s.S <= s.W;
        _directDy = _pitchDy == s.K;
        int wanted = Math.Clamp(256 * 1024 / (Rows * Pitch), 8, 32);
        _bands = s.N >= wanted ? 1 : Math.Clamp((wanted + s.N - 1) / s.N, 1, s.P);
        _bandRows = (s.P + _bands - 1) / _bands;
        _bands = (s.P + _bandRows - 1) / _bandRows;
        _units = s.N * _bands;
        Slices = Math.Min(_units, wanted);
        _group = Math.Max(1, GroupPixels / (_bandRows * s.Q));
        return true;
    }

    public readonly void Run(int slice)
    {
        var s = Shape;
        int stride = s.Stride, taps = s.R * s.S, q = s.Q;
        int firstUnit = (int)((long)_units * slice / Slices), endUnit = (int)((long)_units * (slice + 1) / Slices);
        int windowColumns = (stride * (q - 1)) + s.S;
        int lineX = (_directX ? s.W : windowColumns) * _pitchX, lineDy = q * _pitchDy;
        int windowRows = (stride * (_bandRows - 1)) + s.R;
        int rows = OutputColumns ? Rows : s.K;

        long floatsX = _directX ? 0 : (long)_group * windowRows * lineX, floatsDy = _directDy ? 0 : (long)_group * _bandRows * lineDy;
        float* windows = Scratch.Get(floatsX + floatsDy + (2L * ((_group * _bandRows) + rows + MicroKernels.MaxRows)));
        float* packedDy = windows + floatsX;
        int* linesX = (int*)(packedDy + floatsDy), linesDy = linesX + (_group * _bandRows);
        int* inputs = linesDy + (_group * _bandRows), outputs = inputs + rows + MicroKernels.MaxRows;
        for (int i = 0; i < rows + MicroKernels.MaxRows; i++)
        {
            int row = Math.Min(i, rows - 1), tap = row / s.C;
            inputs[i] = OutputColumns ? (tap / s.S * lineX) + (tap % s.S * _pitchX) + (row % s.C) : row;
            outputs[i] = OutputColumns ? row * Pitch : row * taps * Pitch;
        }

        float* partial = Partial + ((long)slice * Rows * Pitch), bias = BiasPartial is null ? null : BiasPartial + ((long)slice * s.K);
        if (bias is not null)
            new Span<float>(bias, s.K).Clear();
        bool first = true;
        for (int unit = firstUnit; unit < endUnit; unit += _group)
        {
            int lines = 0, images = 0;
            for (int u = unit; u < Math.Min(unit + _group, endUnit); u++, images++)
            {
                int n = u / _bands, p0 = (u - (n * _bands)) * _bandRows, bandRows = Math.Min(_bandRows, s.P - p0);
                float* dy = Dy + ((((long)n * s.P) + p0) * q * s.K);
                int window = images * windowRows * lineX;
                if (!_directX)
                    CopyWindow(n, (p0 * stride) - s.PadBegin, (stride * (bandRows - 1)) + s.R, windowColumns, windows + window);
                for (int p = 0; p < bandRows; p++, lines++)
                {
                    linesX[lines] = _directX ? ((n * s.H) + ((p0 + p) * stride)) * lineX : window + (p * stride * lineX);
                    linesDy[lines] = _directDy ? ((n * s.P) + p0 + p) * lineDy : lines * lineDy;
                    if (!_directDy)
                        CopyPixels(dy + ((long)p * q * s.K), packedDy + ((long)lines * lineDy), q, s.K, _pitchDy);
                }
                if (bias is not null)
                    AddPixels(dy, bias, bandRows * q, s.K);
            }
            Multiply(_directX ? X : windows, linesX, _directDy ? Dy : packedDy, linesDy, lines, lineX, inputs, outputs, partial, first);
            first = false;
        }
    }

    /// <summary>The lines of a group, in steps for which a panel and the rows of a tile stay in the L1 cache.</summary>
    private readonly void Multiply(float* x, int* linesX, float* dy, int* linesDy, int lines, int lineX, int* inputs, int* outputs,
        float* partial, bool first)
    {
        var s = Shape;
        int columns = OutputColumns ? s.K : s.C, rows = OutputColumns ? Rows : s.K, taps = OutputColumns ? 1 : s.R * s.S;
        int stepLines = Math.Max(1, Math.Clamp(4096 / Math.Max(_pitchX, _pitchDy), 64, 128) / s.Q);
        Tile tile;
        tile.From = 0;
        tile.FromScale = 1f;
        tile.Alpha = 1f;
        tile.Bias = null;
        tile.Inner = s.Q;
        tile.AStep = OutputColumns ? s.Stride * _pitchX : _pitchDy;
        tile.BStep = OutputColumns ? _pitchDy : s.Stride * _pitchX;
        tile.A = OutputColumns ? x : dy;
        for (int line = 0; line < lines; line += stepLines)
        {
            tile.Outer = Math.Min(stepLines, lines - line);
            tile.AOuter = (OutputColumns ? linesX : linesDy) + line;
            tile.BOuter = (OutputColumns ? linesDy : linesX) + line;
            tile.Accumulate = !first || line > 0;
            for (int tap = 0; tap < taps; tap++)
            {
                float* b = OutputColumns ? dy : x + (tap / s.S * lineX) + (tap % s.S * _pitchX);
                for (int panel = 0; panel < Kernels.Panels(columns); panel++)
                {
                    int width = Kernels.PanelWidth(panel, columns), start = Kernels.PanelStart(panel), tileRows = Kernels.Rows(width);
                    tile.B = b + start;
                    tile.Y = partial + ((long)tap * Pitch) + start;
                    tile.ColumnCount = width;
                    for (int i = 0; i < rows; i += tileRows)
                    {
                        tile.ARows = inputs + i;
                        tile.YRows = outputs + i;
                        tile.RowCount = Math.Min(tileRows, rows - i);
                        Kernels.Run(&tile, width);
                    }
                }
            }
        }
    }

    /// <summary>Tile work with padding: what 4 rows of two registers take is less than what 6 do.</summary>
    private readonly long Work(int columns, int rows)
    {
        long work = 0;
        for (int panel = 0; panel < Kernels.Panels(columns); panel++)
        {
            int width = Kernels.PanelWidth(panel, columns), tile = Kernels.Rows(width), rest = rows % tile;
            int padded = rest == 0 ? 0 : rest <= 4 && width == 2 * Kernels.Lanes ? 4 : tile;
            work += (long)width * (rows - rest + padded);
        }
        return work;
    }

    /// <summary>Rows h0 .. of image n with the padding around it as zeros, channels _pitchX apart.</summary>
    private readonly void CopyWindow(int n, int h0, int windowRows, int columns, float* window)
    {
        float* image = X + ((long)n * Shape.H * Shape.W * Shape.C);
        int w = Shape.W, c = Shape.C, offset = -Shape.PadBegin;
        int left = Math.Clamp(-offset, 0, columns), right = Math.Clamp(w - offset, left, columns);
        for (int h = h0; h < h0 + windowRows; h++, window += (long)columns * _pitchX)
        {
            if (h < 0 || h >= Shape.H)
            {
                new Span<float>(window, columns * _pitchX).Clear();
                continue;
            }
            new Span<float>(window, left * _pitchX).Clear();
            if (Input.Any)
                Input.Load(X, n, h, offset + left, right - left, window + (left * _pitchX), _pitchX);
            else
                CopyPixels(image + ((((long)h * w) + offset + left) * c), window + (left * _pitchX), right - left, c, _pitchX);
            new Span<float>(window + ((long)right * _pitchX), (columns - right) * _pitchX).Clear();
        }
    }

    private static void CopyPixels(float* source, float* target, int pixels, int channels, int pitch)
    {
        if (channels == pitch)
        {
            new ReadOnlySpan<float>(source, pixels * channels).CopyTo(new Span<float>(target, pixels * channels));
            return;
        }
        for (int i = 0; i < pixels; i++, source += channels, target += pitch)
        {
            int c = 0;
            for (; c < channels; c++)
                target[c] = source[c];
            for (; c < pitch; c++)
                target[c] = 0f;
        }
    }

    /// <summary>sums[k] += sum over pixels of x[pixel, k].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddPixels(float* x, float* sums, int pixels, int channels)
    {
        int lanes = Vector<float>.Count, c = 0;
        for (; c <= channels - lanes; c += lanes)
        {
            Vector<float> even = Vector.Load(sums + c), odd = Vector<float>.Zero;
            float* p = x + c;
            int i = 0;
            for (; i < pixels - 1; i += 2, p += 2 * channels)
            {
                even += Vector.Load(p);
                odd += Vector.Load(p + channels);
            }
            if (i < pixels)
                even += Vector.Load(p);
            (even + odd).Store(sums + c);
        }
        for (; c < channels; c++)
        {
            float sum = sums[c];
            for (int i = 0; i < pixels; i++)
                sum += x[((long)i * channels) + c];
            sums[c] = sum;
        }
    }
}

/// <summary>
/// dw += the slices' dw, in the order of the slices; a task is some rows of them. Bytes: every slice once, dw in and out.
/// </summary>
internal unsafe struct WgradSlicesSum : IJob
{
    public const int RowsPerTask = 32;

    public float* Partial, Dw;
    public int Slices, Rows, Pitch, Columns;

    /// <summary>Columns of a slice are k: dw[k, row] lies transposed to it.</summary>
    public bool OutputColumns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int task)
    {
        int rows = Rows, pitch = Pitch, columns = Columns, slices = Slices, lanes = Vector<float>.Count;
        nint slice = (nint)rows * pitch;
        float* sums = Scratch.Get(pitch);
        for (int row = task * RowsPerTask; row < Math.Min(rows, (task + 1) * RowsPerTask); row++)
        {
            float* x = Partial + ((nint)row * pitch);
            int j = 0;
            for (; j <= pitch - lanes; j += lanes)
            {
                var sum = Vector.Load(x + j);
                for (int i = 1; i < slices; i++)
                    sum += Vector.Load(x + j + (i * slice));
                sum.Store(sums + j);
            }
            for (; j < pitch; j++)
            {
                float sum = x[j];
                for (int i = 1; i < slices; i++)
                    sum += x[j + (i * slice)];
                sums[j] = sum;
            }
            float* dw = OutputColumns ? Dw + row : Dw + ((nint)row * columns);
            int step = OutputColumns ? rows : 1;
            for (int k = 0; k < columns; k++, dw += step)
                *dw += sums[k];
        }
    }
}
