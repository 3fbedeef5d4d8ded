using System.Runtime.CompilerServices;

namespace BDense.Kernels;

/// <summary>The text of a check that failed; where the check holds, nothing is formatted and nothing allocated.</summary>
[InterpolatedStringHandler]
internal ref struct RequireMessage
{
    private DefaultInterpolatedStringHandler _text;

    public RequireMessage(int literalLength, int formattedCount, bool condition, out bool wanted)
    {
        wanted = !condition;
        if (wanted)
            _text = new DefaultInterpolatedStringHandler(literalLength, formattedCount, System.Globalization.CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public string ToStringAndClear() => _text.ToStringAndClear();
}
