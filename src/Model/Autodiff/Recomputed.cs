using BDense.Kernels;

namespace BDense.Model.Autodiff;

/// <summary>
/// A part of a pass: from its inputs to its output, on the tape given. It may be run twice and must do the same both times.
/// </summary>
public delegate Variable TapeBlock(Tape tape, ReadOnlySpan<Variable> inputs);

public sealed partial class Tape
{
    /// <summary>
    /// Runs <paramref name="block"/> without recording and keeps its inputs alone; the backward pass runs it again, recording, and goes
    /// back through it at once. Chen et al. 2016, "Training deep nets with sublinear memory cost".
    /// </summary>
    /// <remarks>
    /// The gradients have the same bits as without: dropout draws the same numbers, and each input's sum of contributions is continued
    /// where the rest of the tape left it. The block's output counts as having a gradient if one of the inputs has.
    /// </remarks>
    /// <param name="inputs">What the block reads; it drops none of them.</param>
    /// <param name="block">Given a tape of its own and the inputs on it.</param>
    public Variable Recomputed(ReadOnlySpan<Variable> inputs, TapeBlock block)
    {
        var kept = inputs.ToArray();
        Variable y;
        using (var inner = Inner(recording: false))
        {
            var x = Array.ConvertAll(kept, v => inner.Input(v.Data));
            for (int i = 0; i < x.Length; i++)
                x[i].Measured(kept[i].Moments?.Share());
            var result = block(inner, x);
            y = Register(new Variable(result.Data.Share(), owned: true, Recording && kept.Any(v => v.RequiresGradient)));
            y.Measured(result.Moments?.Share());
        }
        return Record(y, new RecomputedNode(kept, block, y));
    }

    /// <summary>With the same kernels, but for a block that is itself run again: everything is kept.</summary>
    private Tape Inner(bool recording) => new(Backend, recording) { Execution = Execution with { Recompute = false } };

    private sealed class RecomputedNode : Node
    {
        private readonly Variable[] _inputs;
        private readonly TapeBlock _block;

        /// <summary>Of the inputs: statistics made of them must come to the same bits again.</summary>
        private readonly Tensor?[] _moments;

        public RecomputedNode(Variable[] inputs, TapeBlock block, Variable y)
            : base(y)
        {
            (_inputs, _block) = (inputs, block);
            _moments = Array.ConvertAll(inputs, v => v.Moments?.Share());
            foreach (var input in inputs)
                input.Save();
        }

        public override void Backward(Tape tape, Tensor dy)
        {
            using var inner = tape.Inner(recording: true);
            var x = Array.ConvertAll(_inputs, v => inner.Input(v.Data, v.RequiresGradient));
            for (int i = 0; i < x.Length; i++)
            {
                x[i].Gradient = _inputs[i].TakeGradient();
                x[i].Measured(_moments[i]?.Share());
            }
            inner.Backward(_block(inner, x), dy);
            for (int i = 0; i < x.Length; i++)
                _inputs[i].Gradient = x[i].TakeGradient();
        }

        public override void Release()
        {
            foreach (var input in _inputs)
                input.Release();
            foreach (var moments in _moments)
                moments?.Dispose();
        }
    }
}
