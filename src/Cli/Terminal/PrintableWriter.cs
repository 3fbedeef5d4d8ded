using System.Text;
using BDense.Kernels;

namespace BDense.Cli.Terminal;

/// <summary>
/// The one place where text leaves for a terminal: lines stay lines, and every other control character, wherever it came from, is shown
/// as \x1b or \u2028 (<see cref="Printable"/>). What draws on the terminal itself (bars and tables) goes past it and escapes its cells.
/// </summary>
/// <param name="inner">Where to.</param>
internal sealed class PrintableWriter(TextWriter inner) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    // One piece: another thread's line does not come between a line and its end.
    public override void WriteLine(string? value) => Write(value + Environment.NewLine);

    public override void Write(ReadOnlySpan<char> buffer) => inner.Write(Printable.Lines(new string(buffer)));

    public override void Flush() => inner.Flush();
}
