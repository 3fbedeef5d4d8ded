using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// How a kernel's elements lie in memory. A kernel that reads and writes activations is one generic method, and a launchable method of its
/// own for each type: what it computes is float32 either way, and the compiler drops what does nothing.
/// </summary>
/// <typeparam name="T">One element in memory, or two or four that are loaded and stored at once.</typeparam>
/// <typeparam name="TValue">float, or two or four of them.</typeparam>
internal interface IElements<T, TValue>
    where T : unmanaged
    where TValue : unmanaged
{
    static abstract TValue Widen(T x);

    static abstract T Round(TValue x);
}

/// <summary>As they are.</summary>
internal readonly struct InFloat32 : IElements<float, float>, IElements<Float2, Float2>, IElements<Float4, Float4>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Widen(float x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Round(float x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float2 Widen(Float2 x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float2 Round(Float2 x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Widen(Float4 x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Round(Float4 x) => x;
}

/// <summary>Four BF16 (8 bytes), the earlier of two in the lower half.</summary>
internal struct BFloat16x4
{
    public uint X, Y;
}

/// <summary>The upper halves of floats, rounded to nearest, ties to even.</summary>
internal readonly struct InBFloat16 : IElements<ushort, float>, IElements<uint, Float2>, IElements<BFloat16x4, Float4>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Widen(ushort x) => Interop.IntAsFloat((uint)x << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Round(float x) => (ushort)IlgpuBackend.RoundBFloat16(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float2 Widen(uint x) => new(Interop.IntAsFloat(x << 16), Interop.IntAsFloat(x & 0xFFFF0000u));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Round(Float2 x) => IlgpuBackend.RoundBFloat16(x.X) | IlgpuBackend.RoundBFloat16(x.Y) << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float4 Widen(BFloat16x4 x) => new(
        Interop.IntAsFloat(x.X << 16), Interop.IntAsFloat(x.X & 0xFFFF0000u),
        Interop.IntAsFloat(x.Y << 16), Interop.IntAsFloat(x.Y & 0xFFFF0000u));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BFloat16x4 Round(Float4 x) => new()
    {
        X = IlgpuBackend.RoundBFloat16(x.X) | IlgpuBackend.RoundBFloat16(x.Y) << 16,
        Y = IlgpuBackend.RoundBFloat16(x.Z) | IlgpuBackend.RoundBFloat16(x.W) << 16,
    };
}
