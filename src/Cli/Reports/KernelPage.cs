using System.Globalization;
using System.Net;
using System.Text;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Profiling;
using BDense.VirtualGpu.Counts;

namespace BDense.Cli.Reports;

/// <summary>
/// The kernel explorer: a kernel's C#, PTX and SASS side by side in one file that needs no other. A click on a line of any of the
/// three marks what it came from and what became of it.
/// </summary>
internal static class KernelPage
{
    /// <param name="k">The kernel.</param>
    /// <param name="counts">Of launches of it, to stand beside each line; or none.</param>
    /// <param name="launched">What was launched, for people.</param>
    public static string Html(KernelExploration k, CountedExploration? counts = null, string launched = "")
    {
        var page = new StringBuilder();
        string title = $"{Encode(k.Row.Name)}, {k.Row.Architecture}";
        page.Append(CultureInfo.InvariantCulture, $$"""
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>{{title}}</title>
            <style>
            body { font: 14px system-ui, sans-serif; margin: 1em; color: #222; background: #fff; }
            table { border-collapse: collapse; } th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #ddd; }
            .columns { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .7em; height: 78vh; }
            .column { overflow: auto; border: 1px solid #ccc; }
            .column h2 { font-size: 1em; margin: 0; padding: .3em; position: sticky; top: 0; background: #eee; }
            pre { margin: 0; font: 12px ui-monospace, monospace; } pre div { white-space: pre; padding: 0 .4em; cursor: pointer; }
            pre div:hover { background: #f2f2f2; } pre div.on { background: #ffe9a8; }
            pre div.loop { border-left: 3px solid #2a7; } pre div { border-left: 3px solid transparent; }
            .c { color: #06c; display: inline-block; min-width: 9em; text-align: right; margin-right: .8em; } .bad { color: #c00; }
            .n { color: #999; display: inline-block; min-width: 4em; } summary { padding: .3em; background: #f7f7f7; }
            @media (max-width: 900px) { .columns { grid-template-columns: 1fr; height: auto; } }
            </style></head><body>
            <h1>{{title}}</h1>

            """);
        Figures(page, k.Row);
        page.Append(
            "<p>Click a line to see what it came from and what became of it. The number after a line of C# counts its machine "
            + "instructions; the green edge marks the main loop.</p>\n");
        if (counts is not null)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<p>Counted on a virtual GPU, {Encode(launched)}: in blue instructions of warps (of a machine instruction: of its line "
                    + $"of PTX), then sectors a request (s) and wavefronts a request (w), red where there are more than need be. Point "
                    + $"at a figure for all of them.</p>\n");
            if (counts.Ptx.Count == 0)
                page.Append("<p><b>The PTX that ran is not the one shown: counts stand beside C# alone.</b></p>\n");
        }
        foreach (string note in k.Notes)
            page.Append(CultureInfo.InvariantCulture, $"<p><b>{Encode(note)}</b></p>\n");
        page.Append("<div class=\"columns\">\n");
        Source(page, k, counts);
        page.Append("<div class=\"column\"><h2>PTX, by ILGPU</h2><pre>");
        for (int i = 0; i < k.Ptx.Count; i++)
            Line(page, $"{i + 1}", k.Ptx[i].Text, $"p{i + 1}", Key(k.Ptx[i].Source), i + 1, false, counts?.Ptx.GetValueOrDefault(i + 1));
        page.Append("</pre></div>\n<div class=\"column\"><h2>SASS, by ptxas</h2><pre>");
        for (int i = 0; i < k.Sass.Count; i++)
        {
            var sass = k.Sass[i];
            var source = sass.PtxLine > 0 && sass.PtxLine <= k.Ptx.Count ? k.Ptx[sass.PtxLine - 1].Source : default;
            Line(page, sass.Offset.ToString("x4", CultureInfo.InvariantCulture), sass.Text, "", Key(source), sass.PtxLine,
                k.MainLoop is { } loop && i >= loop.First && i <= loop.Last, counts?.Ptx.GetValueOrDefault(sass.PtxLine));
        }
        page.Append("</pre></div>\n</div>\n");
        page.Append(Script);
        page.Append("</body></html>\n");
        return page.ToString();
    }

    private static void Figures(StringBuilder page, KernelRow r)
    {
        (string Name, object? Value)[] figures =
        [
            ("threads a group", r.GroupSize), ("registers", r.Registers), ("stack", r.Stack), ("spills", r.Spills),
            ("shared bytes", r.SharedBytes),
            ("occupancy", r.Occupancy?.ToString("0%", CultureInfo.InvariantCulture)), ("instructions", r.Whole?.Instructions),
            ("HMMA", r.Whole?.Hmma),
            ("FFMA", r.Whole?.Ffma), ("LDG.128", r.Whole?.Ldg128), ("STG.128", r.Whole?.Stg128), ("LDS", r.Whole?.Lds),
            ("LDSM", r.Whole?.Ldsm),
            ("LDGSTS", r.Whole?.Ldgsts), ("main loop", r.MainLoop?.Instructions), ("its HMMA", r.MainLoop?.Hmma),
            ("its FFMA", r.MainLoop?.Ffma),
        ];
        page.Append("<table><tr>");
        foreach (var (name, _) in figures)
            page.Append(CultureInfo.InvariantCulture, $"<th>{name}</th>");
        page.Append("</tr><tr>");
        foreach (var (_, value) in figures)
            page.Append(CultureInfo.InvariantCulture, $"<td>{value ?? "?"}</td>");
        page.Append("</tr></table>\n");
    }

    /// <summary>The kernel's file first and open, then the files of the helpers that were inlined.</summary>
    private static void Source(StringBuilder page, KernelExploration k, CountedExploration? counted)
    {
        var counts = k.Sass.Where(s => s.PtxLine > 0 && s.PtxLine <= k.Ptx.Count).GroupBy(s => Key(k.Ptx[s.PtxLine - 1].Source))
            .ToDictionary(g => g.Key, g => g.Count());
        page.Append("<div class=\"column\"><h2>C#</h2>");
        foreach (var (file, text) in k.Files.OrderBy(f => f.Key != k.File).ThenBy(f => f.Key, StringComparer.Ordinal))
        {
            page.Append(CultureInfo.InvariantCulture, $"<details{(file == k.File ? " open" : "")}><summary>{Encode(file)}</summary><pre>");
            string[] lines = text.Replace("\r", "", StringComparison.Ordinal).Split('\n');
            for (int i = 0; i < lines.Length; i++)
            {
                var source = new SourceLine(file, i + 1);
                string key = Key(source);
                int count = counts.GetValueOrDefault(key);
                Line(page, count > 0 ? $"{i + 1} ({count})" : $"{i + 1}", lines[i], "", key, 0, false,
                    counted?.Sources.GetValueOrDefault(source));
            }
            page.Append("</pre></details>");
        }
        page.Append("</div>\n");
    }

    private static string Key(SourceLine line) => line.Line > 0 ? $"{line.File}:{line.Line.ToString(CultureInfo.InvariantCulture)}" : "";

    private static void Line(StringBuilder page, string number, string text, string id, string source, int ptx, bool inLoop,
        PlaceCounts? counts)
    {
        page.Append("<div");
        if (inLoop)
            page.Append(" class=\"loop\"");
        if (id.Length > 0)
            page.Append(CultureInfo.InvariantCulture, $" id=\"{id}\"");
        if (source.Length > 0)
            page.Append(CultureInfo.InvariantCulture, $" data-s=\"{Encode(source)}\"");
        if (ptx > 0)
            page.Append(CultureInfo.InvariantCulture, $" data-p=\"{ptx}\"");
        page.Append(CultureInfo.InvariantCulture, $"><span class=\"n\">{number}</span>");
        if (counts is { } c)
            page.Append(Figures(c));
        page.Append(CultureInfo.InvariantCulture, $"{Encode(text)}</div>");
    }

    private static string Figures(PlaceCounts c)
    {
        if (c.Executions == 0)
            return "<span class=\"c\"></span>";
        string text = ProfileTables.Count(c.Executions);
        string all = string.Create(CultureInfo.InvariantCulture,
            $"{c.Executions} instructions of warps, {(double)c.Lanes / c.Executions:0.#} lanes each");
        if (c.GlobalRequests > 0)
        {
            text += string.Create(CultureInfo.InvariantCulture, $" {c.SectorsPerRequest:0.#}s");
            all += string.Create(CultureInfo.InvariantCulture,
                $"; {c.GlobalRequests} requests, {c.Sectors} sectors ({c.IdealSectors} ideal), {c.BytesAsked} bytes asked, "
                    + $"{c.SectorsFromL2} sectors from L2");
        }
        if (c.SharedRequests > 0)
        {
            text += string.Create(CultureInfo.InvariantCulture, $" {(double)c.Wavefronts / c.SharedRequests:0.#}w");
            all += string.Create(CultureInfo.InvariantCulture,
                $"; {c.SharedRequests} shared requests, {c.Wavefronts} wavefronts ({c.IdealWavefronts} ideal)");
        }
        if (c.Diverged > 0)
            all += string.Create(CultureInfo.InvariantCulture, $"; {c.Diverged} divergent branches");
        if (c.Waits > 0)
            all += string.Create(CultureInfo.InvariantCulture, $"; {c.Waits} waits at barriers");
        return $"<span class=\"c{(c.IsScattered || c.HasConflicts ? " bad" : "")}\" title=\"{Encode(all)}\">{text}</span>";
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private const string Script = """
        <script>
        document.addEventListener('click', e => {
          const line = e.target.closest('pre div');
          if (!line) return;
          document.querySelectorAll('.on').forEach(x => x.classList.remove('on'));
          const s = line.dataset.s, p = line.dataset.p;
          const all = [...document.querySelectorAll('pre div')];
          // From C#: everything of that line. From PTX or SASS: the one line of PTX, its instructions and its line of C#.
          const marked = p ? all.filter(x => x.dataset.p === p || (s && !x.dataset.p && x.dataset.s === s))
            : s ? all.filter(x => x.dataset.s === s) : [];
          marked.concat(line).forEach(x => x.classList.add('on'));
          const here = line.closest('.column');
          document.querySelectorAll('.column').forEach(c => {
            const first = c.querySelector('.on');
            if (c === here || !first) return;
            if (first.closest('details')) first.closest('details').open = true;
            c.scrollTop += first.getBoundingClientRect().top - c.getBoundingClientRect().top - c.clientHeight / 3;
          });
        });
        </script>

        """;
}
