using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    protected override void DropoutCore(Tensor x, float p, RandomKey key, Tensor y) =>
        Launch(DropoutKernel, Threads((y.Length + 3L) / 4), View(x), p, key.Seed, key.Stream, key.Offset, View(key.Counter ?? y), key.Counter is null ? 0 : 1, View(y));

    /// <summary>
    /// y_i = x_i / (1 - p) where u_i >= p, else 0. One thread a Philox block of four elements; 16 bytes read, 16 written. The blocks start
    /// at the offset, and where there is a counter at the sum of both.
    /// </summary>
    [Kernel]
    internal static void DropoutKernel(Index1D block, ArrayView<float> x, float p, ulong seed, uint stream, ulong offset, ArrayView<float> counter,
        int hasCounter, ArrayView<float> y)
    {
        if (hasCounter != 0)
            offset += (ulong)(uint)counter[0] | (ulong)(uint)counter[1] << 16 | (ulong)(uint)counter[2] << 32 | (ulong)(uint)counter[3] << 48;
        var bits = Philox.Block(seed, stream, offset + (ulong)(int)block);
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
}
