using System.Runtime.CompilerServices;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference;

public unsafe partial class ReferenceBackend
{
    private protected override void AttentionCore(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse)
    {
        var pass = new AttentionPass { Kernels = _kernels, Shape = s, Qkv = Pointer(qkv), Y = Pointer(y), LogSumExp = Pointer(lse) };
        RunWide(pass, pass.Plan());
    }

    private protected override void AttentionBackwardCore(in AttentionShape s, Tensor dy, Tensor qkv, Tensor y, Tensor lse, Tensor dqkv)
    {
        var pass = new AttentionBackwardPass
        {
            Kernels = _kernels,
            Shape = s,
            Dy = Pointer(dy),
            Qkv = Pointer(qkv),
            Y = Pointer(y),
            LogSumExp = Pointer(lse),
            Dqkv = Pointer(dqkv),
        };
        RunWide(pass, s.N * s.Heads);
    }
}

/// <summary>y = softmax(q k^T / sqrt(d)) v, lse = log sum exp of the score rows.</summary>
/// <remarks>
/// A task is one head of one sample (or a part of its queries, where heads are few). It packs k^T and v once, then takes blocks of
/// queries: scores of a block (at most 128 KiB or 8 rows) in the thread's scratch, exponentials in place, product with v, divided by the
/// rows' sums. Bytes: qkv once in,
/// y once out. FLOPs: 4 T^2 d and T^2 exponentials a head.
/// </remarks>
internal unsafe struct AttentionPass : IWideJob
{
    public MicroKernels Kernels;
    public AttentionShape Shape;
    public float* Qkv, Y, LogSumExp;

    private int _block, _blocks, _parts;

    public int Plan()
    {
        _block = AttentionRows.BlockOf(Shape.Tokens);
        _blocks = (Shape.Tokens + _block - 1) / _block;
        _parts = Math.Clamp(32 / Math.Max(1, Shape.N * Shape.Heads), 1, _blocks);
        return Shape.N * Shape.Heads * _parts;
    }

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int part = task % _parts, head = task / _parts % Shape.Heads, n = task / _parts / Shape.Heads;
        int tokens = Shape.Tokens, d = Shape.HeadSize, c = Shape.C, pitch = 3 * c;
        float* q = Qkv + ((long)n * tokens * pitch) + (head * d), k = q + c, v = k + c;
        float* y = Y + ((long)n * tokens * c) + (head * d);
        float* lse = LogSumExp + ((((long)n * Shape.Heads) + head) * tokens);

        int row = AttentionRows.Pitch(tokens);
        long packedK = (long)Kernels.Padded(tokens) * d, packedV = (long)Kernels.Padded(d) * tokens;
        float* keys = Scratch.Get(packedK + packedV + ((long)_block * row)), values = keys + packedK, scores = values + packedV;
        AttentionRows.PackColumns(Kernels, k, pitch, true, d, tokens, keys);
        AttentionRows.PackColumns(Kernels, v, pitch, false, tokens, d, values);

        float* inverses = stackalloc float[AttentionRows.MaxBlock];
        int first = part * _blocks / _parts, end = (part + 1) * _blocks / _parts;
        for (int block = first; block < end; block++)
        {
            int i0 = block * _block, rows = Math.Min(_block, tokens - i0);
            new RowProduct
            {
                A = q + ((long)i0 * pitch),
                RowPitch = pitch,
                DepthPitch = 1,
                B = keys,
                C = scores,
                CPitch = row,
                Rows = rows,
                Columns = tokens,
                Depth = d,
                Alpha = 1f / MathF.Sqrt(d),
            }.Run(Kernels);
            for (int i = 0; i < rows; i++)
                lse[i0 + i] = AttentionRows.Exponentials<TLanes, V>(scores + ((long)i * row), tokens, out inverses[i]);
            new RowProduct
            {
                A = scores,
                RowPitch = row,
                DepthPitch = 1,
                B = values,
                C = y + ((long)i0 * c),
                CPitch = c,
                Rows = rows,
                Columns = d,
                Depth = tokens,
                Alpha = 1f,
            }.Run(Kernels);
            for (int i = 0; i < rows; i++)
                AttentionRows.Scale<TLanes, V>(y + ((long)(i0 + i) * c), d, inverses[i]);
        }
    }
}

/// <summary>dq, dk, dv of <see cref="AttentionPass"/>, from the scores computed anew.</summary>
/// <remarks>
/// A task is one head of one sample: it packs k, k^T and v^T once, then takes blocks of queries i; with p = exp(s - lse) and
/// delta_i = dy_i . y_i: dv += p^T dy, ds = p (dy v^T - delta) / sqrt(d), dq = ds k, dk += ds^T q, the two blocks p and ds in scratch.
/// FLOPs: 10 T^2 d and T^2 exponentials a head. Bytes: dy, y, qkv once in, dqkv out, dk and dv once more a block.
/// </remarks>
internal unsafe struct AttentionBackwardPass : IWideJob
{
    public MicroKernels Kernels;
    public AttentionShape Shape;
    public float* Dy, Qkv, Y, LogSumExp, Dqkv;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int head = task % Shape.Heads, n = task / Shape.Heads;
        int tokens = Shape.Tokens, d = Shape.HeadSize, c = Shape.C, pitch = 3 * c;
        float* q = Qkv + ((long)n * tokens * pitch) + (head * d), k = q + c, v = k + c;
        float* dq = Dqkv + ((long)n * tokens * pitch) + (head * d), dk = dq + c, dv = dk + c;
        float* y = Y + ((long)n * tokens * c) + (head * d), dy = Dy + ((long)n * tokens * c) + (head * d);
        float* lse = LogSumExp + ((((long)n * Shape.Heads) + head) * tokens);
        float scale = 1f / MathF.Sqrt(d);

        int block = AttentionRows.BlockOf(tokens), row = AttentionRows.Pitch(tokens);
        long columnsT = (long)Kernels.Padded(tokens) * d, columnsD = (long)Kernels.Padded(d) * tokens;
        long blockD = (long)Kernels.Padded(d) * block, blockT = (long)block * row;
        float* keysT = Scratch.Get((2 * columnsT) + columnsD + (2 * blockD) + (2 * blockT));
        float* valuesT = keysT + columnsT, keys = valuesT + columnsT, blockDy = keys + columnsD, blockQ = blockDy + blockD;
        float* p = blockQ + blockD, ds = p + blockT;
        AttentionRows.PackColumns(Kernels, k, pitch, true, d, tokens, keysT);
        AttentionRows.PackColumns(Kernels, v, pitch, true, d, tokens, valuesT);
        AttentionRows.PackColumns(Kernels, k, pitch, false, tokens, d, keys);

        for (int i0 = 0; i0 < tokens; i0 += block)
        {
            int rows = Math.Min(block, tokens - i0);
            AttentionRows.PackColumns(Kernels, dy + ((long)i0 * c), c, false, rows, d, blockDy);
            AttentionRows.PackColumns(Kernels, q + ((long)i0 * pitch), pitch, false, rows, d, blockQ);
            var product = new RowProduct
            {
                A = q + ((long)i0 * pitch),
                RowPitch = pitch,
                DepthPitch = 1,
                B = keysT,
                C = p,
                CPitch = row,
                Rows = rows,
                Columns = tokens,
                Depth = d,
                Alpha = scale,
            };
            product.Run(Kernels);
            (product with { A = dy + ((long)i0 * c), RowPitch = c, B = valuesT, C = ds, Alpha = 1f }).Run(Kernels);
            for (int i = 0; i < rows; i++)
            {
                float delta = AttentionRows.Dot<TLanes, V>(dy + ((long)(i0 + i) * c), y + ((long)(i0 + i) * c), d);
                AttentionRows.ScoreGradient<TLanes, V>(p + ((long)i * row), ds + ((long)i * row), tokens, lse[i0 + i], delta, scale);
            }
            new RowProduct
            {
                A = ds,
                RowPitch = row,
                DepthPitch = 1,
                B = keys,
                C = dq + ((long)i0 * pitch),
                CPitch = pitch,
                Rows = rows,
                Columns = d,
                Depth = tokens,
                Alpha = 1f,
            }.Run(Kernels);
            var transposed = new RowProduct
            {
                A = p,
                RowPitch = 1,
                DepthPitch = row,
                B = blockDy,
                C = dv,
                CPitch = pitch,
                Rows = tokens,
                Columns = d,
                Depth = rows,
                Alpha = 1f,
                Accumulate = i0 > 0,
            };
            transposed.Run(Kernels);
            (transposed with { A = ds, B = blockQ, C = dk }).Run(Kernels);
        }
    }
}

/// <summary>What forward and backward attention do row by row.</summary>
internal static unsafe class AttentionRows
{
    public const int MaxBlock = 96;

    /// <summary>Queries a block: 32768 scores, but at least 8 rows and at most <see cref="MaxBlock"/>.</summary>
    public static int BlockOf(int tokens) => Math.Min(tokens, Math.Clamp(32768 / tokens, 8, MaxBlock));

    /// <summary>
    /// From one row of scores to the next: a cache line more than they take, since rows a power of two apart would share a few sets of the
    /// cache.
    /// </summary>
    public static int Pitch(int tokens) => (tokens + 15) / 16 * 16 + 16;

    /// <summary>A [depth, columns] matrix with rows <paramref name="pitch"/> apart (or its transpose) into panels.</summary>
    public static void PackColumns(in MicroKernels kernels, float* b, int pitch, bool transposed, int depth, int columns, float* packed)
    {
        for (int panel = 0; panel < kernels.Panels(columns); panel++)
        {
            int start = kernels.PanelStart(panel), width = kernels.PanelWidth(panel, columns);
            Reference.PackColumns.Pack(b + (transposed ? (long)start * pitch : start), pitch, transposed, depth,
                Math.Min(width, columns - start), packed + ((long)start * depth), width);
        }
    }

    /// <summary>
    /// Replaces s by exp(s - max s), gives the inverse of the sum and returns log sum exp s. A NaN need not win the maximum: its
    /// exponential reaches the sum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials<TLanes, V>(float* s, int count, out float inverse)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        float max = s[0];
        int lanes = TLanes.Count, i = 0;
        if (count >= lanes)
        {
            var top = TLanes.Load(s);
            for (i = lanes; i <= count - lanes; i += lanes)
                top = TLanes.Greater(top, TLanes.Load(s + i));
            max = TLanes.Greatest(top);
        }
        for (; i < count; i++)
            max = MathF.Max(max, s[i]);

        var shift = TLanes.Broadcast(max);
        V sums = default;
        for (i = 0; i <= count - lanes; i += lanes)
        {
            var e = LaneMath.ExpOfScore<TLanes, V>(TLanes.Subtract(TLanes.Load(s + i), shift));
            sums = TLanes.Add(sums, e);
            TLanes.Store(e, s + i);
        }
        float sum = (float)TLanes.WideSum(sums);
        for (; i < count; i++)
        {
            s[i] = MathF.Exp(s[i] - max);
            sum += s[i];
        }
        inverse = 1f / sum;
        return max + MathF.Log(sum);
    }

    /// <summary>y *= factor.</summary>
    public static void Scale<TLanes, V>(float* y, int count, float factor)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int i = 0;
        var by = TLanes.Broadcast(factor);
        for (; i <= count - TLanes.Count; i += TLanes.Count)
            TLanes.Store(TLanes.Multiply(TLanes.Load(y + i), by), y + i);
        for (; i < count; i++)
            y[i] *= factor;
    }

    /// <summary>With p = exp(s - lse): s becomes p, and dp becomes p (dp - delta) scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScoreGradient<TLanes, V>(float* s, float* dp, int count, float lse, float delta, float scale)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int lanes = TLanes.Count, i = 0;
        V shift = TLanes.Broadcast(lse), mean = TLanes.Broadcast(delta), factor = TLanes.Broadcast(scale);
        for (; i <= count - lanes; i += lanes)
        {
            var p = LaneMath.ExpOfScore<TLanes, V>(TLanes.Subtract(TLanes.Load(s + i), shift));
            TLanes.Store(p, s + i);
            TLanes.Store(TLanes.Multiply(TLanes.Multiply(p, TLanes.Subtract(TLanes.Load(dp + i), mean)), factor), dp + i);
        }
        for (; i < count; i++)
        {
            s[i] = MathF.Exp(s[i] - lse);
            dp[i] = s[i] * (dp[i] - delta) * scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TLanes, V>(float* a, float* b, int count)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int lanes = TLanes.Count, i = 0;
        V sums = default;
        for (; i <= count - lanes; i += lanes)
            sums = TLanes.MultiplyAdd(TLanes.Load(a + i), TLanes.Load(b + i), sums);
        float sum = (float)TLanes.WideSum(sums);
        for (; i < count; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
