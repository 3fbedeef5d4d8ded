using System.Numerics;
using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>Random numbers by the piece: whole blocks of four, in stack buffers, so that the float arithmetic can use vectors.</summary>
internal static unsafe class RandomPiece
{
    /// <summary>Numbers in a piece: a multiple of four and of every vector length; tasks are whole pieces.</summary>
    public const int Length = 256;

    /// <summary>Uniform numbers first .. first + 255 of the sequence; <paramref name="first"/> is a multiple of four.</summary>
    public static void Uniform(RandomKey key, int first, float* u)
    {
        ulong block = key.Offset + (ulong)first / 4;
        uint* bits = stackalloc uint[Length];
        for (int i = 0; i < Length; i += 4)
            *(Philox4*)(bits + i) = Philox.Block(key.Seed, key.Stream, block++);
        for (int i = 0; i < Length; i += Vector<uint>.Count)
            ToUniform(Vector.Load(bits + i)).Store(u + i);
    }

    /// <summary>Normal numbers first .. first + 255 of the sequence.</summary>
    public static void Normal(RandomKey key, int first, float* z)
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
        (Vector.ConvertToSingle(Vector.AsVectorInt32(Vector.ShiftRightLogical(bits, 8))) + new Vector<float>(0.5f)) * new Vector<float>(1f / 16777216f);
}

file unsafe struct RandomJob : IJob
{
    public RandomKey Key;
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

public sealed unsafe partial class ReferenceBackend
{
    protected override void RandomUniformCore(RandomKey key, Tensor y) => Random(key, y, normal: false);

    protected override void RandomNormalCore(RandomKey key, Tensor y) => Random(key, y, normal: true);

    private void Random(RandomKey key, Tensor y, bool normal) =>
        Workers.Run(new RandomJob { Key = key, Y = Pointer(y), Length = y.Length, Normal = normal }, Chunk.Count(y.Length));
}
