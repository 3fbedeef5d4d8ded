using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BDense.Kernels.Reference;

/// <summary>A <see cref="RandomKey"/> with its counter added: plain numbers, as a job takes them.</summary>
internal readonly record struct RandomSequence(ulong Seed, uint Stream, ulong Offset);

/// <summary>Random numbers by the piece: whole blocks of four, in stack buffers, so that the float arithmetic can use vectors.</summary>
internal static unsafe class RandomPiece
{
    /// <summary>Numbers in a piece: a multiple of four and of every vector length; tasks are whole pieces.</summary>
    public const int Length = 256;

    /// <summary>Uniform numbers first .. first + 255 of the sequence; <paramref name="first"/> is a multiple of four.</summary>
    public static void Uniform(RandomSequence key, int first, float* u)
    {
        uint* bits = stackalloc uint[Length];
        Bits(key, key.Offset + (ulong)first / 4, bits);
        for (int i = 0; i < Length; i += Vector<uint>.Count)
            ToUniform(Vector.Load(bits + i)).Store(u + i);
    }

    /// <summary><see cref="Philox.Block"/> for 64 blocks from <paramref name="block"/> on, one block in each 64-bit lane.</summary>
    private static void Bits(RandomSequence key, ulong block, uint* bits)
    {
        ulong* low = stackalloc ulong[Length / 4], high = stackalloc ulong[Length / 4];
        for (int i = 0; i < Length / 4; i++)
            low[i] = block + (ulong)i;
        Vector<ulong> mask = new(uint.MaxValue), a = new(0xD2511F53ul), b = new(0xCD9E8D57ul);
        for (int i = 0; i < Length / 4; i += Vector<ulong>.Count)
        {
            var counter = Vector.Load(low + i);
            Vector<ulong> c0 = counter & mask, c1 = Vector.ShiftRightLogical(counter, 32), c2 = new(key.Stream), c3 = Vector<ulong>.Zero;
            uint k0 = (uint)key.Seed, k1 = (uint)(key.Seed >> 32);
            for (int round = 0; round < 10; round++)
            {
                Vector<ulong> p0 = Multiply(a, c0), p1 = Multiply(b, c2);
                c0 = Vector.ShiftRightLogical(p1, 32) ^ c1 ^ new Vector<ulong>(k0);
                c2 = Vector.ShiftRightLogical(p0, 32) ^ c3 ^ new Vector<ulong>(k1);
                c1 = p1 & mask;
                c3 = p0 & mask;
                k0 += 0x9E3779B9u;
                k1 += 0xBB67AE85u;
            }
            (c0 | Vector.ShiftLeft(c1, 32)).Store(low + i);
            (c2 | Vector.ShiftLeft(c3, 32)).Store(high + i);
        }
        for (int i = 0; i < Length / 4; i++)
        {
            // Word by word, whatever the byte order.
            bits[4 * i] = (uint)low[i];
            bits[4 * i + 1] = (uint)(low[i] >> 32);
            bits[4 * i + 2] = (uint)high[i];
            bits[4 * i + 3] = (uint)(high[i] >> 32);
        }
    }

    /// <summary>Products of numbers below 2^32, for which AVX2 has one instruction; the general 64-bit product takes eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<ulong> Multiply(Vector<ulong> x, Vector<ulong> y) => Avx2.IsSupported && Vector<ulong>.Count == 4
        ? Avx2.Multiply(x.AsVector256().AsUInt32(), y.AsVector256().AsUInt32()).AsVector()
        : x * y;

    /// <summary>Normal numbers first .. first + 255 of the sequence.</summary>
    public static void Normal(RandomSequence key, int first, float* z)
    {
        const int Half = Length / 2;
        float* u = stackalloc float[Length];
        float* radius = stackalloc float[Half], angle = stackalloc float[Half];
        Uniform(key, first, u);
        for (int i = 0; i < Half; i++)
        {
            radius[i] = u[2 * i];
            angle[i] = u[2 * i + 1];
        }
        for (int i = 0; i < Half; i += Vector<float>.Count)
        {
            var r = Vector.SquareRoot(new Vector<float>(-2f) * Vector.Log(Vector.Load(radius + i)));
            var (sin, cos) = Simd.SinCosTurns(Vector.Load(angle + i));
            (r * cos).Store(radius + i);
            (r * sin).Store(angle + i);
        }
        for (int i = 0; i < Half; i++)
        {
            z[2 * i] = radius[i];
            z[2 * i + 1] = angle[i];
        }
    }

    /// <summary><see cref="Philox.ToUniform"/> on every lane, to the same bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> ToUniform(Vector<uint> bits) =>
        (Vector.ConvertToSingle(Vector.AsVectorInt32(Vector.ShiftRightLogical(bits, 9))) + new Vector<float>(0.5f)) * new Vector<float>(
            1f / 8388608f);
}

file unsafe struct RandomJob : IJob
{
    public RandomSequence Key;
    public float* Y;
    public int Length;
    public bool Normal;

    public readonly void Run(int task)
    {
        float* piece = stackalloc float[RandomPiece.Length];
        int end = Math.Min((task + 1) * Chunk.Length, Length);
        for (int i = task * Chunk.Length; i < end; i += RandomPiece.Length)
        {
            if (Normal)
                RandomPiece.Normal(Key, i, piece);
            else
                RandomPiece.Uniform(Key, i, piece);
            int count = Math.Min(RandomPiece.Length, end - i);
            new Span<float>(piece, count).CopyTo(new Span<float>(Y + i, count));
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void RandomUniformCore(RandomKey key, Tensor y) => Random(key, y, normal: false);

    private protected override void RandomNormalCore(RandomKey key, Tensor y) => Random(key, y, normal: true);

    /// <summary>The key with the number that its counter holds now added to the offset.</summary>
    private static RandomSequence Started(RandomKey key) =>
        new(key.Seed, key.Stream, key.Offset + (key.Counter is { } counter ? RandomKey.FromDigits(Span(counter)) : 0));

    private void Random(RandomKey key, Tensor y, bool normal) =>
        Workers.Run(new RandomJob { Key = Started(key), Y = Pointer(y), Length = y.Length, Normal = normal }, Chunk.Count(y.Length));
}
