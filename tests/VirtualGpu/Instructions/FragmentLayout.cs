using System.Globalization;
using System.Text.RegularExpressions;

namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>
/// Where an operand of mma.sync lies, as NVIDIA's CuTe headers write it (CUTLASS 3.4.1, mma_traits_sm80.hpp): shape and strides of (thread,
/// value), whose sum counts the elements of a matrix column by column.
/// </summary>
/// <param name="text">As ((_4,_8),(_2,_2)):((_16,_1),(_8,_64)).</param>
/// <param name="rows">Of the matrix: M of A and C, N of B.</param>
internal sealed partial class FragmentLayout(string text, int rows)
{
    private readonly int[] _shape = Numbers(text.Split(':')[0]), _strides = Numbers(text.Split(':')[1]);

    /// <summary>Of C: row and column; of A: row and k; of B: column and k.</summary>
    public (int Row, int Column) Place(int thread, int value)
    {
        int at = thread % _shape[0] * _strides[0] + thread / _shape[0] * _strides[1];
        for (int k = 2; k < _shape.Length; k++)
        {
            at += value % _shape[k] * _strides[k];
            value /= _shape[k];
        }
        return (at % rows, at / rows);
    }

    private static int[] Numbers(string text) => [.. Number().Matches(text).Select(m => int.Parse(m.Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Number();
}
