using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>Four floats that devices load and store at once (16 bytes), and the register tile's building block.</summary>
/// <remarks>Named fields and no array: ILGPU keeps indexed local arrays in memory, and structs of scalars in registers.</remarks>
internal struct Float4
{
    public float X, Y, Z, W;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Float4(float x, float y, float z, float w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }

    /// <summary>acc += s * v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(ref Float4 acc, float s, Float4 v)
    {
        acc.X += s * v.X;
        acc.Y += s * v.Y;
        acc.Z += s * v.Z;
        acc.W += s * v.W;
    }

    /// <summary>acc += a * b, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(ref Float4 acc, Float4 a, Float4 b)
    {
        acc.X += a.X * b.X;
        acc.Y += a.Y * b.Y;
        acc.Z += a.Z * b.Z;
        acc.W += a.W * b.W;
    }

    /// <summary>a + b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Add(Float4 a, Float4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    /// <summary>s * a.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Scale(float s, Float4 a) => new(s * a.X, s * a.Y, s * a.Z, s * a.W);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Float4 a) => a.X + a.Y + (a.Z + a.W);
}

/// <summary>Two floats that devices load and store at once (8 bytes).</summary>
internal struct Float2
{
    public float X, Y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Float2(float x, float y)
    {
        X = x;
        Y = y;
    }

    /// <summary>a + b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float2 Add(Float2 a, Float2 b) => new(a.X + b.X, a.Y + b.Y);

    /// <summary>The sum of x[at], x[at + step], x[at + 2 step] and x[at + 3 step]: four loads on their way at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float2 SumOf4(ArrayView<Float2> x, int at, int step) =>
        Add(Add(x[at], x[at + step]), Add(x[at + 2 * step], x[at + 3 * step]));
}

/// <summary>
/// Two Float4s a thread, for kernels that do little but load and store: 32 bytes of every tensor on their way from each thread are what a
/// GPU's memory needs to be busy (an H200: 25 KB a multiprocessor), 4 are not. The second lies 32 behind the first, so that each access of
/// a warp is 512 bytes in a row.
/// </summary>
internal static class Pair4
{
    public const int Step = 32;

    /// <summary>Threads for so many floats, a multiple of four.</summary>
    public static int Threads(int length) => (int)((length / 4 + 2L * Step - 1) / (2 * Step) * Step);

    /// <summary>The thread's first; may be beyond the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(int thread) => 2 * thread - (thread & (Step - 1));
}
