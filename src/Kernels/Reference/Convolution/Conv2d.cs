using BDense.Kernels.Reference.Convolution;
using BDense.Kernels.Reference.MatMul;

namespace BDense.Kernels.Reference;

public unsafe partial class ReferenceBackend
{
    private readonly MicroKernels _kernels = MicroKernels.For(MicroKernels.BestLanes);

    /// <summary>With registers of another width than the processor's best, for tests: 16, 8, 4 or 1 floats.</summary>
    internal ReferenceBackend(int threads, int lanes)
        : this(threads) => _kernels = MicroKernels.For(lanes);

    /// <remarks>
    /// One <see cref="ConvolutionPass"/>, or <see cref="WinogradPass"/> where it suits; bytes: x, w and y once, w twice more for the
    /// packing.
    /// </remarks>
    private protected override void Conv2dCore(in Conv2dShape s, Tensor x, Tensor w, Tensor? bias, Tensor y) =>
        Forward(s, x, w, default, new ConvolutionEpilogue(bias), y);

    private void Forward(in Conv2dShape s, Tensor x, Tensor w, in ConvolutionInput input, in ConvolutionEpilogue e, Tensor y)
    {
        var pass = new ConvolutionPass
        {
            Kernels = _kernels,
            X = Pointer(x),
            Input = input,
            Bias = PointerOrNull(e.Bias),
            Embedding = PointerOrNull(e.Embedding),
            Residual = PointerOrNull(e.Residual),
            Scale = e.Scale,
            Silu = e.Silu,
            Y = Pointer(y),
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
            YPixel = s.K,
            YRow = s.Q * s.K,
            YImage = s.P * s.Q * s.K,
        };
        var pack = new PackWeights { Kernels = _kernels, W = Pointer(w), K = s.K, R = s.R, S = s.S, C = s.C, TapsR = s.R, TapsS = s.S };
        Run(pass, pack, w);
    }

    /// <remarks>
    /// Pixel h of dx is reached by the taps r with (h + PadBegin - r) divisible by Stride. For each residue f of h + PadBegin these are
    /// r = f + Stride j, and p = (h + PadBegin - f) / Stride - j: a pass of stride 1 over dy with the taps in reverse, that writes every
    /// Stride-th row of dx; columns likewise. With stride 1 this is the forward convolution with turned and transposed weights.
    /// </remarks>
    private protected override void Conv2dDgradCore(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx) =>
        Phases(s, dy, w, dx, new ConvolutionEpilogue(null));

    private void Phases(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx, in ConvolutionEpilogue e)
    {
        for (int fh = 0; fh < s.Stride; fh++)
        {
            var (h0, rows, tapsR, offsetH) = Phase(s.H, s.R, s.Stride, s.PadBegin, fh);
            for (int fw = 0; fw < s.Stride; fw++)
            {
                var (w0, columns, tapsS, offsetW) = Phase(s.W, s.S, s.Stride, s.PadBegin, fw);
                if (rows == 0 || columns == 0)
                    continue;
                int first = ((h0 * s.W) + w0) * s.C;
                var pass = new ConvolutionPass
                {
                    Kernels = _kernels,
                    X = Pointer(dy),
                    Bias = PointerOrNull(e.Bias),
                    Embedding = PointerOrNull(e.Embedding),
                    Residual = e.Residual is null ? null : Pointer(e.Residual) + first,
                    Scale = e.Scale,
                    Silu = e.Silu,
                    Y = Pointer(dx) + first,
                    N = s.N,
                    H = s.P,
                    W = s.Q,
                    C = s.K,
                    P = rows,
                    Q = columns,
                    K = s.C,
                    R = tapsR,
                    S = tapsS,
                    Stride = 1,
                    OffsetH = offsetH,
                    OffsetW = offsetW,
                    YPixel = s.Stride * s.C,
                    YRow = s.Stride * s.W * s.C,
                    YImage = s.H * s.W * s.C,
                };
                if (tapsR == 0 || tapsS == 0)
                {
                    var clear = new ClearGrid
                    {
                        Y = pass.Y,
                        P = rows,
                        Q = columns,
                        K = s.C,
                        YPixel = pass.YPixel,
                        YRow = pass.YRow,
                        YImage = pass.YImage,
                    };
                    Workers.Run(clear, s.N);
                    continue;
                }
                var pack = new PackWeights
                {
                    Kernels = _kernels,
                    W = Pointer(w),
                    K = s.K,
                    R = s.R,
                    S = s.S,
                    C = s.C,
                    Transposed = true,
                    TapsR = tapsR,
                    TapsS = tapsS,
                    FirstR = fh + ((tapsR - 1) * s.Stride),
                    FirstS = fw + ((tapsS - 1) * s.Stride),
                    Stride = s.Stride,
                };
                Run(pass, pack, w);
            }
        }
    }

    /// <summary>
    /// The pixels h of one residue: the first, how many, the taps that reach them, and the row of dy under the lowest of them
    /// (p of tap j = taps - 1 at the first pixel).
    /// </summary>
    private static (int First, int Count, int Taps, int Offset) Phase(int size, int kernel, int stride, int pad, int residue)
    {
        int first = (((residue - pad) % stride) + stride) % stride;
        int count = first < size ? (size - first + stride - 1) / stride : 0;
        int taps = residue < kernel ? (kernel - residue + stride - 1) / stride : 0;
        return (first, count, taps, ((first + pad - residue) / stride) - (taps - 1));
    }

    /// <summary>
    /// Packs <paramref name="w"/> if no kept copy of these very values is at hand, and runs the pass, by Winograd's products where they
    /// suit it.
    /// </summary>
    private void Run(ConvolutionPass pass, PackWeights pack, Tensor w)
    {
        pack.Winograd = WinogradPass.Suits(pass);
        pack.Dots = pass.ByDots;
        var winograd = new WinogradPass { Pass = pass };
        int tasks = pack.Winograd ? winograd.Plan() : pass.Plan();
        if (tasks == 0)
            return;
        long depth = (long)pass.C * (pack.Winograd ? WinogradPass.Places : pass.R * pass.S);
        int columns = _kernels.Padded(pass.K), size = checked((int)(columns * (depth + 1)));
        var kept = ((NativeStorage)w.Storage).Packs.Find(pack, w.Storage.Version);
        var temporary = kept.IsKept ? null : Pool.Rent(size);
        pack.Packed = pass.Weights = temporary is null ? kept.Reserve(size) : ((NativeStorage)temporary).Pointer;
        if (!kept.IsPacked)
        {
            Workers.Run(pack, pack.Dots ? 1 : _kernels.Panels(pass.K));
            Packings++;
            kept.IsPacked = kept.IsKept;
        }
        // Whole registers are read: the bias gets a padded copy, behind the weights where there is one for all images.
        var biases = pass.Embedding is null ? null : Pool.Rent(checked(columns * pass.N));
        if (pass.Bias is not null || biases is not null)
            FillBias(ref pass, biases is null ? pass.Weights + (columns * depth) : ((NativeStorage)biases).Pointer, columns);
        winograd.Pass = pass;
        if (pack.Winograd)
            Workers.Run(winograd, tasks);
        else
            Workers.Run(pass, tasks);
        if (biases is not null)
            Pool.Return(biases);
        if (temporary is not null)
            Pool.Return(temporary);
    }

    /// <summary>How often weights were packed so far, for tests.</summary>
    internal long Packings { get; private set; }
}
