namespace BDense.Kernels.Tracing;

/// <summary>What a step reads: a value that depends on the trace's inputs, or numbers that are known.</summary>
/// <param name="Shape">As the operation reads it; its first extent is that of the batch, or a multiple of it.</param>
public abstract record TraceOperand(Shape Shape);

/// <summary>A value, all of it.</summary>
/// <param name="Value">What an input holds or a step has written.</param>
/// <param name="Shape">As it is read here; as many elements.</param>
public sealed record TraceRead(TraceValue Value, Shape Shape) : TraceOperand(Shape);

/// <summary>Numbers that depend on no input. In the place of a batch there is one row for all samples, since all have the same.</summary>
/// <param name="Values">Row-major. The same numbers of the same tensor are the same array in all traces of a backend.</param>
/// <param name="Shape">Of the numbers; with a batch the extent of one sample.</param>
public sealed record TraceConstant(float[] Values, Shape Shape) : TraceOperand(Shape);

/// <summary>Something that is computed, once and never changed: a tensor that is written again becomes another value.</summary>
/// <param name="number">In the order in which they come to be.</param>
/// <param name="shape">Of the tensor that it was first written to.</param>
public sealed class TraceValue(int number, Shape shape)
{
    /// <summary>In the order in which values come to be, from 0.</summary>
    public int Number => number;

    /// <summary>Of the tensor that it was first written to.</summary>
    public Shape Shape => shape;
}
