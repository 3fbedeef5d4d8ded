using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BDense.Kernels.Reference.MatMul;

/// <summary>
/// Arguments of one micro-kernel call, a small matrix product with free addressing: for row i &lt; RowCount and column j &lt; ColumnCount
/// <code>Y[YRows[i] + j] = (Accumulate ? FromScale Y[From + YRows[i] + j] : 0) + Bias[j]
///     + Alpha sum over o &lt; Outer, k &lt; Inner of A[ARows[i] + AOuter[o] + k AStep] B[BOuter[o] + k BStep + j]</code>
/// </summary>
/// <remarks>
/// Row-major A has AStep 1; a convolution's row is a pixel, its outer steps the kernel's rows; wgrad's rows are channels and its
/// outer steps the image's rows. B is always read by whole registers: its panels are padded with zeros. ARows has an entry for
/// every row of the register tile, also for those past RowCount.
/// </remarks>
internal unsafe struct Tile
{
    public float* A, B, Y, Bias;
    public int* ARows, AOuter, BOuter, YRows;
    public int AStep, BStep, Outer, Inner, RowCount, ColumnCount;
    public float Alpha;
    public bool Accumulate;

    /// <summary>What is accumulated to: <see cref="From"/> floats from Y (0 for Y itself), times <see cref="FromScale"/>.</summary>
    public nint From;

    public float FromScale;
}

/// <summary>The micro-kernels of one SIMD width, and how columns are cut into panels for them.</summary>
/// <remarks>
/// Columns are padded to a multiple of <see cref="Lanes"/> and cut into panels of two registers, the last one of three if their
/// number is odd; one register stands alone. Panel p begins at column 2 Lanes p, so that a packed matrix of depth K has it at
/// 2 Lanes p K. Per step of k, a tile of r x v does r v multiply-adds on r + v loads.
/// </remarks>
internal unsafe partial struct MicroKernels
{
    public const int MaxRows = 8;

    /// <summary>Steps of a dense loop that go without a test.</summary>
    private const int Unroll = 4;

    private delegate*<Tile*, void> _one, _two, _three, _fourTwo;
    private int _rows1, _rows2, _rows3;

    /// <summary>Floats in a register: 16, 8, 4 or 1.</summary>
    public int Lanes { get; private set; }

    /// <summary>The widest registers that the processor accelerates.</summary>
    public static int BestLanes => Vector512.IsHardwareAccelerated ? 16
        : Vector256.IsHardwareAccelerated ? 8
        : Vector128.IsHardwareAccelerated ? 4 : 1;

    public static MicroKernels For(int lanes) => lanes switch
    {
        16 => Wide<Lanes16, Vector512<float>>(),
        8 => Narrow<Lanes8, Vector256<float>>(),
        4 => Narrow<Lanes4, Vector128<float>>(),
        1 => Narrow<Lanes1, float>(),
        _ => throw new ArgumentOutOfRangeException(nameof(lanes), lanes, "16, 8, 4 or 1"),
    };

    /// <summary><paramref name="columns"/> rounded up to whole registers.</summary>
    public readonly int Padded(int columns) => (columns + Lanes - 1) / Lanes * Lanes;

    public readonly int Panels(int columns) => Math.Max(1, Padded(columns) / Lanes / 2);

    public readonly int PanelStart(int panel) => 2 * Lanes * panel;

    /// <summary>Columns of a panel, padding included: the distance between the rows of a packed panel.</summary>
    public readonly int PanelWidth(int panel, int columns) =>
        panel == Panels(columns) - 1 ? Padded(columns) - PanelStart(panel) : 2 * Lanes;

    /// <summary>
    /// Rows of the register tile that goes with a panel of <paramref name="width"/> columns; two registers have a smaller one for a rest of
    /// four.
    /// </summary>
    public readonly int Rows(int width) => width == Lanes ? _rows1 : width == 2 * Lanes ? _rows2 : _rows3;

    public readonly void Run(Tile* tile, int width)
    {
        if (width == 2 * Lanes)
        {
            if (tile->RowCount <= 4)
                _fourTwo(tile);
            else
                _two(tile);
        }
        else if (width == Lanes)
            _one(tile);
        else
            _three(tile);
    }

    private static MicroKernels Narrow<TLanes, V>()
        where TLanes : struct, ILanes<V>
        where V : unmanaged => new()
        {
            Lanes = TLanes.Count,
            _rows1 = 8,
            _rows2 = 6,
            _rows3 = 4,
            _one = &Tile8x1<TLanes, V>,
            _two = &Tile6x2<TLanes, V>,
            _fourTwo = &Tile4x2<TLanes, V>,
            _three = &Tile4x3<TLanes, V>,
        };

    private static MicroKernels Wide<TLanes, V>()
        where TLanes : struct, ILanes<V>
        where V : unmanaged => new()
        {
            Lanes = TLanes.Count,
            _rows1 = 8,
            _rows2 = 8,
            _rows3 = 8,
            _one = &Tile8x1<TLanes, V>,
            _two = &Tile8x2<TLanes, V>,
            _fourTwo = &Tile4x2<TLanes, V>,
            _three = &Tile8x3<TLanes, V>,
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRegister<TLanes, V>(Tile* t, float* y, int register, V c)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        int j = register * TLanes.Count;
        c = TLanes.Multiply(c, TLanes.Broadcast(t->Alpha));
        if (t->Bias is not null)
            c = TLanes.Add(c, TLanes.Load(t->Bias + j));
        if (t->Accumulate)
            c = TLanes.MultiplyAdd(TLanes.Load(y + t->From + j), TLanes.Broadcast(t->FromScale), c);
        TLanes.Store(c, y + j);
    }

    /// <summary>y = scale c + b: a row of a whole tile, whose constants stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRow<TLanes, V>(float* y, V scale, V b0, V c0)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        TLanes.Store(TLanes.Add(TLanes.Multiply(c0, scale), b0), y);
    }

    /// <summary>y = fromScale y[from] + scale c + b</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRow<TLanes, V>(float* y, nint from, V fromScale, V scale, V b0, V c0)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        float* source = y + from;
        TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(source), fromScale, TLanes.Add(TLanes.Multiply(c0, scale), b0)), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRow<TLanes, V>(float* y, V scale, V b0, V b1, V c0, V c1)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        TLanes.Store(TLanes.Add(TLanes.Multiply(c0, scale), b0), y);
        TLanes.Store(TLanes.Add(TLanes.Multiply(c1, scale), b1), y + TLanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRow<TLanes, V>(float* y, nint from, V fromScale, V scale, V b0, V b1, V c0, V c1)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        float* source = y + from;
        TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(source), fromScale, TLanes.Add(TLanes.Multiply(c0, scale), b0)), y);
        TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(source + TLanes.Count), fromScale, TLanes.Add(TLanes.Multiply(c1, scale), b1)),
            y + TLanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRow<TLanes, V>(float* y, V scale, V b0, V b1, V b2, V c0, V c1, V c2)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        TLanes.Store(TLanes.Add(TLanes.Multiply(c0, scale), b0), y);
        TLanes.Store(TLanes.Add(TLanes.Multiply(c1, scale), b1), y + TLanes.Count);
        TLanes.Store(TLanes.Add(TLanes.Multiply(c2, scale), b2), y + (2 * TLanes.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRow<TLanes, V>(float* y, nint from, V fromScale, V scale, V b0, V b1, V b2, V c0, V c1, V c2)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        float* source = y + from;
        TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(source), fromScale, TLanes.Add(TLanes.Multiply(c0, scale), b0)), y);
        TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(source + TLanes.Count), fromScale, TLanes.Add(TLanes.Multiply(c1, scale), b1)),
            y + TLanes.Count);
        TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(source + (2 * TLanes.Count)), fromScale, TLanes.Add(TLanes.Multiply(c2, scale), b2)),
            y + (2 * TLanes.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<TLanes, V>(float* sums, V c0)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        TLanes.Store(c0, sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<TLanes, V>(float* sums, V c0, V c1)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        TLanes.Store(c0, sums);
        TLanes.Store(c1, sums + TLanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep<TLanes, V>(float* sums, V c0, V c1, V c2)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        TLanes.Store(c0, sums);
        TLanes.Store(c1, sums + TLanes.Count);
        TLanes.Store(c2, sums + (2 * TLanes.Count));
    }

    /// <summary>A tile that is not whole: the sums come through memory, whole registers first, then single columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void FinishPart<TLanes, V>(Tile* t, float* sums, int width)
        where TLanes : struct, ILanes<V>
        where V : unmanaged
    {
        int columns = t->ColumnCount, whole = columns / TLanes.Count;
        float alpha = t->Alpha;
        for (int i = 0; i < t->RowCount; i++, sums += width)
        {
            float* y = t->Y + t->YRows[i];
            for (int register = 0; register < whole; register++)
                FinishRegister<TLanes, V>(t, y, register, TLanes.Load(sums + (register * TLanes.Count)));
            for (int j = whole * TLanes.Count; j < columns; j++)
            {
                float c = sums[j] * alpha;
                if (t->Bias is not null)
                    c += t->Bias[j];
                y[j] = t->Accumulate ? c + (t->FromScale * y[t->From + j]) : c;
            }
        }
    }
}
