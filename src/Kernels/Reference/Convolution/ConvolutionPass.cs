using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>
/// A dense window sum over an NHWC tensor, as implicit GEMM: with i = Stride p + OffsetH + r and j = Stride q + OffsetW + s,
/// <code>y[n,p,q,k] = bias[k] + sum over r &lt; R, s &lt; S, c &lt; C of x[n,i,j,c] w[r,s,c,k], zeros outside x</code>
/// with what <see cref="ConvolutionInput"/> makes of x, and with the epilogue's other terms where they are set.
/// Forward convolution is one such pass; dgrad is Stride x Stride of them, each writing every Stride-th pixel of dx.
/// </summary>
/// <remarks>
/// A task takes a band of output rows (or some small images) and a range of column panels. It copies its window of x, with the
/// zeros of the padding, into the thread's scratch: then the S C inputs of one kernel row are contiguous for every pixel, and
/// the micro-kernel needs no bounds. Without padding x is read where it lies. The depth R S C is cut into steps for which a
/// packed panel of w stays in the L1 cache; between steps partial sums lie in y. Each x is copied once a task, w is read once a task.
/// Multiply-adds: N P Q K R S C.
/// </remarks>
internal unsafe struct ConvolutionPass : IJob
{
    /// <summary>
    /// Depth of a step: 576 rows of a 16-column panel are 36 KiB. More than the L1 cache holds, but a panel is read in order, a register
    /// or two a cycle at most, and the second level delivers that; fewer steps mean fewer sums that go through y.
    /// </summary>
    private const int MaxDepth = 576;

    private const int TaskPixels = 256;
    private const int TaskFloats = 64 * 1024;

    public MicroKernels Kernels;
    public float* X, Weights, Bias, Y;
    public int N, H, W, C, P, Q, K, R, S, Stride, OffsetH, OffsetW;

    /// <summary>Distances in y between neighbouring pixels of the grid, its rows and its images.</summary>
    public int YPixel, YRow, YImage;

    /// <summary>How x is read.</summary>
    public ConvolutionInput Input;

    /// <summary>[N,K] to add, until it is part of the bias; and a tensor laid out as y, or null.</summary>
    public float* Embedding, Residual;

    /// <summary>Multiplies sum and residual; the bias has it already.</summary>
    public float Scale;

    /// <summary>Floats between the images' biases: 0 for one bias.</summary>
    public int BiasImage;

    /// <summary>Whether SiLU comes last.</summary>
    public bool Silu;

    private int _bandRows, _bands, _images, _imageGroups, _panelGroups;
    private bool _direct;

    /// <summary>
    /// So few outputs that lanes rather go along the inputs: <see cref="OutputDots{TLanes, V}"/>, with weights [K][depth].
    /// </summary>
    public readonly bool ByDots => Kernels.Lanes >= 4 && 2 * K <= Kernels.Lanes && S * C % Kernels.Lanes == 0;

    /// <summary>Sets the blocking, by the shape alone, and returns the number of tasks.</summary>
    public int Plan()
    {
        if (N == 0)
            return 0;
        _direct = !Input.Any && OffsetH >= 0 && OffsetW >= 0 && (Stride * (P - 1)) + OffsetH + R <= H
            && (Stride * (Q - 1)) + OffsetW + S <= W;
        long pixels = (long)N * P * Q;
        int target = (int)Math.Clamp(pixels / 32, 48, TaskPixels);
        _bandRows = Math.Clamp(target / Q, 1, P);
        if (!_direct)
        {
            long rowFloats = (long)WindowColumns * C;
            int rows = (int)Math.Min(TaskFloats / rowFloats, int.MaxValue / 2);
            _bandRows = Math.Clamp((rows - R) / Stride, 1, _bandRows);
        }
        _bands = (P + _bandRows - 1) / _bandRows;
        _bandRows = (P + _bands - 1) / _bands;
        _bands = (P + _bandRows - 1) / _bandRows;
        _images = _bands > 1 ? 1 : Math.Clamp(target / (P * Q), 1, N);
        _imageGroups = (N + _images - 1) / _images;
        int pixelTasks = _bands * _imageGroups;
        int panels = Kernels.Panels(K);
        // Each group fills the window again: fewer of them where that is work.
        _panelGroups = Math.Clamp((Input.Any ? 8 : 32) / Math.Max(1, pixelTasks), 1, panels);
        return pixelTasks * _panelGroups;
    }

    private readonly int WindowColumns => (Stride * (Q - 1)) + S;

    public readonly void Run(int task)
    {
        int group = task % _panelGroups;
        int band = task / _panelGroups % _bands;
        int first = task / _panelGroups / _bands * _images;
        int images = Math.Min(_images, N - first);
        int p0 = band * _bandRows;
        int rows = Math.Min(_bandRows, P - p0);
        int pixels = images * rows * Q;

        int windowRows = (Stride * (rows - 1)) + R;
        int rowFloats = WindowColumns * C;
        long windowFloats = _direct ? 0 : (long)images * windowRows * rowFloats;
        long tables = 2L * (pixels + MicroKernels.MaxRows);
        float* scratch = Scratch.Get(windowFloats + 16 + tables);
        int* aRows = (int*)(scratch + ((windowFloats + 15) / 16 * 16));
        int* yRows = aRows + pixels + MicroKernels.MaxRows;

        float* a;
        int aRow, aImage;
        if (_direct)
        {
            a = X + ((long)first * H * W * C) + ((((long)((Stride * p0) + OffsetH) * W) + OffsetW) * C);
            aRow = W * C;
            aImage = H * W * C;
        }
        else
        {
            for (int n = 0; n < images; n++)
                CopyWindow(scratch + ((long)n * windowRows * rowFloats), first + n, (Stride * p0) + OffsetH, windowRows, WindowColumns);
            a = scratch;
            aRow = rowFloats;
            aImage = windowRows * rowFloats;
        }

        int m = 0;
        for (int n = 0; n < images; n++)
        {
            for (int p = 0; p < rows; p++)
            {
                for (int q = 0; q < Q; q++, m++)
                {
                    aRows[m] = (n * aImage) + (Stride * ((p * aRow) + (q * C)));
                    yRows[m] = (n * YImage) + (p * YRow) + (q * YPixel);
                }
            }
        }
        for (; m < pixels + MicroKernels.MaxRows; m++)
        {
            aRows[m] = aRows[pixels - 1];
            yRows[m] = yRows[pixels - 1];
        }

        float* y = Y + ((long)first * YImage) + ((long)p0 * YRow);
        if (!ByDots)
            Multiply(a, aRows, aRow, y, yRows, pixels, group, first, images);
        else if (Kernels.Lanes == 16)
            Dots<Lanes16, Vector512<float>>(a, aRows, aRow, y, yRows, pixels, first, images);
        else if (Kernels.Lanes == 8)
            Dots<Lanes8, Vector256<float>>(a, aRows, aRow, y, yRows, pixels, first, images);
        else
            Dots<Lanes4, Vector128<float>>(a, aRows, aRow, y, yRows, pixels, first, images);
        if (Silu)
            Activate(y, yRows, pixels, group);
    }

    /// <summary>SiLU of what the task has written.</summary>
    private readonly void Activate(float* y, int* yRows, int pixels, int group)
    {
        int panels = Kernels.Panels(K), start = Kernels.PanelStart(group * panels / _panelGroups);
        int end = group == _panelGroups - 1 ? K : Kernels.PanelStart((group + 1) * panels / _panelGroups), lanes = Vector<float>.Count;
        for (int m = 0; m < pixels; m++)
        {
            float* row = y + yRows[m];
            int k = start;
            for (; k <= end - lanes; k += lanes)
                Simd.Silu(Vector.Load(row + k)).Store(row + k);
            if (k < end)
                Simd.Store(Simd.Silu(Simd.Load(row + k, end - k)), row + k, end - k);
        }
    }

    /// <summary>All outputs, four pixels at a time; the table repeats the last pixel for those past it.</summary>
    private readonly void Dots<TLanes, V>(float* a, int* aRows, int aRow, float* y, int* yRows, int pixels, int image, int images)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        int segment = pixels / images;
        float* sums = stackalloc float[OutputDots<TLanes, V>.Pixels * TLanes.Count];
        for (int i = 0; i < pixels; i += OutputDots<TLanes, V>.Pixels)
        {
            OutputDots<TLanes, V>.Run(a, aRows + i, aRow, R, S * C, Weights, K, sums);
            int count = Math.Min(OutputDots<TLanes, V>.Pixels, pixels - i);
            for (int j = 0; j < count; j++)
            {
                float* to = y + yRows[i + j], sum = sums + (j * K);
                float* bias = Bias == null ? null : Bias + ((long)(image + ((i + j) / segment)) * BiasImage);
                for (int k = 0; k < K; k++)
                {
                    float total = Residual == null ? sum[k] : sum[k] + to[Residual - Y + k];
                    to[k] = (Scale * total) + (bias == null ? 0f : bias[k]);
                }
            }
        }
    }

    /// <summary>All panels of a group over all pixels of the task, one step of depth after the other.</summary>
    private readonly void Multiply(float* a, int* aRows, int aRow, float* y, int* yRows, int pixels, int group, int image, int images)
    {
        // Images with biases of their own share no register tile.
        int segment = BiasImage == 0 ? pixels : pixels / images;
        int panels = Kernels.Panels(K);
        int firstPanel = group * panels / _panelGroups, endPanel = (group + 1) * panels / _panelGroups;
        int line = S * C;
        int depth = R * line;
        int* aOuter = stackalloc int[R];
        int* bOuter = stackalloc int[R];

        int stepRows = Math.Clamp(MaxDepth / line, 1, R);
        int lineSteps = (line + MaxDepth - 1) / MaxDepth;
        int stepLine = ((line + lineSteps - 1) / lineSteps + 3) / 4 * 4;

        Tile tile;
        tile.AStep = 1;
        tile.AOuter = aOuter;
        tile.BOuter = bOuter;
        tile.Alpha = Scale;
        tile.Y = y;
        for (int r = 0; r < R; r += stepRows)
        {
            tile.Outer = Math.Min(stepRows, R - r);
            for (int l = 0; l < line; l += stepLine)
            {
                tile.Inner = Math.Min(stepLine, line - l);
                tile.A = a + ((long)r * aRow) + l;
                bool first = r == 0 && l == 0;
                tile.Accumulate = !first || Residual is not null;
                // Where the first step would find nothing in y it finds the residual.
                tile.From = first && Residual is not null ? (nint)(Residual - Y) : 0;
                tile.FromScale = first ? Scale : 1f;
                for (int panel = firstPanel; panel < endPanel; panel++)
                {
                    int width = Kernels.PanelWidth(panel, K);
                    int start = Kernels.PanelStart(panel);
                    int tileRows = Kernels.Rows(width);
                    for (int o = 0; o < tile.Outer; o++)
                    {
                        aOuter[o] = o * aRow;
                        bOuter[o] = o * line * width;
                    }
                    tile.B = Weights + ((long)start * depth) + ((((long)r * line) + l) * width);
                    tile.BStep = width;
                    tile.Y = y + start;
                    tile.ColumnCount = Math.Min(width, K - start);
                    for (int n = 0, i = 0; i < pixels; n++)
                    {
                        tile.Bias = Bias is null || !first ? null : Bias + ((long)(image + n) * BiasImage) + start;
                        for (int end = i + segment; i < end; i += tileRows)
                        {
                            tile.ARows = aRows + i;
                            tile.YRows = yRows + i;
                            tile.RowCount = Math.Min(tileRows, end - i);
                            Kernels.Run(&tile, width);
                        }
                        i = (n + 1) * segment;
                    }
                }
            }
        }
    }

    /// <summary>Rows h0 .. of image n, columns from OffsetW on, zeros outside the image.</summary>
    public readonly void CopyWindow(float* window, int n, int h0, int windowRows, int columns) =>
        CopyWindow(window, n, h0, windowRows, columns, 0, C);

    /// <summary>The same of <paramref name="channels"/> channels from <paramref name="first"/> on.</summary>
    public readonly void CopyWindow(float* window, int n, int h0, int windowRows, int columns, int first, int channels)
    {
        float* image = X + ((long)n * H * W * C) + first;
        int left = Math.Clamp(-OffsetW, 0, columns);
        int right = Math.Clamp(W - OffsetW, left, columns);
        for (int h = h0; h < h0 + windowRows; h++, window += (long)columns * channels)
        {
            if (h < 0 || h >= H)
            {
                new Span<float>(window, columns * channels).Clear();
                continue;
            }
            new Span<float>(window, left * channels).Clear();
            float* row = image + ((((long)h * W) + OffsetW + left) * C), to = window + (left * channels);
            if (Input.Any)
                Input.Load(X, n, h, OffsetW + left, right - left, to, channels, first, channels);
            else if (channels == C)
                new ReadOnlySpan<float>(row, (right - left) * C).CopyTo(new Span<float>(to, (right - left) * C));
            else
            {
                for (int i = left; i < right; i++, row += C, to += channels)
                    new ReadOnlySpan<float>(row, channels).CopyTo(new Span<float>(to, channels));
            }
            new Span<float>(window + ((long)right * channels), (columns - right) * channels).Clear();
        }
    }
}

/// <summary>
/// Weights [K,R,S,C] into panels for <see cref="ConvolutionPass"/>: panel after panel, in each the depth (r, s, channel) outermost
/// and the panel's columns contiguous, padded with zeros. Forward: columns are k, channels c. Dgrad: columns are c, channels k, and
/// taps run backwards from (FirstR, FirstS) in steps of Stride. One task a panel; bytes: the weights once in, once out.
/// </summary>
internal unsafe struct PackWeights : IJob
{
    public MicroKernels Kernels;
    public float* W, Packed;
    public int K, R, S, C;
    public bool Transposed;
    public int TapsR, TapsS, FirstR, FirstS, Stride;

    /// <summary>
    /// For a <see cref="WinogradPass"/>: in each panel the sixteen places of the transformed 3x3 taps instead of the taps.
    /// </summary>
    public bool Winograd;

    /// <summary>For <see cref="OutputDots{TLanes, V}"/>: column after column, each of the whole depth.</summary>
    public bool Dots;

    public readonly void Run(int task)
    {
        if (Dots)
        {
            PackDots();
            return;
        }
        int columns = Transposed ? C : K, channels = Transposed ? K : C;
        int width = Kernels.PanelWidth(task, columns), start = Kernels.PanelStart(task);
        int count = Math.Min(width, columns - start);
        long depth = (long)TapsR * TapsS * channels;
        if (!Winograd)
        {
            Pack(start, count, width, depth, Packed + (start * depth));
            return;
        }
        float* taps = Scratch.Get(depth * width);
        Pack(start, count, width, depth, taps);
        WinogradPass.TransformWeights(Kernels.Lanes, taps, (nint)channels * width, Packed + ((long)start * channels * WinogradPass.Places));
    }

    private readonly void PackDots()
    {
        float* packed = Packed;
        if (!Transposed)
        {
            long length = (long)K * R * S * C;
            Buffer.MemoryCopy(W, packed, length * sizeof(float), length * sizeof(float));
            return;
        }
        for (int c = 0; c < C; c++)
        {
            for (int i = 0; i < TapsR; i++)
            {
                for (int j = 0; j < TapsS; j++)
                {
                    float* source = W + ((((long)(FirstR - (i * Stride)) * S) + FirstS - (j * Stride)) * C) + c;
                    for (int k = 0; k < K; k++, source += (nint)R * S * C)
                        *packed++ = *source;
                }
            }
        }
    }

    private readonly void Pack(int start, int count, int width, long depth, float* panel)
    {
        if (!Transposed)
        {
            // Tap order and channel order are already those of W: only the transposition remains.
            Transpose(W + (start * depth), depth, count, depth, panel, width);
            return;
        }
        for (int i = 0; i < TapsR; i++)
        {
            for (int j = 0; j < TapsS; j++)
            {
                int r = FirstR - (i * Stride), s = FirstS - (j * Stride);
                float* source = W + ((((long)r * S) + s) * C) + start;
                PackColumns.CopyRows(source, (nint)R * S * C, K, count, panel, width);
                panel += (long)K * width;
            }
        }
    }

    /// <summary>
    /// packed[d, j] = source[j, d] for j &lt; count, 0 for the rest of the width; in squares of four where there are four.
    /// </summary>
    internal static void Transpose(float* source, long pitch, int count, long depth, float* packed, int width)
    {
        int columns = 0;
        long rows = 0;
        if (Sse.IsSupported && count >= 4 && depth >= 4)
        {
            columns = count / 4 * 4;
            rows = depth / 4 * 4;
            TransposeSquares(source, (nint)pitch, columns, (nint)rows, packed, width);
        }
        if (columns < width)
            TransposeSingly(source + (columns * pitch), pitch, count - columns, rows, packed + columns, width, width - columns);
        if (rows < depth)
            TransposeSingly(source + rows, pitch, count, depth - rows, packed + (rows * width), width, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeSquares(float* source, nint pitch, int columns, nint depth, float* packed, nint width)
    {
        for (nint d = 0; d < depth; d += 4, source += 4, packed += 4 * width)
        {
            float* x = source, y = packed;
            for (int j = 0; j < columns; j += 4, x += 4 * pitch, y += 4)
            {
                Vector128<float> a = Sse.LoadVector128(x), b = Sse.LoadVector128(x + pitch);
                Vector128<float> c = Sse.LoadVector128(x + (2 * pitch)), e = Sse.LoadVector128(x + (3 * pitch));
                Vector128<float> ab = Sse.UnpackLow(a, b), ce = Sse.UnpackLow(c, e);
                Sse.Store(y, Sse.MoveLowToHigh(ab, ce));
                Sse.Store(y + width, Sse.MoveHighToLow(ce, ab));
                ab = Sse.UnpackHigh(a, b);
                ce = Sse.UnpackHigh(c, e);
                Sse.Store(y + (2 * width), Sse.MoveLowToHigh(ab, ce));
                Sse.Store(y + (3 * width), Sse.MoveHighToLow(ce, ab));
            }
        }
    }

    /// <summary>The same element by element; zeros from <paramref name="count"/> to <paramref name="padded"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeSingly(float* source, long pitch, int count, long depth, float* packed, int width, int padded)
    {
        for (long d = 0; d < depth; d++, packed += width)
        {
            float* x = source + d;
            int j = 0;
            for (; j < count; j++, x += pitch)
                packed[j] = *x;
            for (; j < padded; j++)
                packed[j] = 0f;
        }
    }
}

/// <summary>y = 0 over the pixels of a grid: the pixels of dx that no output reads.</summary>
internal unsafe struct ClearGrid : IJob
{
    public float* Y;
    public int P, Q, K, YPixel, YRow, YImage;

    public readonly void Run(int task)
    {
        for (int p = 0; p < P; p++)
        {
            for (int q = 0; q < Q; q++)
                new Span<float>(Y + ((long)task * YImage) + ((long)p * YRow) + ((long)q * YPixel), K).Clear();
        }
    }
}
