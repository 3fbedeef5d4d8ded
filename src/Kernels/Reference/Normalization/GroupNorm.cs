using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

// One sample a task: it is read from memory once and stays in the second-level cache for the later passes. Inside, a "row" is the
// smallest whole number of pixels that is also a whole number of registers (C = 64: one pixel; C = 3 and 8 lanes: eight pixels), so
// that any number of channels runs at full width; per-channel factors are repeated over the row. The last, shorter row
// is treated alike up to its last register, which is padded.

/// <summary>What both directions share.</summary>
internal unsafe struct GroupNormData
{
    public int Pixels, C, Groups;
    public float Epsilon;
    public float* X, Stats, Gamma, Beta, ScaleShift;

    /// <summary>Of x, of which then no statistics are taken; or none.</summary>
    public float* Moments;

    /// <summary>Length of a row for registers of so many floats.</summary>
    public readonly int Width(int lanes) => C / Gcd(C, lanes) * lanes;

    public readonly int Total => Pixels * C;

    /// <summary>1 + scale of channel c of sample n; 1 without scales.</summary>
    public readonly float Scale(int n, int c) => ScaleShift == null ? 1f : 1f + ScaleShift[n * 2 * C + c];

    public readonly float Shift(int n, int c) => ScaleShift == null ? 0f : ScaleShift[n * 2 * C + C + c];

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}

/// <summary>The passes over one sample, and the factors of a row that they use.</summary>
/// <remarks>
/// In the order of memory wherever a pass writes: the factors are read anew from the first-level cache, and x and dy are fetched ahead.
/// </remarks>
file static unsafe class Sample<TLanes, V>
    where TLanes : struct, IMathLanes<V>
    where V : unmanaged
{
    /// <summary>
    /// Floats of a sample that a pass works on at a time, down one column of registers after the other: within the first-level cache.
    /// </summary>
    private const int Piece = 2048;

    /// <summary>first = sum d and second = sum d^2 with d = x - mean, for every place of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sums(float* x, int total, int width, float* mean, float* first, float* second)
    {
        int lanes = TLanes.Count, piece = Math.Max(1, Piece / width) * width;
        new Span<float>(first, width).Clear();
        new Span<float>(second, width).Clear();
        for (int start = 0; start < total; start += piece)
        {
            int end = Math.Min(start + piece, total);
            int column = 0;
            if (end - start == piece)
            {
                for (; column <= width - 4 * lanes; column += 4 * lanes)
                    Sums4(x + start + column, piece, width, mean + column, first + column, second + column);
            }
            for (; column < width; column += lanes)
            {
                var m = TLanes.Load(mean + column);
                V s = TLanes.Load(first + column), t = TLanes.Load(second + column), s1 = default, t1 = default;
                float* v = x + start + column, last = x + end - lanes;
                // Two rows at a time, with sums of their own: an addition waits for the one before it.
                for (; v + width <= last; v += 2 * width)
                {
                    V d = TLanes.Subtract(TLanes.Load(v), m), d1 = TLanes.Subtract(TLanes.Load(v + width), m);
                    s = TLanes.Add(s, d);
                    t = TLanes.MultiplyAdd(d, d, t);
                    s1 = TLanes.Add(s1, d1);
                    t1 = TLanes.MultiplyAdd(d1, d1, t1);
                }
                if (v <= last)
                {
                    var d = TLanes.Subtract(TLanes.Load(v), m);
                    s = TLanes.Add(s, d);
                    t = TLanes.MultiplyAdd(d, d, t);
                }
                TLanes.Store(TLanes.Add(s, s1), first + column);
                TLanes.Store(TLanes.Add(t, t1), second + column);
            }
        }
        for (int i = total - (total % lanes), column = i % width; i < total; i++, column++)
        {
            float d = x[i] - mean[column];
            first[column] += d;
            second[column] += d * d;
        }
    }

    /// <summary>
    /// Four neighbouring columns of whole rows: the rows' cache lines are read whole, and no addition waits for the one before it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sums4(float* x, int length, int width, float* mean, float* first, float* second)
    {
        int lanes = TLanes.Count;
        V m0 = TLanes.Load(mean), m1 = TLanes.Load(mean + lanes), m2 = TLanes.Load(mean + 2 * lanes), m3 = TLanes.Load(mean + 3 * lanes);
        V s0 = TLanes.Load(first), s1 = TLanes.Load(first + lanes), s2 = TLanes.Load(first + 2 * lanes),
            s3 = TLanes.Load(first + 3 * lanes);
        V t0 = TLanes.Load(second), t1 = TLanes.Load(second + lanes), t2 = TLanes.Load(second + 2 * lanes),
            t3 = TLanes.Load(second + 3 * lanes);
        for (float* end = x + length; x < end; x += width)
        {
            var d = TLanes.Subtract(TLanes.Load(x), m0);
            s0 = TLanes.Add(s0, d);
            t0 = TLanes.MultiplyAdd(d, d, t0);
            d = TLanes.Subtract(TLanes.Load(x + lanes), m1);
            s1 = TLanes.Add(s1, d);
            t1 = TLanes.MultiplyAdd(d, d, t1);
            d = TLanes.Subtract(TLanes.Load(x + 2 * lanes), m2);
            s2 = TLanes.Add(s2, d);
            t2 = TLanes.MultiplyAdd(d, d, t2);
            d = TLanes.Subtract(TLanes.Load(x + 3 * lanes), m3);
            s3 = TLanes.Add(s3, d);
            t3 = TLanes.MultiplyAdd(d, d, t3);
        }
        TLanes.Store(s0, first);
        TLanes.Store(s1, first + lanes);
        TLanes.Store(s2, first + 2 * lanes);
        TLanes.Store(s3, first + 3 * lanes);
        TLanes.Store(t0, second);
        TLanes.Store(t1, second + lanes);
        TLanes.Store(t2, second + 2 * lanes);
        TLanes.Store(t3, second + 3 * lanes);
    }

    /// <summary>A first guess of the means: of at most 16 rows, evenly spaced, by group. 0 without a whole row.</summary>
    public static void GuessMeans(float* x, int total, int width, int channels, int groups, float* mean)
    {
        int rows = total / width, taken = Math.Min(rows, 16), lanes = TLanes.Count, size = channels / groups;
        new Span<float>(mean, width).Clear();
        for (int i = 0; i < taken; i++)
        {
            float* row = x + (long)i * rows / taken * width;
            for (int column = 0; column < width; column += lanes)
                TLanes.Store(TLanes.Add(TLanes.Load(mean + column), TLanes.Load(row + column)), mean + column);
        }
        if (taken > 0)
            Row.SetMeans(mean, width, channels, size, (double)taken * width / groups);
        Row.Repeat(mean, width, channels);
    }

    /// <summary>
    /// du = dy silu'(u) (or dy) with u = a d + b, d = x - mean; first = sum du and second = sum du d, for every place of a row.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GradientSums<TSilu>(float* x, float* dy, float* du, int total, int width, float* mean, float* a, float* b,
        float* first, float* second)
        where TSilu : struct, ISwitch
    {
        int lanes = TLanes.Count;
        new Span<float>(first, width).Clear();
        new Span<float>(second, width).Clear();
        for (int start = 0; start < total; start += width)
        {
            float* v = x + start, dys = dy + start, dus = du + start;
            nint end = Math.Min(width, total - start);
            for (nint j = 0; j <= end - lanes; j += lanes)
            {
                V d = TLanes.Subtract(TLanes.Load(v + j), TLanes.Load(mean + j)), g = TLanes.Load(dys + j);
                if (TSilu.On)
                    g = TLanes.Multiply(g,
                        LaneMath.SiluDerivative<TLanes, V>(TLanes.MultiplyAdd(d, TLanes.Load(a + j), TLanes.Load(b + j))));
                TLanes.Store(g, dus + j);
                TLanes.Store(TLanes.Add(TLanes.Load(first + j), g), first + j);
                TLanes.Store(TLanes.MultiplyAdd(g, d, TLanes.Load(second + j)), second + j);
            }
        }
        int rest = total % lanes;
        if (rest > 0)
        {
            int i = total - rest, column = i % width;
            V d = TLanes.Subtract(LaneMath.Load<TLanes, V>(x + i, rest), TLanes.Load(mean + column)),
                g = LaneMath.Load<TLanes, V>(dy + i, rest);
            if (TSilu.On)
                g = TLanes.Multiply(g,
                    LaneMath.SiluDerivative<TLanes, V>(TLanes.MultiplyAdd(d, TLanes.Load(a + column), TLanes.Load(b + column))));
            LaneMath.Store<TLanes, V>(g, du + i, rest);
            // g is 0 behind the end.
            TLanes.Store(TLanes.Add(TLanes.Load(first + column), g), first + column);
            TLanes.Store(TLanes.MultiplyAdd(g, d, TLanes.Load(second + column)), second + column);
        }
    }

    /// <summary>y = (x - mean) a + b, through SiLU if asked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalise<TSilu>(float* x, float* y, int total, int width, float* mean, float* a, float* b)
        where TSilu : struct, ISwitch
    {
        int lanes = TLanes.Count;
        for (int start = 0; start < total; start += width)
        {
            float* v = x + start, to = y + start;
            nint end = Math.Min(width, total - start);
            for (nint j = 0; j <= end - lanes; j += lanes)
                TLanes.Store(Normalised<TSilu>(TLanes.Load(v + j), mean + j, a + j, b + j), to + j);
        }
        int rest = total % lanes;
        if (rest > 0)
        {
            int i = total - rest, column = i % width;
            LaneMath.Store<TLanes, V>(Normalised<TSilu>(LaneMath.Load<TLanes, V>(x + i, rest), mean + column, a + column, b + column),
                y + i, rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Normalised<TSilu>(V x, float* mean, float* a, float* b)
        where TSilu : struct, ISwitch
    {
        var u = TLanes.MultiplyAdd(TLanes.Subtract(x, TLanes.Load(mean)), TLanes.Load(a), TLanes.Load(b));
        return TSilu.On ? LaneMath.Silu<TLanes, V>(u) : u;
    }

    /// <summary>dx = du p + (x - mean) q + r; du lies in dx.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gradient(float* x, float* dx, int total, int width, float* mean, float* p, float* q, float* r)
    {
        int lanes = TLanes.Count;
        for (int start = 0; start < total; start += width)
        {
            float* v = x + start, to = dx + start;
            nint end = Math.Min(width, total - start);
            for (nint j = 0; j <= end - lanes; j += lanes)
            {
                var sum = TLanes.MultiplyAdd(TLanes.Subtract(TLanes.Load(v + j), TLanes.Load(mean + j)), TLanes.Load(q + j),
                    TLanes.Load(r + j));
                TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(to + j), TLanes.Load(p + j), sum), to + j);
            }
        }
        for (int i = total - (total % lanes), column = i % width; i < total; i++, column++)
            dx[i] = dx[i] * p[column] + ((x[i] - mean[column]) * q[column] + r[column]);
    }
}

/// <summary>Factors and sums of a row, place by place.</summary>
file static unsafe class Row
{
    /// <summary>Row-long arrays that a sample needs.</summary>
    public const int Count = 7;

    /// <summary>Replaces the sums of a row by their groups' means.</summary>
    public static void SetMeans(float* sums, int width, int channels, int size, double count)
    {
        for (int c = 0; c < channels; c += size)
        {
            double sum = 0;
            for (int i = c; i < c + size; i++)
                sum += Fold(sums, width, channels, i);
            new Span<float>(sums + c, size).Fill((float)(sum / count));
        }
    }

    /// <summary>The sum over a row's pixels of one channel.</summary>
    public static double Fold(float* row, int width, int channels, int channel)
    {
        double sum = 0;
        for (int i = channel; i < width; i += channels)
            sum += row[i];
        return sum;
    }

    /// <summary>Repeats the first pixel's factors over the row.</summary>
    public static void Repeat(float* row, int width, int channels)
    {
        for (int i = channels; i < width; i++)
            row[i] = row[i - channels];
    }
}

file unsafe struct GroupNormJob<TSilu> : IWideJob
    where TSilu : unmanaged, ISwitch
{
    public GroupNormData S;

    /// <summary>Where y goes, or the factors [N,2C] of a x + b in its stead.</summary>
    public float* Y, Factors;

    public readonly void Run<TLanes, V>(int n)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var s = S;
        int width = s.Width(TLanes.Count), total = s.Total, channels = s.C, size = channels / s.Groups;
        float* x = s.X + n * total, stats = s.Stats + n * s.Groups * 2;
        float* scratch = Scratch.Get(Row.Count * width);
        float* mean = scratch, a = mean + width, b = a + width, first = b + width, second = first + width;
        if (s.Moments == null)
            Measure<TLanes, V>(s, x, stats, mean, first, second);
        else
            Merge(s, n, width, stats, mean);
        for (int c = 0; c < channels; c++)
        {
            float rstd = stats[2 * (c / size) + 1];
            a[c] = rstd * s.Gamma[c] * s.Scale(n, c);
            b[c] = s.Beta[c] * s.Scale(n, c) + s.Shift(n, c);
        }
        if (Factors != null)
        {
            float* factors = Factors + n * 2 * channels;
            for (int c = 0; c < channels; c++)
            {
                factors[c] = a[c];
                factors[channels + c] = (float)(b[c] - (double)mean[c] * a[c]);
            }
            return;
        }
        Row.Repeat(a, width, channels);
        Row.Repeat(b, width, channels);
        Sample<TLanes, V>.Normalise<TSilu>(x, Y + n * total, total, width, mean, a, b);
    }

    /// <summary>The statistics from x.</summary>
    private static void Measure<TLanes, V>(in GroupNormData s, float* x, float* stats, float* mean, float* first, float* second)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int width = s.Width(TLanes.Count), total = s.Total, channels = s.C, size = channels / s.Groups;
        double count = (double)s.Pixels * size;
        bool corrected = false;

        // With d = x - guess, the mean moves by mean(d) and the variance by its square. A guess that was off by more than the deviation
        // would cost digits: its sums are taken again, from the mean that they gave.
        Sample<TLanes, V>.GuessMeans(x, total, width, channels, s.Groups, mean);
        for (bool again = true; again;)
        {
            Sample<TLanes, V>.Sums(x, total, width, mean, first, second);
            again = false;
            for (int g = 0; g < s.Groups; g++)
            {
                double sum = 0, squares = 0;
                for (int c = g * size; c < (g + 1) * size; c++)
                {
                    sum += Row.Fold(first, width, channels, c);
                    squares += Row.Fold(second, width, channels, c);
                }
                double offset = sum / count, variance = Math.Max(0, squares / count - offset * offset);
                again |= !corrected && offset * offset > variance;
                float m = (float)(mean[g * size] + offset), rstd = (float)(1 / Math.Sqrt(variance + s.Epsilon));
                stats[2 * g] = m;
                stats[2 * g + 1] = rstd;
                new Span<float>(mean + g * size, size).Fill(m);
            }
            Row.Repeat(mean, width, channels);
            corrected = true;
        }
    }

    /// <summary>The statistics from its blocks' moments.</summary>
    private static void Merge(in GroupNormData s, int n, int width, float* stats, float* mean)
    {
        int rows = s.Pixels / MomentsShape.BlockPixels, size = s.C / s.Groups;
        for (int g = 0; g < s.Groups; g++)
        {
            var (m, variance) = GroupMoments.Merge(s.Moments + ((long)n * rows * s.C) + (g * size), rows, s.C, size);
            stats[2 * g] = (float)m;
            stats[2 * g + 1] = (float)(1 / Math.Sqrt(variance + s.Epsilon));
            new Span<float>(mean + g * size, size).Fill((float)m);
        }
        Row.Repeat(mean, width, s.C);
    }
}

file unsafe struct GroupNormBackwardJob<TSilu> : IWideJob
    where TSilu : unmanaged, ISwitch
{
    public GroupNormData S;
    public float* DY, DX, DScaleShift;
    /// <summary>[N,2C]: each sample's share of dgamma, then of dbeta.</summary>
    public float* Shares;

    public readonly void Run<TLanes, V>(int n)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var s = S;
        int width = s.Width(TLanes.Count), total = s.Total, channels = s.C, size = channels / s.Groups;
        float* x = s.X + n * total, dx = DX + n * total, stats = s.Stats + n * s.Groups * 2, shares = Shares + n * 2 * channels;
        float* scratch = Scratch.Get(Row.Count * width);
        float* mean = scratch, a = mean + width, b = a + width, first = b + width, second = first + width, q = second + width,
            r = q + width;
        double count = (double)s.Pixels * size;
        for (int c = 0; c < channels; c++)
        {
            int g = c / size;
            mean[c] = stats[2 * g];
            a[c] = stats[2 * g + 1] * s.Gamma[c] * s.Scale(n, c);
            b[c] = s.Beta[c] * s.Scale(n, c) + s.Shift(n, c);
        }
        Row.Repeat(mean, width, channels);
        Row.Repeat(a, width, channels);
        Row.Repeat(b, width, channels);

        Sample<TLanes, V>.GradientSums<TSilu>(x, DY + n * total, dx, total, width, mean, a, b, first, second);
        for (int g = 0; g < s.Groups; g++)
        {
            // Per channel: A = sum du, B = sum du xhat. Everything else follows from them.
            double rstd = stats[2 * g + 1], mean1 = 0, mean2 = 0;
            for (int c = g * size; c < (g + 1) * size; c++)
            {
                double sumA = Row.Fold(first, width, channels, c), sumB = rstd * Row.Fold(second, width, channels, c);
                double scale = s.Scale(n, c), gamma = s.Gamma[c];
                shares[c] = (float)(scale * sumB);
                shares[channels + c] = (float)(scale * sumA);
                if (DScaleShift != null)
                {
                    DScaleShift[n * 2 * channels + c] = (float)(gamma * sumB + s.Beta[c] * sumA);
                    DScaleShift[n * 2 * channels + channels + c] = (float)sumA;
                }
                mean1 += scale * gamma * sumA / count;
                mean2 += scale * gamma * sumB / count;
            }
            for (int c = g * size; c < (g + 1) * size; c++)
            {
                q[c] = (float)(-rstd * rstd * mean2);
                r[c] = (float)(-rstd * mean1);
            }
        }
        Row.Repeat(q, width, channels);
        Row.Repeat(r, width, channels);
        Sample<TLanes, V>.Gradient(x, dx, total, width, mean, a, q, r);
    }
}

/// <summary>dgamma[c] and dbeta[c] += the samples' shares, in the order of the samples; a task is a block of channels.</summary>
file unsafe struct GroupNormParameterJob : IJob
{
    public const int Block = 64;
    public float* Shares, DGamma, DBeta;
    public int N, C;

    public readonly void Run(int task)
    {
        for (int c = task * Block, end = Math.Min(c + Block, C); c < end; c++)
        {
            double gamma = 0, beta = 0;
            for (int n = 0; n < N; n++)
            {
                gamma += Shares[n * 2 * C + c];
                beta += Shares[n * 2 * C + C + c];
            }
            DGamma[c] += (float)gamma;
            DBeta[c] += (float)beta;
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y,
        Tensor stats, Tensor? moments)
    {
        var data = Data(s, x, gamma, beta, scaleShift, stats, moments);
        if (s.Silu)
            RunWide(new GroupNormJob<With> { S = data, Y = Pointer(y) }, s.N);
        else
            RunWide(new GroupNormJob<Without> { S = data, Y = Pointer(y) }, s.N);
    }

    private protected override void GroupNormFactorsCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift,
        Tensor factors, Tensor stats, Tensor? moments) =>
        RunWide(new GroupNormJob<Without>
        { S = Data(s, moments is null ? x : null, gamma, beta, scaleShift, stats, moments), Factors = Pointer(factors) }, s.N);

    private protected override void GroupNormBackwardCore(in GroupNormShape s, Tensor dy, Tensor x, Tensor stats, Tensor gamma, Tensor beta,
        Tensor? scaleShift, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor? dscaleShift)
    {
        var data = Data(s, x, gamma, beta, scaleShift, stats);
        using var scratch = Empty(s.ScaleShift);
        float* shares = Pointer(scratch);
        if (s.Silu)
            RunWide(new GroupNormBackwardJob<With>
            { S = data, DY = Pointer(dy), DX = Pointer(dx), DScaleShift = PointerOrNull(dscaleShift), Shares = shares }, s.N);
        else
            RunWide(new GroupNormBackwardJob<Without>
            { S = data, DY = Pointer(dy), DX = Pointer(dx), DScaleShift = PointerOrNull(dscaleShift), Shares = shares }, s.N);
        Workers.Run(new GroupNormParameterJob { Shares = shares, DGamma = Pointer(dgamma), DBeta = Pointer(dbeta), N = s.N, C = s.C },
            (s.C + GroupNormParameterJob.Block - 1) / GroupNormParameterJob.Block);
    }

    private static GroupNormData Data(in GroupNormShape s, Tensor? x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor stats,
        Tensor? moments = null) => new()
        {
            Pixels = s.Pixels,
            C = s.C,
            Groups = s.Groups,
            Epsilon = s.Epsilon,
            X = PointerOrNull(x),
            Stats = Pointer(stats),
            Gamma = Pointer(gamma),
            Beta = Pointer(beta),
            ScaleShift = PointerOrNull(scaleShift),
            Moments = PointerOrNull(moments),
        };
}
