using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void ConvertCore(Tensor x, Tensor y)
    {
        bool widen = x.Type == ElementType.BFloat16, fours = InFours(x) && InFours(y);
        if (widen && fours)
            Launch(WidenBFloat16x4Kernel, y.Length / 4, Bits4(x), View4(y));
        else if (widen)
            Launch(WidenBFloat16Kernel, y.Length, Bits(x), View(y));
        else if (fours)
            Launch(RoundBFloat16x4Kernel, y.Length / 4, View4(x), Bits4(y));
        else
            Launch(RoundBFloat16Kernel, y.Length, View(x), Bits(y));
    }

    /// <summary>y = x, from BF16. One thread an element; 2 bytes read, 4 written.</summary>
    [Kernel]
    internal static void WidenBFloat16Kernel(Index1D i, ArrayView<ushort> x, ArrayView<float> y) => y[i] = InBFloat16.Widen(x[i]);

    /// <summary>The same for four elements a thread.</summary>
    [Kernel(Hot = true)]
    internal static void WidenBFloat16x4Kernel(Index1D i, ArrayView<BFloat16x4> x, ArrayView<Float4> y) => y[i] = InBFloat16.Widen(x[i]);

    /// <summary>y = x, rounded to BF16. One thread an element; 4 bytes read, 2 written.</summary>
    [Kernel]
    internal static void RoundBFloat16Kernel(Index1D i, ArrayView<float> x, ArrayView<ushort> y) => y[i] = InBFloat16.Round(x[i]);

    /// <summary>The same for four elements a thread.</summary>
    [Kernel(Hot = true)]
    internal static void RoundBFloat16x4Kernel(Index1D i, ArrayView<Float4> x, ArrayView<BFloat16x4> y) => y[i] = InBFloat16.Round(x[i]);
}
