namespace BDense.Kernels.Reference;

/// <summary>An elementwise function of one tensor.</summary>
internal interface IUnary
{
    V Apply<TLanes, V>(V x)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged;
}

/// <summary>An elementwise function of two tensors.</summary>
internal interface IBinary
{
    V Apply<TLanes, V>(V a, V b)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged;
}

/// <summary>How elementwise operations are cut into tasks: pieces that fit the first-level cache, whatever the number of threads.</summary>
internal static class Chunk
{
    public const int Length = 8192;

    public static int Count(int length) => (length + Length - 1) / Length;
}

/// <summary>y = f(x), one chunk a task; y may be x.</summary>
internal unsafe struct UnaryJob<TFunction> : IWideJob
    where TFunction : unmanaged, IUnary
{
    public TFunction F;
    public float* X, Y;
    public int Length;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        // Locals, here and in the other jobs: through a store the compiler must assume that a field of the job has changed.
        var f = F;
        float* x = X, y = Y;
        int i = task * Chunk.Length, end = Math.Min(i + Chunk.Length, Length);
        for (; i <= end - TLanes.Count; i += TLanes.Count)
            TLanes.Store(f.Apply<TLanes, V>(TLanes.Load(x + i)), y + i);
        if (i < end)
            LaneMath.Store<TLanes, V>(f.Apply<TLanes, V>(LaneMath.Load<TLanes, V>(x + i, end - i)), y + i, end - i);
    }
}

/// <summary>y = f(a, b), one chunk a task; y may be a or b.</summary>
internal unsafe struct BinaryJob<TFunction> : IWideJob
    where TFunction : unmanaged, IBinary
{
    public TFunction F;
    public float* A, B, Y;
    public int Length;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        var f = F;
        float* a = A, b = B, y = Y;
        int i = task * Chunk.Length, end = Math.Min(i + Chunk.Length, Length);
        for (; i <= end - TLanes.Count; i += TLanes.Count)
            TLanes.Store(f.Apply<TLanes, V>(TLanes.Load(a + i), TLanes.Load(b + i)), y + i);
        if (i < end)
        {
            V first = LaneMath.Load<TLanes, V>(a + i, end - i), second = LaneMath.Load<TLanes, V>(b + i, end - i);
            LaneMath.Store<TLanes, V>(f.Apply<TLanes, V>(first, second), y + i, end - i);
        }
    }
}

public unsafe partial class ReferenceBackend
{
    private void Map<TFunction>(TFunction f, Tensor x, Tensor y)
        where TFunction : unmanaged, IUnary =>
        RunWide(new UnaryJob<TFunction> { F = f, X = Pointer(x), Y = Pointer(y), Length = y.Length }, Chunk.Count(y.Length));

    private void Map<TFunction>(TFunction f, Tensor a, Tensor b, Tensor y)
        where TFunction : unmanaged, IBinary =>
        RunWide(new BinaryJob<TFunction> { F = f, A = Pointer(a), B = Pointer(b), Y = Pointer(y), Length = y.Length },
            Chunk.Count(y.Length));
}
