using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>Names a sequence of random numbers: number i of it depends on these three and i alone, on every backend alike.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Stream">Which use of it (a dropout layer, the noise of a step, an image).</param>
/// <param name="Offset">Where the sequence starts, in blocks of four numbers.</param>
/// <param name="Counter">
/// [4] on the device, or none: a number to be added to Offset when the operation runs (<see cref="Digits"/>). An operation that is captured
/// once and replayed draws anew each time; an offset alone would be frozen into it. For <see cref="Backend.Dropout"/>.
/// </param>
public readonly record struct RandomKey(ulong Seed, uint Stream, ulong Offset = 0, Tensor? Counter = null)
{
    /// <summary>Floats of a counter.</summary>
    public const int CounterLength = 4;

    /// <summary>The sequence from <paramref name="blocks"/> blocks of four numbers further on.</summary>
    public RandomKey Skip(ulong blocks) => this with { Offset = Offset + blocks };

    /// <summary>
    /// Writes <paramref name="value"/> as a counter holds it: four digits of 16 bits, the lowest first, each exact in a float.
    /// </summary>
    public static void Digits(ulong value, Span<float> counter)
    {
        for (int i = 0; i < CounterLength; i++)
            counter[i] = (ushort)(value >> (16 * i));
    }

    /// <summary>The number whose <see cref="Digits"/> these are.</summary>
    public static ulong FromDigits(ReadOnlySpan<float> counter)
    {
        ulong value = 0;
        for (int i = 0; i < CounterLength; i++)
            value |= (ulong)counter[i] << (16 * i);
        return value;
    }
}

/// <summary>Four 32-bit numbers: one block of Philox.</summary>
/// <param name="x">The first.</param>
/// <param name="y">The second.</param>
/// <param name="z">The third.</param>
/// <param name="w">The fourth.</param>
public struct Philox4(uint x, uint y, uint z, uint w)
{
    /// <summary>The first.</summary>
    public uint X = x;

    /// <summary>The second.</summary>
    public uint Y = y;

    /// <summary>The third.</summary>
    public uint Z = z;

    /// <summary>The fourth.</summary>
    public uint W = w;

    /// <summary>Number 0 to 3.</summary>
    public readonly uint this[int lane] => lane == 0 ? X : lane == 1 ? Y : lane == 2 ? Z : W;
}

/// <summary>
/// Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a block cipher over a counter. Plain integer
/// code, compiled as it stands for the CPU and, by ILGPU, for every device: the integers agree everywhere; normals differ in the
/// last bits where the device's log and cos do.
/// </summary>
/// <remarks>Counter words: block index (64 bits), stream, 0; key: seed. Checked against the authors' known-answer vectors.</remarks>
public static class Philox
{
    /// <summary>The four numbers at place <paramref name="block"/> of a stream.</summary>
    public static Philox4 Block(ulong seed, uint stream, ulong block) =>
        Rounds((uint)block, (uint)(block >> 32), stream, 0u, (uint)seed, (uint)(seed >> 32));

    /// <summary>The cipher itself: ten rounds over counter c under key k.</summary>
    public static Philox4 Rounds(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)0xD2511F53u * c0;
            ulong p1 = (ulong)0xCD9E8D57u * c2;
            uint n0 = (uint)(p1 >> 32) ^ c1 ^ k0;
            uint n2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c1 = (uint)p1;
            c3 = (uint)p0;
            c0 = n0;
            c2 = n2;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        return new Philox4(c0, c1, c2, c3);
    }

    /// <summary>In (0, 1): the top 23 bits, centred in their interval; from 2^-24 to 1 - 2^-24, all exact.</summary>
    /// <remarks>24 bits and a half would need 25: the largest would round to 1.</remarks>
    public static float ToUniform(uint bits) => ((bits >> 9) + 0.5f) * (1f / 8388608f);

    /// <summary>Number <paramref name="i"/> of the key's uniform sequence, on the host.</summary>
    public static float Uniform(RandomKey key, long i) =>
        ToUniform(Block(key.Seed, key.Stream, key.Offset + (ulong)i / 4)[(int)(i & 3)]);

    /// <summary>
    /// Number <paramref name="i"/> of the key's normal sequence, on the host, in double precision: Box-Muller on each half of a
    /// block, numbers 0 and 1 of it from (u0, u1), 2 and 3 from (u2, u3): r cos(2 pi u1), r sin(2 pi u1), r = sqrt(-2 ln u0).
    /// </summary>
    public static double Normal(RandomKey key, long i)
    {
        var block = Block(key.Seed, key.Stream, key.Offset + (ulong)i / 4);
        bool second = (i & 2) != 0;
        double r = Math.Sqrt(-2 * Math.Log(ToUniform(second ? block.Z : block.X)));
        double angle = 2 * Math.PI * ToUniform(second ? block.W : block.Y);
        return (i & 1) == 0 ? r * Math.Cos(angle) : r * Math.Sin(angle);
    }
}

public abstract partial class Backend
{
    /// <summary>y_i = number i of the key's uniform sequence, in (0, 1). Element 4j + l is lane l of block Offset + j.</summary>
    public void RandomUniform(RandomKey key, Tensor y)
    {
        Expect(y, y.Shape);
        Require(key.Counter is null, "a counter on the device is for dropout");
        Report(OpCost.Of(0, y.Length, 20L * y.Length));
        Writes(y);
        if (Computes)
            RandomUniformCore(key, y);
    }

    /// <summary>y_i = number i of the key's normal sequence (mean 0, variance 1), as <see cref="Philox.Normal"/> defines it.</summary>
    public void RandomNormal(RandomKey key, Tensor y)
    {
        Expect(y, y.Shape);
        Require(key.Counter is null, "a counter on the device is for dropout");
        Report(OpCost.Of(0, y.Length, 24L * y.Length));
        Writes(y);
        if (Computes)
            RandomNormalCore(key, y);
    }

    private protected abstract void RandomUniformCore(RandomKey key, Tensor y);

    private protected abstract void RandomNormalCore(RandomKey key, Tensor y);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> PhiloxByName()
    {
        yield return OperationCatalog.OneToOne("random-uniform", (b, _, y) => b.RandomUniform(new RandomKey(7, 7), y));
        yield return OperationCatalog.OneToOne("random-normal", (b, _, y) => b.RandomNormal(new RandomKey(7, 7), y));
    }
}
