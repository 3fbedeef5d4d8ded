using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>y = x / (1 - p) where the key's uniform number is p or more, else 0; y may be x.</summary>
file unsafe struct DropoutJob : IJob
{
    public RandomSequence Key;
    public float* X, Y;
    public int Length;
    public float P;

    public readonly void Run(int task)
    {
        Vector<float> p = new(P), scale = new(1f / (1f - P));
        float* x = X, y = Y, u = stackalloc float[RandomPiece.Length];
        int lanes = Vector<float>.Count, end = Math.Min((task + 1) * Chunk.Length, Length);
        for (int piece = task * Chunk.Length; piece < end; piece += RandomPiece.Length)
        {
            RandomPiece.Uniform(Key, piece, u);
            int i = piece, stop = Math.Min(piece + RandomPiece.Length, end);
            for (; i <= stop - lanes; i += lanes)
                Keep(Vector.Load(x + i), u + i - piece, p, scale).Store(y + i);
            if (i < stop)
                Simd.Store(Keep(Simd.Load(x + i, stop - i), u + i - piece, p, scale), y + i, stop - i);
        }
    }

    private static Vector<float> Keep(Vector<float> x, float* u, Vector<float> p, Vector<float> scale) =>
        Vector.ConditionalSelect(Vector.GreaterThanOrEqual(Vector.Load(u), p), x * scale, Vector<float>.Zero);
}

public unsafe partial class ReferenceBackend
{
    private protected override void DropoutCore(Tensor x, float p, RandomKey key, Tensor y) =>
        Workers.Run(new DropoutJob { Key = Started(key), X = Pointer(x), Y = Pointer(y), Length = y.Length, P = p }, Chunk.Count(y.Length));
}
