using System.Globalization;

namespace BDense.VirtualGpu.Ptx;

/// <summary>Goes through tokens from first to last.</summary>
internal sealed class TokenReader(string text)
{
    private readonly Token[] _tokens = Tokenizer.Read(text);
    private int _at;

    public Token Next => _tokens[_at];

    public bool AtEnd => Next.Kind == TokenKind.End;

    public ReadOnlySpan<char> TextOf(Token token) => text.AsSpan(token.Start, token.Length);

    public bool Is(ReadOnlySpan<char> what) => TextOf(Next).SequenceEqual(what);

    public Token Take() => AtEnd ? throw Refuse("the text ends too early") : _tokens[_at++];

    public string TakeText() => TextOf(Take()).ToString();

    /// <summary>Goes on if that is what comes.</summary>
    public bool Skip(ReadOnlySpan<char> what)
    {
        if (!Is(what) || AtEnd)
            return false;
        _at++;
        return true;
    }

    public void Expect(ReadOnlySpan<char> what)
    {
        if (!Skip(what))
            throw Refuse($"'{what}' is missing");
    }

    public string Name() => Next.Kind == TokenKind.Name ? TakeText() : throw Refuse("a name is missing");

    /// <summary>A number that is no float and fits, at least 0.</summary>
    public int Count(int most = int.MaxValue)
    {
        if (Next.Kind == TokenKind.Number && Literal.Parse(TextOf(Next), false) is { Kind: LiteralKind.Integer } value
            && value.Bits <= (ulong)most)
        {
            Take();
            return (int)value.Bits;
        }
        throw Refuse(string.Create(CultureInfo.InvariantCulture, $"a number of at most {most} is missing"));
    }

    /// <summary>Whether the token after the next is that.</summary>
    public bool SecondIs(ReadOnlySpan<char> what) => _at + 1 < _tokens.Length && TextOf(_tokens[_at + 1]).SequenceEqual(what);

    /// <summary>Text from a token to before the next one, in one line.</summary>
    public string Since(Token first)
    {
        int end = _at == 0 ? first.Start : _tokens[_at - 1].Start + _tokens[_at - 1].Length;
        return string.Join(' ', text[first.Start..Math.Max(first.Start, end)].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    public PtxException Refuse(string why) => Refuse(Next, why);

    public PtxException Refuse(Token at, string why)
    {
        string found = at.Kind == TokenKind.End ? "the end" : TextOf(at).ToString();
        return new PtxException($"line {at.Line}: {why} at '{(found.Length > 60 ? found[..60] : found)}'");
    }
}
