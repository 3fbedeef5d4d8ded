using System.Numerics;
using System.Runtime.CompilerServices;
using BDense.Kernels.Reference.Convolution;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference;

public unsafe partial class ReferenceBackend
{
    /// <summary>Floats of op(B) that are packed at a time: 4 MiB, if one matrix is not larger already.</summary>
    private const long MatMulChunk = 1024 * 1024;

    /// <remarks>
    /// Where op(A) is small, each task packs the panels of op(B) that it multiplies by. Else in chunks of some matrices: pack op(B) into
    /// panels, then one <see cref="MatMulPass"/>. Both give the same bits.
    /// </remarks>
    private protected override void MatMulCore(in MatMulShape s, Tensor a, Tensor b, Tensor c, float alpha, bool accumulate)
    {
        if (s.Batch == 0)
            return;
        var pass = new MatMulPass
        {
            Kernels = _kernels,
            Shape = s,
            A = Pointer(a),
            B = Pointer(b),
            C = Pointer(c),
            Alpha = alpha,
            Accumulate = accumulate,
        };
        if (pass.PacksForItself(Workers.Threads))
        {
            Workers.Run(pass, pass.Plan());
            return;
        }
        long size = (long)_kernels.Padded(s.N) * s.K;
        int chunk = (int)Math.Clamp(MatMulChunk / size, 1, s.Batch);
        var packed = Pool.Rent(checked((int)(size * chunk)));
        for (int first = 0; first < s.Batch; first += chunk)
        {
            int batch = Math.Min(chunk, s.Batch - first);
            var pack = new PackColumns
            {
                Kernels = _kernels,
                B = Pointer(b) + ((long)first * s.N * s.K),
                Packed = ((NativeStorage)packed).Pointer,
                K = s.K,
                N = s.N,
                Transposed = s.TransB,
            };
            Workers.Run(pack, batch * pack.Panels);
            var part = pass with
            {
                Shape = s with { Batch = batch },
                A = pass.A + ((long)first * s.M * s.K),
                Packed = pack.Packed,
                C = pass.C + ((long)first * s.M * s.N),
            };
            Workers.Run(part, part.Plan());
        }
        Pool.Return(packed);
    }
}

/// <summary>op(B) [K,N], a batch of them, into panels of columns padded with zeros. One task a panel; bytes: B in, B out.</summary>
internal unsafe struct PackColumns : IJob
{
    public MicroKernels Kernels;
    public float* B, Packed;
    public int K, N;
    public bool Transposed;

    public readonly int Panels => Kernels.Panels(N);

    public readonly void Run(int task)
    {
        int panels = Panels, matrix = task / panels, panel = task % panels;
        Pack(matrix, panel, Packed + ((long)matrix * Kernels.Padded(N) * K) + ((long)Kernels.PanelStart(panel) * K));
    }

    /// <summary>One panel of one matrix to <paramref name="packed"/>.</summary>
    public readonly void Pack(int matrix, int panel, float* packed)
    {
        int start = Kernels.PanelStart(panel), width = Kernels.PanelWidth(panel, N);
        Pack(B + ((long)matrix * K * N) + (Transposed ? (long)start * K : start), Transposed ? K : N, Transposed, K,
            Math.Min(width, N - start), packed, width);
    }

    /// <summary>One panel: packed[k, j] = b[k pitch + j], transposed b[j pitch + k], for j &lt; count; zeros up to the width.</summary>
    internal static void Pack(float* b, long pitch, bool transposed, int depth, int count, float* packed, int width)
    {
        if (transposed)
        {
            PackWeights.Transpose(b, pitch, count, depth, packed, width);
            return;
        }
        CopyRows(b, (nint)pitch, depth, count, packed, width);
    }

    /// <summary>
    /// packed[k, j] = b[k pitch + j] for j &lt; count, zeros up to the width; a row of whole registers takes no call to copy.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void CopyRows(float* b, nint pitch, int depth, int count, float* packed, int width)
    {
        int lanes = Vector<float>.Count;
        if (count == width && width % lanes == 0)
        {
            for (int k = 0; k < depth; k++, b += pitch, packed += width)
            {
                for (int j = 0; j < width; j += lanes)
                    Vector.Load(b + j).Store(packed + j);
            }
            return;
        }
        for (int k = 0; k < depth; k++, b += pitch, packed += width)
        {
            new ReadOnlySpan<float>(b, count).CopyTo(new Span<float>(packed, count));
            new Span<float>(packed + count, width - count).Clear();
        }
    }
}

/// <summary>C = alpha op(A) op(B) (+ C), with op(B) in panels.</summary>
/// <remarks>
/// A task takes about 96 rows of one C and a range of panels; where it packs for itself, all rows and a range of panels, one panel at a
/// time, so that a panel comes from the caches of the core that packed it and nobody waits between packing and multiplying. A row-major
/// A is read where it lies; a transposed one is first transposed back into the thread's scratch. The panels are the outer part of a
/// task's number: a thread's tasks, and what it packed before, are the same panels.
/// Multiply-adds: Batch M N K.
/// </remarks>
internal unsafe struct MatMulPass : IJob
{
    private const int TaskRows = 96;

    /// <summary>Floats of op(A), and of one panel of op(B), that half a core's L2 cache holds: 1 MiB, 256 KiB.</summary>
    private const long SmallA = 256 * 1024, SmallPanel = 64 * 1024;

    public MicroKernels Kernels;
    public MatMulShape Shape;
    public float* A, B, C;

    /// <summary>op(B) as <see cref="PackColumns"/> packed it; null where tasks pack it from <see cref="B"/>.</summary>
    public float* Packed;

    public float Alpha;
    public bool Accumulate;

    private int _blocks, _blockRows, _panelGroups;

    /// <summary>
    /// Whether A is so small that reading it once a panel costs less than packing in a pass before, and panels suffice for all threads.
    /// A transposed A would be transposed once a task.
    /// </summary>
    public readonly bool PacksForItself(int threads) => !Shape.TransA && (long)Shape.M * Shape.K <= SmallA
        && 2L * Kernels.Lanes * Shape.K <= SmallPanel && (long)Shape.Batch * Kernels.Panels(Shape.N) >= 2 * threads;

    public int Plan()
    {
        // Blocks of one size, in whole register tiles.
        int tile = Kernels.Rows(2 * Kernels.Lanes);
        _blocks = Packed is null ? 1 : (Shape.M + TaskRows - 1) / TaskRows;
        _blockRows = (((Shape.M + _blocks - 1) / _blocks) + tile - 1) / tile * tile;
        _blocks = (Shape.M + _blockRows - 1) / _blockRows;
        _panelGroups = Math.Clamp(32 / (_blocks * Shape.Batch), 1, Kernels.Panels(Shape.N));
        return Shape.Batch * _blocks * _panelGroups;
    }

    public readonly void Run(int task)
    {
        int block = task % _blocks, group = task / _blocks % _panelGroups, matrix = task / _blocks / _panelGroups;
        int m0 = block * _blockRows, rows = Math.Min(_blockRows, Shape.M - m0);
        int depth = Shape.K, n = Shape.N;
        int panels = Kernels.Panels(n), first = group * panels / _panelGroups, end = (group + 1) * panels / _panelGroups;

        var product = new RowProduct
        {
            B = Packed + ((long)matrix * Kernels.Padded(n) * depth),
            C = C + ((((long)matrix * Shape.M) + m0) * n),
            CPitch = n,
            Rows = rows,
            Columns = n,
            Depth = depth,
            Alpha = Alpha,
            Accumulate = Accumulate,
            RowPitch = depth,
            DepthPitch = 1,
        };
        float* a = A + ((long)matrix * Shape.M * depth);
        long transposed = Shape.TransA ? (long)rows * depth : 0;
        // The last panel may be of three registers.
        float* scratch = Scratch.Get(transposed + (Packed is null ? 3L * Kernels.Lanes * depth : 0));
        if (Shape.TransA)
        {
            // Read in place, every step of the depth would touch another cache line, and pages apart.
            product.A = scratch;
            PackWeights.Transpose(a + m0, Shape.M, depth, rows, product.A, depth);
        }
        else
            product.A = a + ((long)m0 * depth);
        if (Packed is not null)
        {
            product.Run(Kernels, first, end);
            return;
        }
        var pack = new PackColumns { Kernels = Kernels, B = B, K = depth, N = n, Transposed = Shape.TransB };
        for (int panel = first; panel < end; panel++)
        {
            float* packed = scratch + transposed;
            pack.Pack(matrix, panel, packed);
            product.B = packed - ((long)Kernels.PanelStart(panel) * depth);
            product.Run(Kernels, panel, panel + 1);
        }
    }
}
