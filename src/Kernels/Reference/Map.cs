using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>An elementwise function of one tensor.</summary>
internal interface IUnary
{
    Vector<float> Apply(Vector<float> x);
}

/// <summary>An elementwise function of two tensors.</summary>
internal interface IBinary
{
    Vector<float> Apply(Vector<float> a, Vector<float> b);
}

/// <summary>How elementwise operations are cut into tasks: pieces that fit the first-level cache, whatever the number of threads.</summary>
internal static class Chunk
{
    public const int Length = 8192;

    public static int Count(int length) => (length + Length - 1) / Length;
}

/// <summary>y = f(x), one chunk a task; y may be x.</summary>
internal unsafe struct UnaryJob<TFunction> : IJob
    where TFunction : unmanaged, IUnary
{
    public TFunction F;
    public float* X, Y;
    public int Length;

    public readonly void Run(int task)
    {
        // Locals, here and in the other jobs: through a store the compiler must assume that a field of the job has changed.
        var f = F;
        float* x = X, y = Y;
        int i = task * Chunk.Length, end = Math.Min(i + Chunk.Length, Length);
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
            f.Apply(Vector.Load(x + i)).Store(y + i);
        if (i < end)
            Simd.Store(f.Apply(Simd.Load(x + i, end - i)), y + i, end - i);
    }
}

/// <summary>y = f(a, b), one chunk a task; y may be a or b.</summary>
internal unsafe struct BinaryJob<TFunction> : IJob
    where TFunction : unmanaged, IBinary
{
    public TFunction F;
    public float* A, B, Y;
    public int Length;

    public readonly void Run(int task)
    {
        var f = F;
        float* a = A, b = B, y = Y;
        int i = task * Chunk.Length, end = Math.Min(i + Chunk.Length, Length);
        for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
            f.Apply(Vector.Load(a + i), Vector.Load(b + i)).Store(y + i);
        if (i < end)
            Simd.Store(f.Apply(Simd.Load(a + i, end - i), Simd.Load(b + i, end - i)), y + i, end - i);
    }
}

public sealed unsafe partial class ReferenceBackend
{
    private void Map<TFunction>(TFunction f, Tensor x, Tensor y)
        where TFunction : unmanaged, IUnary =>
        Workers.Run(new UnaryJob<TFunction> { F = f, X = Pointer(x), Y = Pointer(y), Length = y.Length }, Chunk.Count(y.Length));

    private void Map<TFunction>(TFunction f, Tensor a, Tensor b, Tensor y)
        where TFunction : unmanaged, IBinary =>
        Workers.Run(new BinaryJob<TFunction> { F = f, A = Pointer(a), B = Pointer(b), Y = Pointer(y), Length = y.Length },
            Chunk.Count(y.Length));
}
