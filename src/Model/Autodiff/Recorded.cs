using BDense.Kernels;

namespace BDense.Model.Autodiff;

/// <summary>How the gradient of an operation's output becomes those of its operands.</summary>
/// <param name="tape">Takes the operands' gradients (<see cref="Tape.Contribute"/>) and gives memory for them
/// (<see cref="Tape.Scratch(Variable)"/>).</param>
/// <param name="dy">Gradient of the output, complete, of its shape; it is read only, and freed by the tape afterwards.</param>
public delegate void TapeBackward(Tape tape, Tensor dy);

public sealed partial class Tape
{
    /// <summary>
    /// Ends an operation that is written outside this class: its backward pass is kept if the output's gradient will be wanted.
    /// </summary>
    /// <remarks>
    /// <para>An operation is a method on the tape that makes its output (<see cref="Output"/>), runs the forward pass on the data of its
    /// operands, and ends with this. The tape then sees to lifetimes: the data of <paramref name="saved"/> stay until the backward pass has
    /// run, though the caller drops them before; <paramref name="kept"/> is freed after it; without recording both are let go at once.
    /// <paramref name="backward"/> runs at most once. It must read no variable's data but those of <paramref name="saved"/>, and frees
    /// nothing.</para>
    /// <para>A gradient of an operand that is a variable is made new and handed to <see cref="Contribute"/>, which sums over several
    /// consumers; that of a <see cref="Layers.Parameter"/> is added to what <see cref="Layers.Parameter.Gradient"/> holds, none for a
    /// frozen one. In a block that is run again (<see cref="Recomputed"/>) an operation is run twice and must do the same both
    /// times.</para>
    /// <code>
    /// public static Variable Square(this Tape tape, Variable x)
    /// {
    ///     var y = tape.Output(x.Shape, x.RequiresGradient);
    ///     tape.Backend.Square(x.Data, y.Data);
    ///     return tape.Record(y, saved: [x], kept: [], (tape, dy) =>
    ///     {
    ///         var dx = tape.Scratch(x.Shape);
    ///         tape.Backend.SquareBackward(dy, x.Data, dx);
    ///         tape.Contribute(x, dx);
    ///     });
    /// }
    /// </code>
    /// </remarks>
    /// <param name="y">From <see cref="Output"/>.</param>
    /// <param name="saved">Values whose data the backward pass reads; <paramref name="y"/> may be one.</param>
    /// <param name="kept">Tensors from <see cref="Scratch(Shape, ElementType)"/> that it reads (statistics), which the tape takes
    /// over.</param>
    /// <param name="backward">The backward pass.</param>
    /// <returns><paramref name="y"/>.</returns>
    public Variable Record(Variable y, ReadOnlySpan<Variable> saved, ReadOnlySpan<Tensor> kept, TapeBackward backward) =>
        Record(y, new RecordedNode(y, saved.ToArray(), kept.ToArray(), backward));

    private sealed class RecordedNode : Node
    {
        private readonly Variable[] _saved;
        private readonly Tensor[] _kept;
        private readonly TapeBackward _backward;

        public RecordedNode(Variable y, Variable[] saved, Tensor[] kept, TapeBackward backward)
            : base(y)
        {
            (_saved, _kept, _backward) = (saved, kept, backward);
            foreach (var variable in saved)
                variable.Save();
        }

        public override void Backward(Tape tape, Tensor dy) => _backward(tape, dy);

        public override void Release()
        {
            foreach (var variable in _saved)
                variable.Release();
            foreach (var tensor in _kept)
                tensor.Dispose();
        }
    }
}
