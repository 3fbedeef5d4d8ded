namespace BDense.Kernels.Tracing;

/// <summary>One operation of a trace. Its formula is that of the method of <see cref="Backend"/> that it names.</summary>
/// <param name="Output">What it writes.</param>
public abstract record TraceStep(TraceValue Output)
{
    /// <summary>What it reads, known numbers among it.</summary>
    public abstract IEnumerable<TraceOperand?> Operands { get; }
}

/// <summary><see cref="Backend.Conv2d"/>; a linear layer is one over a single pixel.</summary>
/// <param name="Output">[N,P,Q,K]</param>
/// <param name="Shape">Geometry.</param>
/// <param name="X">[N,H,W,C]</param>
/// <param name="Weight">[K,R,S,C]</param>
/// <param name="Bias">[K] or none.</param>
public sealed record ConvolutionStep(TraceValue Output, Conv2dShape Shape, TraceOperand X, TraceConstant Weight, TraceConstant? Bias)
    : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X, Weight, Bias];
}

/// <summary><see cref="Backend.GroupNorm"/>.</summary>
/// <param name="Output">As x.</param>
/// <param name="Shape">Geometry.</param>
/// <param name="X">[N,Pixels,C]</param>
/// <param name="Gamma">[C]</param>
/// <param name="Beta">[C]</param>
/// <param name="ScaleShift">[N,2C] or none.</param>
public sealed record GroupNormStep(TraceValue Output, GroupNormShape Shape, TraceOperand X, TraceConstant Gamma, TraceConstant Beta,
    TraceOperand? ScaleShift) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X, Gamma, Beta, ScaleShift];
}

/// <summary><see cref="Backend.Attention"/>.</summary>
/// <param name="Output">[N,Tokens,C]</param>
/// <param name="Shape">Geometry.</param>
/// <param name="Qkv">[N,Tokens,3C]</param>
public sealed record AttentionStep(TraceValue Output, AttentionShape Shape, TraceOperand Qkv) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [Qkv];
}

/// <summary><see cref="Backend.LinearCombination"/>; also that per sample where all samples have the same coefficients.</summary>
/// <param name="Output">As each x.</param>
/// <param name="Coefficients">One a term.</param>
/// <param name="X">1 to 8 terms.</param>
public sealed record CombinationStep(TraceValue Output, IReadOnlyList<float> Coefficients, IReadOnlyList<TraceOperand> X)
    : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => X;
}

/// <summary>
/// <see cref="Backend.LinearCombinationPerSample"/> with coefficients that depend on inputs, or on the place within a sample: what it calls
/// samples may be parts of those of the batch.
/// </summary>
/// <param name="Output">As each x.</param>
/// <param name="Coefficients">[N*Parts,J]</param>
/// <param name="X">J terms.</param>
public sealed record SampleCombinationStep(TraceValue Output, TraceOperand Coefficients, IReadOnlyList<TraceOperand> X)
    : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [Coefficients, .. X];
}

/// <summary><see cref="Backend.BroadcastAdd"/>.</summary>
/// <param name="Output">As x.</param>
/// <param name="X">[N,...,C]</param>
/// <param name="Embedding">[N,C]</param>
public sealed record BroadcastAddStep(TraceValue Output, TraceOperand X, TraceOperand Embedding) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X, Embedding];
}

/// <summary><see cref="Backend.ScaleShift"/>.</summary>
/// <param name="Output">As x.</param>
/// <param name="X">[N,...,C]</param>
/// <param name="ScaleShift">[N,2C]</param>
/// <param name="Silu">Whether SiLU follows.</param>
public sealed record ScaleShiftStep(TraceValue Output, TraceOperand X, TraceOperand ScaleShift, bool Silu) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X, ScaleShift];
}

/// <summary><see cref="Backend.Concat"/>.</summary>
/// <param name="Output">[...,Ca+Cb]</param>
/// <param name="A">[...,Ca]</param>
/// <param name="B">[...,Cb]</param>
public sealed record ConcatStep(TraceValue Output, TraceOperand A, TraceOperand B) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [A, B];
}

/// <summary>Some of the channels (the last extent) of every pixel: <see cref="Backend.Split"/>, and the heads of a student.</summary>
/// <param name="Output">[...,Count]</param>
/// <param name="X">[...,C]</param>
/// <param name="First">The first of them.</param>
/// <param name="Count">How many.</param>
public sealed record ChannelsStep(TraceValue Output, TraceOperand X, int First, int Count) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X];
}

/// <summary><see cref="Backend.Silu"/>.</summary>
/// <param name="Output">As x.</param>
/// <param name="X">Any shape.</param>
public sealed record SiluStep(TraceValue Output, TraceOperand X) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X];
}

/// <summary><see cref="Backend.Clamp"/>.</summary>
/// <param name="Output">As x.</param>
/// <param name="X">Any shape.</param>
/// <param name="Low">The least.</param>
/// <param name="High">The most.</param>
public sealed record ClampStep(TraceValue Output, TraceOperand X, float Low, float High) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X];
}

/// <summary><see cref="Backend.Multiply"/>.</summary>
/// <param name="Output">As a and b.</param>
/// <param name="A">Any shape.</param>
/// <param name="B">As a.</param>
public sealed record MultiplyStep(TraceValue Output, TraceOperand A, TraceOperand B) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [A, B];
}

/// <summary><see cref="Backend.Downsample"/> and <see cref="Backend.Upsample"/>.</summary>
/// <param name="Output">[N,P,Q,C]</param>
/// <param name="X">[N,H,W,C], twice or half as large.</param>
/// <param name="Direction">Down or up.</param>
/// <param name="Factor">Multiplies the sum of a 2x2 block, or every copy.</param>
public sealed record ResampleStep(TraceValue Output, TraceOperand X, Resampling Direction, float Factor) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [X];
}

/// <summary><see cref="Backend.Embedding"/>.</summary>
/// <param name="Output">[N,2J]</param>
/// <param name="T">[N]</param>
/// <param name="Frequencies">[J]</param>
/// <param name="SinFirst">Sines before cosines.</param>
public sealed record EmbeddingStep(TraceValue Output, TraceOperand T, TraceConstant Frequencies, bool SinFirst) : TraceStep(Output)
{
    /// <inheritdoc/>
    public override IEnumerable<TraceOperand?> Operands => [T, Frequencies];
}
