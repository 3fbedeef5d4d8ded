namespace BDense.VirtualGpu.Ptx;

/// <summary>
/// What a piece of PTX text is. A <see cref="Name"/> may have dots within (<c>ld.global.f32</c>, <c>%tid.x</c>), a <see cref="Directive"/>
/// begins with one.
/// </summary>
internal enum TokenKind
{
    Name, Directive, Number, String, Sign, End,
}

/// <summary>A piece of the text.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Its first character.</param>
/// <param name="Length">Characters.</param>
/// <param name="Line">From 1.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int Length, int Line);
