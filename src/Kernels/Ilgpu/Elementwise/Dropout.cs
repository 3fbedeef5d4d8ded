using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void DropoutCore(Tensor x, float p, RandomKey key, Tensor y)
    {
        if (x.Type == ElementType.BFloat16)
            Launch(Dropout4BFloat16Kernel, y.Length / 4, Bits4(x), p, 1f / (1f - p), key.Seed, key.Stream, key.Offset,
                key.Counter is { } counter ? View(counter) : Pairs(y), key.Counter is null ? 0 : 1, Bits4(y));
        else if (InFours(x) && InFours(y))
            Launch(Dropout4Kernel, y.Length / 4, View4(x), p, 1f / (1f - p), key.Seed, key.Stream, key.Offset, View(key.Counter ?? y),
                key.Counter is null ? 0 : 1, View4(y));
        else
            Launch(DropoutKernel, Threads((y.Length + 3L) / 4), View(x), p, key.Seed, key.Stream, key.Offset, View(key.Counter ?? y),
                key.Counter is null ? 0 : 1, View(y));
    }

    /// <summary>
    /// y_i = x_i / (1 - p) where u_i >= p, else 0. One thread a Philox block of four elements; 16 bytes read, 16 written. The blocks start
    /// at the offset, and where there is a counter at the sum of both.
    /// </summary>
    [Kernel]
    internal static void DropoutKernel(Index1D block, ArrayView<float> x, float p, ulong seed, uint stream, ulong offset,
        ArrayView<float> counter,
        int hasCounter, ArrayView<float> y)
    {
        var bits = Philox.Block(seed, stream, First(offset, counter, hasCounter) + (ulong)(int)block);
        float scale = 1f / (1f - p);
        int i = 4 * block;
        int count = y.IntLength - i;
        y[i] = Philox.ToUniform(bits.X) >= p ? x[i] * scale : 0f;
        if (count > 1)
            y[i + 1] = Philox.ToUniform(bits.Y) >= p ? x[i + 1] * scale : 0f;
        if (count > 2)
            y[i + 2] = Philox.ToUniform(bits.Z) >= p ? x[i + 2] * scale : 0f;
        if (count > 3)
            y[i + 3] = Philox.ToUniform(bits.W) >= p ? x[i + 3] * scale : 0f;
    }

    /// <summary>
    /// The same where four divides the elements: one load and one store of 16 bytes, the load on its way while the bits are made.
    /// <paramref name="scale"/> is 1 / (1 - p).
    /// </summary>
    [Kernel]
    internal static void Dropout4Kernel(Index1D block, ArrayView<Float4> x, float p, float scale, ulong seed, uint stream, ulong offset,
        ArrayView<float> counter, int hasCounter, ArrayView<Float4> y) =>
        Dropout4<InFloat32, Float4>(block, x, p, scale, seed, stream, offset, counter, hasCounter, y);

    /// <summary>The same in BF16: 8 bytes read, 8 written.</summary>
    [Kernel]
    internal static void Dropout4BFloat16Kernel(Index1D block, ArrayView<BFloat16x4> x, float p, float scale, ulong seed, uint stream,
        ulong offset, ArrayView<float> counter, int hasCounter, ArrayView<BFloat16x4> y) =>
        Dropout4<InBFloat16, BFloat16x4>(block, x, p, scale, seed, stream, offset, counter, hasCounter, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Dropout4<TE, T>(Index1D block, ArrayView<T> x, float p, float scale, ulong seed, uint stream, ulong offset,
        ArrayView<float> counter, int hasCounter, ArrayView<T> y)
        where TE : struct, IElements<T, Float4>
        where T : unmanaged
    {
        var v = TE.Widen(x[block]);
        var bits = Philox.Block(seed, stream, First(offset, counter, hasCounter) + (ulong)(int)block);
        y[block] = TE.Round(new Float4(
            Philox.ToUniform(bits.X) >= p ? v.X * scale : 0f, Philox.ToUniform(bits.Y) >= p ? v.Y * scale : 0f,
            Philox.ToUniform(bits.Z) >= p ? v.Z * scale : 0f, Philox.ToUniform(bits.W) >= p ? v.W * scale : 0f));
    }

    /// <summary>The first block: the offset, plus the counter's 64 bits where there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong First(ulong offset, ArrayView<float> counter, int hasCounter) => hasCounter == 0 ? offset
        : offset + ((ulong)(uint)counter[0] | (ulong)(uint)counter[1] << 16 | (ulong)(uint)counter[2] << 32 | (ulong)(uint)counter[3]
            << 48);
}
