using System.Globalization;

namespace BDense.VirtualGpu;

/// <summary>A statement of a module: its line of PTX, its text, and the line of source that the last <c>.loc</c> before it names.</summary>
public sealed record PtxPlace(int Line, string Text, string? File = null, int SourceLine = 0)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"line {Line} of the PTX, '{Text}'{(File is null ? "" : $" ({Path.GetFileName(File)}:{SourceLine})")}");
}
