namespace BDense.Kernels;

/// <summary>What surrounds a convolution, by where it happens.</summary>
[Flags]
public enum ConvolutionParts
{
    /// <summary>Nothing but a bias.</summary>
    None = 0,

    /// <summary>Scale, shift and SiLU while the input is loaded, forward and wgrad.</summary>
    Prologue = 1,

    /// <summary>Resampling.</summary>
    Resampling = 2,

    /// <summary>Embedding, residual, scale and SiLU before the result is stored.</summary>
    Epilogue = 4,

    /// <summary>Moments of the result, of what is stored (<see cref="Backend.Moments"/>).</summary>
    Moments = 8,

    /// <summary>All four.</summary>
    All = Prologue | Resampling | Epilogue | Moments,
}

/// <summary>
/// What a device does within a convolution's own launches, and faster than apart, for one shape and resampling
/// (<see cref="Backend.SupportOf"/>): a pure function of these and of how the device was opened.
/// </summary>
/// <param name="Forward">Parts that the forward pass has.</param>
/// <param name="Dgrad">Of these, those whose adjoint dgrad has: resampling.</param>
/// <param name="Wgrad">Of these, those through which wgrad loads its input.</param>
/// <param name="Aligned">Of these, those that it has only where every tensor starts at a multiple of 16 bytes.</param>
public readonly record struct ConvolutionSupport(
    ConvolutionParts Forward, ConvolutionParts Dgrad, ConvolutionParts Wgrad, ConvolutionParts Aligned = ConvolutionParts.None);

/// <summary>What is wanted of a convolution's surroundings.</summary>
/// <param name="Asked">The parts that there are.</param>
/// <param name="Resampling">Which way.</param>
/// <param name="Fused">Those that may be done within the launch: the fusions that are on.</param>
/// <param name="IsKept">Whether a resampled image made apart serves the backward pass, too: that of a tape which records.</param>
public readonly record struct SurroundingsRequest(
    ConvolutionParts Asked, Resampling Resampling, ConvolutionParts Fused = ConvolutionParts.All, bool IsKept = false)
{
    /// <summary>Everything within the launch that the device has.</summary>
    public static SurroundingsRequest Of(in ConvolutionPrologue prologue, in ConvolutionEpilogue epilogue) => new(
        (prologue.ScaleShift is null ? ConvolutionParts.None : ConvolutionParts.Prologue)
        | (prologue.Resampling == Resampling.None ? ConvolutionParts.None : ConvolutionParts.Resampling)
        | (epilogue.IsBias ? ConvolutionParts.None : ConvolutionParts.Epilogue)
        | (epilogue.Moments is null ? ConvolutionParts.None : ConvolutionParts.Moments), prologue.Resampling);
}

/// <summary>
/// Where each part of what surrounds a convolution is done: within its launches, or apart as an operation of its own, before them
/// (prologue, resampling) or behind (epilogue, moments). Made once, by <see cref="Of"/>; a tape records what it says is apart, operations
/// compose what is left, and a device's kernels do the rest or refuse.
/// </summary>
/// <param name="Asked">The parts that there are.</param>
/// <param name="Forward">Those within the forward pass's launch.</param>
/// <param name="Dgrad">Of these, those within dgrad's launches.</param>
/// <param name="Wgrad">Of these, those within wgrad's.</param>
/// <param name="Aligned">Those that are done apart after all where a tensor does not start at a multiple of 16 bytes.</param>
public readonly record struct SurroundingsPlan(
    ConvolutionParts Asked, ConvolutionParts Forward, ConvolutionParts Dgrad, ConvolutionParts Wgrad, ConvolutionParts Aligned)
{
    /// <summary>Whether a part that there is lies apart from the forward pass's launch.</summary>
    public bool IsApart(ConvolutionParts part) => (Asked & ~Forward).HasFlag(part);

    /// <summary>The one place where this is decided.</summary>
    public static SurroundingsPlan Of(in SurroundingsRequest r, in ConvolutionSupport support)
    {
        var forward = r.Asked & r.Fused & support.Forward;
        // Means of x as it lies there are better taken once and kept than in the forward pass and in wgrad: they are a quarter of it.
        if (r is { Resampling: Resampling.Down, IsKept: true } && !forward.HasFlag(ConvolutionParts.Prologue))
            forward &= ~ConvolutionParts.Resampling;
        forward = InOrder(r.Asked, forward);
        var wgrad = InOrder(r.Asked, forward & support.Wgrad);
        return new SurroundingsPlan(r.Asked, forward, forward & support.Dgrad, wgrad, forward & support.Aligned);
    }

    /// <summary>A pass's parts (<see cref="Forward"/>, <see cref="Dgrad"/> or <see cref="Wgrad"/>) for the tensors at hand.</summary>
    /// <param name="pass">The pass's.</param>
    /// <param name="aligned">Whether all its tensors start at multiples of 16 bytes.</param>
    public ConvolutionParts Within(ConvolutionParts pass, bool aligned) => aligned ? pass : InOrder(Asked, pass & ~Aligned);

    /// <summary>
    /// The input is normalised before it is resampled, and the result is what it is behind the epilogue: where the one is apart, so is the
    /// other.
    /// </summary>
    private static ConvolutionParts InOrder(ConvolutionParts asked, ConvolutionParts within)
    {
        var apart = asked & ~within;
        if (apart.HasFlag(ConvolutionParts.Resampling))
            within &= ~ConvolutionParts.Prologue;
        return apart.HasFlag(ConvolutionParts.Epilogue) ? within & ~ConvolutionParts.Moments : within;
    }
}
