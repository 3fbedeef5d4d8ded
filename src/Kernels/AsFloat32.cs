using System.Runtime.CompilerServices;

namespace BDense.Kernels;

public abstract partial class Backend
{
    /// <summary>
    /// Whether the core of an operation reads and writes these as they are, at least one of which is BF16. Where it does not, it is given
    /// float32 copies: so an operation is right on a backend before it is fast there.
    /// </summary>
    /// <param name="op">Its name.</param>
    /// <param name="operands">
    /// Those of its operands that may be BF16, in the contract's order; null for one that is not given. Of a convolution and its gradients:
    /// what is read, what is written (of wgrad: dy), residual, scale and shift, and whatever else the kernels have addresses of.
    /// </param>
    private protected virtual bool TakesBFloat16(string op, params ReadOnlySpan<Tensor?> operands) => false;

    /// <summary>The operands of a call as the core of an operation takes them.</summary>
    /// <param name="op">Its name.</param>
    /// <param name="operands">As in <see cref="TakesBFloat16"/>.</param>
    private AsFloat32 Operands(string op, params ReadOnlySpan<Tensor?> operands)
    {
        foreach (var x in operands)
        {
            if (x is { Type: not ElementType.Float32 })
                return new AsFloat32(this, widens: !TakesBFloat16(op, operands));
        }
        return new AsFloat32(this, widens: false);
    }

    /// <summary>
    /// Float32 copies of BF16 operands for the time of a call: inputs are widened, which is exact, and results are rounded once, when they
    /// are stored. Float32 operands, and all of a backend that takes BF16 itself, pass through.
    /// </summary>
    private ref struct AsFloat32(Backend backend, bool widens)
    {
        private const int Most = 10;
        private Copies _copies;
        private int _count;

        /// <summary>To read.</summary>
        public Tensor Read(Tensor x)
        {
            var copy = Copy(x, null);
            if (copy is null)
                return x;
            backend.ConvertCore(x, copy);
            return copy;
        }

        /// <summary>To read, or none.</summary>
        public Tensor? ReadOrNone(Tensor? x) => x is null ? null : Read(x);

        /// <summary>To write; <see cref="Store"/> moves it to its place.</summary>
        public Tensor Write(Tensor y) => Copy(y, y) ?? y;

        /// <summary>When the core has run: rounds the results into their tensors.</summary>
        public void Store()
        {
            for (int i = 0; i < _count; i++)
            {
                if (_copies[i].Result is { } y)
                    backend.ConvertCore(_copies[i].Values, y);
            }
        }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++)
                _copies[i].Values.Dispose();
        }

        private Tensor? Copy(Tensor x, Tensor? result)
        {
            if (!widens || x.Type == ElementType.Float32)
                return null;
            var copy = backend.Empty(x.Shape);
            _copies[_count++] = (copy, result);
            return copy;
        }

        [InlineArray(Most)]
        private struct Copies
        {
            private (Tensor Values, Tensor? Result) _first;
        }
    }
}
