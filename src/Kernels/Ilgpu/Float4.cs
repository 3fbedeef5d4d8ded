using System.Runtime.CompilerServices;

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
}
