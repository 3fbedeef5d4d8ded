namespace BDense.Kernels.Ilgpu.Convolution;

/// <summary>
/// What forward and dgrad have in common, from a shape: the image that is made, and the one that its taps read. Every kernel's geometry is
/// made of it, so that the two passes are told apart here alone.
/// </summary>
/// <param name="Shape">Of the forward pass.</param>
/// <param name="IsDgrad">Whether source = result * stride + tap - pad is solved for the result.</param>
internal readonly record struct ImagePass(Conv2dShape Shape, bool IsDgrad)
{
    /// <summary>y from x.</summary>
    public static ImagePass Forward(in Conv2dShape s) => new(s, IsDgrad: false);

    /// <summary>dx from dy.</summary>
    public static ImagePass Dgrad(in Conv2dShape s) => new(s, IsDgrad: true);

    public int Height => IsDgrad ? Shape.H : Shape.P;

    public int Width => IsDgrad ? Shape.W : Shape.Q;

    public int Channels => IsDgrad ? Shape.C : Shape.K;

    /// <summary>All pixels of the result.</summary>
    public int Pixels => Shape.N * Height * Width;

    public int SourceHeight => IsDgrad ? Shape.P : Shape.H;

    public int SourceWidth => IsDgrad ? Shape.Q : Shape.W;

    public int SourceChannels => IsDgrad ? Shape.K : Shape.C;

    /// <summary>As kernels take it.</summary>
    public int IsTransposed => IsDgrad ? 1 : 0;
}
