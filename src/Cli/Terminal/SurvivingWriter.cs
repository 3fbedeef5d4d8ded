using System.Text;

namespace BDense.Cli.Terminal;

/// <summary>
/// A stream to whoever listens, who may have gone or have no room left: what cannot be written is lost, and the work goes on. The first
/// failure is kept, for those to whom the lost text was the result.
/// </summary>
/// <remarks>
/// A pipe whose reader has closed it is no failure: the system swallows it, and a reader like <c>head</c> has what it wanted.
/// </remarks>
/// <param name="inner">The stream.</param>
internal sealed class SurvivingWriter(TextWriter inner) : TextWriter
{
    /// <summary>What text may be written to.</summary>
    public TextWriter Inner { get; } = inner;

    /// <summary>Why something was lost, in one line; null if nothing was.</summary>
    public string? Failure { get; private set; }

    public override Encoding Encoding => Inner.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        if (Failure is not null)
            return;
        try
        {
            Inner.Write(buffer);
        }
        catch (Exception e) when (IsLoss(e))
        {
            Failure = Reason(e);
        }
    }

    public override void Flush()
    {
        if (Failure is not null)
            return;
        try
        {
            Inner.Flush();
        }
        catch (Exception e) when (IsLoss(e))
        {
            Failure = Reason(e);
        }
    }

    // A stream that is no longer open, or open for reading only, comes out as any of these.
    private static bool IsLoss(Exception e) =>
        e is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException;

    private static string Reason(Exception e) => e is IOException ? e.Message.ReplaceLineEndings(" ").TrimEnd('.') : "it is closed";
}
