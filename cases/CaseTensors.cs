using BDense.Kernels;

namespace BDense.Cases;

/// <summary>
/// A case's operands on a backend, each in the middle of a larger tensor whose margins hold a pattern: NaN around inputs, so that
/// a read beyond them shows in the result, and a number around everything that is written, so that a write beyond shows too.
/// </summary>
public sealed class CaseTensors : IDisposable
{
    private const float Mark = -12345.678f;

    private readonly OpCase _case;
    private readonly float[][] _start;
    private readonly Tensor[] _whole;
    private readonly bool _aligned;

    /// <param name="backend">Where.</param>
    /// <param name="row">Which case.</param>
    /// <param name="start">Values of all operands.</param>
    /// <param name="aligned">Whether operands start on 128 bytes or more, as tensors from the pool do; else most are off by one or two
    /// elements.</param>
    public CaseTensors(Backend backend, OpCase row, float[][] start, bool aligned = true)
    {
        _aligned = aligned;
        _case = row;
        _start = start;
        _whole = new Tensor[start.Length];
        Operands = new Tensor[start.Length];
        for (int k = 0; k < start.Length; k++)
        {
            _whole[k] = backend.Empty(new Shape(start[k].Length + 2 * Margin(k)), row.Operands[k].Type);
            Operands[k] = _whole[k].View(Margin(k), row.Operands[k].Shape);
        }
        Reset();
    }

    /// <summary>Views of the operands alone, in the order of the row: what it runs on.</summary>
    public Tensor[] Operands { get; }

    /// <summary>Puts all starting values back.</summary>
    public void Reset()
    {
        for (int k = 0; k < _whole.Length; k++)
            _whole[k].Upload(WithMargins(k));
    }

    /// <summary>Every operand after the run.</summary>
    /// <exception cref="InvalidOperationException">An input changed, or something was written beside an operand.</exception>
    public float[][] Results()
    {
        var results = new float[_whole.Length][];
        for (int k = 0; k < _whole.Length; k++)
        {
            var (before, after) = (WithMargins(k), _whole[k].ToArray());
            var operand = _case.Operands[k];
            for (int i = 0; i < after.Length; i++)
            {
                bool inside = i >= Margin(k) && i < after.Length - Margin(k);
                if ((!inside || operand.Role == Role.Input)
                    && BitConverter.SingleToInt32Bits(before[i]) != BitConverter.SingleToInt32Bits(after[i]))
                    throw new InvalidOperationException(inside ? $"{_case.Name}: input {operand.Name} was changed at {i - Margin(k)}"
                        : $"{_case.Name}: element {i - Margin(k)} was written beside {operand.Name} of {operand.Shape}");
            }
            results[k] = after[Margin(k)..^Margin(k)];
        }
        return results;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        for (int k = 0; k < _whole.Length; k++)
        {
            Operands[k].Dispose();
            _whole[k].Dispose();
        }
    }

    /// <summary>Elements before and behind operand k.</summary>
    private int Margin(int k) => _aligned ? 64 : 64 + (k + 1) % 3;

    private float[] WithMargins(int k)
    {
        var all = new float[_start[k].Length + 2 * Margin(k)];
        Array.Fill(all, _case.Operands[k].Role == Role.Input ? float.NaN : Mark);
        _start[k].CopyTo(all, Margin(k));
        return _case.Operands[k].Type == ElementType.BFloat16 ? Array.ConvertAll(all, BFloat16.Rounded) : all;
    }
}
