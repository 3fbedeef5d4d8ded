using BDense.Kernels.Profiling;

namespace BDense.Kernels;

/// <summary>
/// An activation cut into blocks of 16 neighbouring pixels of a sample by 2 neighbouring channels: what a warp of the tensor cores holds
/// side by side, and whole in any group of an even number of channels.
/// </summary>
/// <param name="N">Batch.</param>
/// <param name="Pixels">H * W, a multiple of 16.</param>
/// <param name="C">Channels, an even number.</param>
public readonly record struct MomentsShape(int N, int Pixels, int C)
{
    /// <summary>Pixels of a block.</summary>
    public const int BlockPixels = 16;

    /// <summary>Channels of a block.</summary>
    public const int BlockChannels = 2;

    /// <summary>Whether the activation is whole blocks.</summary>
    public bool IsValid => Pixels % BlockPixels == 0 && C % BlockChannels == 0;

    /// <summary>[N,Pixels,C]</summary>
    public Shape Activation => new(N, Pixels, C);

    /// <summary>
    /// [N,Pixels/16,C]: of each block the mean, then the sum of squared deviations from it, in the places of its two channels. So what
    /// joins activations channel by channel (<see cref="Backend.Concat"/>) joins their moments, too.
    /// </summary>
    public Shape Moments => new(N, Pixels / BlockPixels, C);
}

public abstract partial class Backend
{
    /// <summary>
    /// m = mean of a block, s = sum over the block of (x - m)^2, for each block of <see cref="MomentsShape"/>: what
    /// <see cref="GroupNorm"/> makes its statistics of without reading x again. A convolution writes them beside its result
    /// (<see cref="ConvolutionEpilogue.Moments"/>). Parts of a sum and not sums of squares, so that nothing cancels however large the mean
    /// is: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance".
    /// </summary>
    /// <param name="s">Geometry.</param>
    /// <param name="x">[N,Pixels,C]; may be BF16.</param>
    /// <param name="moments">[N,Pixels/16,C], overwritten.</param>
    /// <exception cref="BDenseException">Pixels are no multiple of 16, or channels an odd number.</exception>
    public void Moments(in MomentsShape s, Tensor x, Tensor moments)
    {
        Require(s.IsValid, $"{s.Pixels} pixels of {s.C} channels are not whole blocks of {MomentsShape.BlockPixels} pixels and "
            + $"{MomentsShape.BlockChannels} channels", nameof(Moments));
        ExpectActivation(x, s.Activation);
        Expect(moments, s.Moments);
        Report(new OpCost(x.Bytes, moments.Bytes, 4L * x.Length));
        Writes(moments);
        if (!Computes)
            return;
        using var t = Operands(nameof(Moments), x);
        MomentsCore(s, t.Read(x), moments);
    }

    private protected abstract void MomentsCore(in MomentsShape s, Tensor x, Tensor moments);

    /// <summary>As <c>bdense profile</c> runs it.</summary>
    internal static IEnumerable<CatalogOperation> MomentsByName()
    {
        yield return new("moments", ["N", "SIZE", "C"], [4, 16, 64], (t, e) =>
        {
            var s = new MomentsShape(e[0], e[1] * e[1], e[2]);
            Tensor x = t.Normal(s.Activation), moments = t.Empty(s.Moments);
            return [new("forward", () => t.Backend.Moments(s, x, moments))];
        });
    }
}
