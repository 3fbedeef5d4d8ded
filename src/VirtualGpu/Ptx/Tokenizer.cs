namespace BDense.VirtualGpu.Ptx;

/// <summary>Cuts PTX text into tokens: PTX ISA, chapter "Syntax".</summary>
internal static class Tokenizer
{
    /// <exception cref="PtxException">A character that PTX does not have, a comment or a string that does not end.</exception>
    public static Token[] Read(string text)
    {
        var tokens = new List<Token>(text.Length / 6 + 1);
        int line = 1, at = 0;
        while (at < text.Length)
        {
            char c = text[at];
            // A driver stops at the first zero byte, with which the text in memory ends.
            if (c == '\0')
                break;
            if (c == '\n')
                line++;
            if (char.IsWhiteSpace(c))
            {
                at++;
                continue;
            }
            if (c == '/' && At(text, at + 1) is '/' or '*')
            {
                at = Comment(text, at, ref line);
                continue;
            }
            var (kind, end) = Next(text, at, line);
            tokens.Add(new Token(kind, at, end - at, line));
            at = end;
        }
        tokens.Add(new Token(TokenKind.End, at, 0, line));
        return [.. tokens];
    }

    private static char At(string text, int at) => at < text.Length ? text[at] : '\0';

    private static int Comment(string text, int at, ref int line)
    {
        if (text[at + 1] == '/')
        {
            int newLine = text.IndexOf('\n', at);
            return newLine < 0 ? text.Length : newLine;
        }
        int end = text.IndexOf("*/", at + 2, StringComparison.Ordinal);
        if (end < 0)
            throw new PtxException($"line {line}: a comment that does not end");
        line += text.AsSpan(at, end - at).Count('\n');
        return end + 2;
    }

    private static (TokenKind Kind, int End) Next(string text, int at, int line)
    {
        char c = text[at];
        if (char.IsAsciiLetter(c) || c == '_' || c is '$' or '%' && IsName(At(text, at + 1)))
            return (TokenKind.Name, Dotted(text, at + 1));
        if (c == '.' && IsName(At(text, at + 1)) && !char.IsAsciiDigit(text[at + 1]))
            return (TokenKind.Directive, Dotted(text, at + 1));
        if (char.IsAsciiDigit(c))
            return (TokenKind.Number, Number(text, at));
        if (c == '"')
        {
            int end = text.IndexOfAny(['"', '\n'], at + 1);
            return end < 0 || text[end] != '"' ? throw new PtxException($"line {line}: a string that does not end")
                : (TokenKind.String, end + 1);
        }
        return "{}()[]<>,;:@!+-*=|&^~?".Contains(c, StringComparison.Ordinal) ? (TokenKind.Sign, at + 1)
            : throw new PtxException($"line {line}: a character that PTX does not have, '{(char.IsControl(c) ? $"\\u{(int)c:x4}" : c)}'");
    }

    private static bool IsName(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$';

    /// <summary>Names joined by dots, or by two colons (<c>.shared::cta</c>).</summary>
    private static int Dotted(string text, int at)
    {
        while (true)
        {
            if (IsName(At(text, at)))
                at++;
            else if (At(text, at) == '.' && IsName(At(text, at + 1)))
                at += 2;
            else if (At(text, at) == ':' && At(text, at + 1) == ':' && IsName(At(text, at + 2)))
                at += 3;
            else
                return at;
        }
    }

    /// <summary>Digits of any base, 0x, 0b, 0f and 0d, a decimal point, an exponent with its sign.</summary>
    private static int Number(string text, int at)
    {
        bool hexadecimal = text[at] == '0' && At(text, at + 1) is 'x' or 'X' or 'f' or 'F' or 'd' or 'D';
        while (true)
        {
            char c = At(text, at);
            bool exponent = !hexadecimal && c is '+' or '-' && text[at - 1] is 'e' or 'E';
            if (!char.IsAsciiLetterOrDigit(c) && c != '.' && !exponent)
                return at;
            at++;
        }
    }
}
