using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu.Convolution;

/// <summary>Whether the values of x change on their way into a tile; resolved when the kernel is compiled.</summary>
internal interface ITilePrologue
{
    static abstract bool Activates { get; }
}

/// <summary>They do not.</summary>
internal readonly struct PlainInput : ITilePrologue
{
    public static bool Activates { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }
}

/// <summary>act(scale[n,c] x + shift[n,c]); the padding's zeros stay, since both factors count as 0 there and act(0) = 0.</summary>
internal readonly struct ActivatedInput : ITilePrologue
{
    public static bool Activates { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }
}

/// <summary>Scale and shift of four channels; zeros for a value outside.</summary>
internal struct ChannelFactors
{
    public Float4 Scale, Shift;

    /// <summary>Of sample <paramref name="n"/> and the Float4 <paramref name="c4"/> of its channels, from [N,2C].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelFactors Read(ArrayView<Float4> scaleShift, int n, int c4, int channels)
    {
        int at = n * (channels / 2) + c4;
        return new ChannelFactors { Scale = scaleShift[at], Shift = scaleShift[at + channels / 4] };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Float4 Activate(Float4 x, int silu)
    {
        var u = Shift;
        Float4.AddProduct(ref u, x, Scale);
        return silu != 0 ? new Float4(DeviceMath.Silu(u.X), DeviceMath.Silu(u.Y), DeviceMath.Silu(u.Z), DeviceMath.Silu(u.W)) : u;
    }
}
