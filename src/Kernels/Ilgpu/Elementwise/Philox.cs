using ILGPU;
using ILGPU.Algorithms;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void RandomUniformCore(RandomKey key, Tensor y) =>
        Launch(RandomUniformKernel, Threads((y.Length + 3L) / 4), key.Seed, key.Stream, key.Offset, View(y));

    private protected override void RandomNormalCore(RandomKey key, Tensor y) =>
        Launch(RandomNormalKernel, Threads((y.Length + 3L) / 4), key.Seed, key.Stream, key.Offset, View(y));

    /// <summary>
    /// y[4b..4b+3] = the four uniform numbers of Philox block b. One thread a block; 16 bytes written, about 80 integer operations.
    /// </summary>
    [Kernel]
    internal static void RandomUniformKernel(Index1D block, ulong seed, uint stream, ulong offset, ArrayView<float> y)
    {
        var bits = Philox.Block(seed, stream, offset + (ulong)(int)block);
        Store4(y, 4 * block, Philox.ToUniform(bits.X), Philox.ToUniform(bits.Y), Philox.ToUniform(bits.Z), Philox.ToUniform(bits.W));
    }

    /// <summary>
    /// y[4b..4b+3] = the four normal numbers of Philox block b: Box-Muller on each half. One thread a block; 16 bytes written.
    /// </summary>
    [Kernel]
    internal static void RandomNormalKernel(Index1D block, ulong seed, uint stream, ulong offset, ArrayView<float> y)
    {
        var bits = Philox.Block(seed, stream, offset + (ulong)(int)block);
        float r0 = XMath.Sqrt(-2f * DeviceMath.Log(Philox.ToUniform(bits.X)));
        float r1 = XMath.Sqrt(-2f * DeviceMath.Log(Philox.ToUniform(bits.Z)));
        float a0 = DeviceMath.Turn(Philox.ToUniform(bits.Y));
        float a1 = DeviceMath.Turn(Philox.ToUniform(bits.W));
        Store4(y, 4 * block, r0 * XMath.Cos(a0), r0 * XMath.Sin(a0), r1 * XMath.Cos(a1), r1 * XMath.Sin(a1));
    }

    private static void Store4(ArrayView<float> y, int i, float a, float b, float c, float d)
    {
        int count = y.IntLength - i;
        y[i] = a;
        if (count > 1)
            y[i + 1] = b;
        if (count > 2)
            y[i + 2] = c;
        if (count > 3)
            y[i + 3] = d;
    }
}
