using System.Globalization;
using System.Net;
using System.Text;

namespace BDense.Cli.Reports;

/// <summary>Builds one self-contained HTML page: styles inside, pictures as data URIs, no scripts.</summary>
internal sealed class HtmlReport(string title)
{
    private readonly StringBuilder _body = new();

    public HtmlReport Heading(string text)
    {
        _body.Append("<h2>").Append(Escape(text)).Append("</h2>\n");
        return this;
    }

    public HtmlReport Paragraph(string text)
    {
        _body.Append("<p>").Append(Escape(text)).Append("</p>\n");
        return this;
    }

    /// <summary>A table; cells of the first column are left-aligned.</summary>
    public HtmlReport Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        _body.Append("<table>\n<thead><tr>");
        foreach (string column in columns)
            _body.Append("<th>").Append(Escape(column)).Append("</th>");
        _body.Append("</tr></thead>\n<tbody>\n");
        foreach (var row in rows)
        {
            _body.Append("<tr>");
            foreach (string cell in row)
                _body.Append("<td>").Append(Escape(cell)).Append("</td>");
            _body.Append("</tr>\n");
        }
        _body.Append("</tbody>\n</table>\n");
        return this;
    }

    public HtmlReport Picture(byte[] png, string caption)
    {
        _body.Append("<figure><img alt=\"").Append(Escape(caption)).Append("\" src=\"data:image/png;base64,")
            .Append(Convert.ToBase64String(png)).Append("\"><figcaption>").Append(Escape(caption)).Append("</figcaption></figure>\n");
        return this;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $$"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{Escape(title)}}</title>
        <style>
        body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
          padding: 0 1rem; color: #1c2430; background: #fff; }
        h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #d8dee6; }
        th:first-child, td:first-child { text-align: left; }
        thead th { border-bottom: 2px solid #1c2430; }
        figure { margin: 1rem 0; } img { max-width: 100%; image-rendering: pixelated; } figcaption { color: #556070; font-size: .9rem; }
        </style>
        </head>
        <body>
        <h1>{{Escape(title)}}</h1>
        {{_body}}</body>
        </html>

        """);

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
