using System.Text.RegularExpressions;
using NUnit.Framework;

namespace BDense.Tests.House;

/// <summary>
/// What a reader can rely on: lines that fit, rooms that are not crowded, a README of one page, links that lead somewhere. Where the
/// sources are not there (the tests' binaries were carried elsewhere) there is nothing to look at.
/// </summary>
[TestFixture]
public sealed partial class HouseTests
{
    private const int CodeColumns = 140, TextColumns = 120, FilesOfFolder = 25, ReadmeLines = 80;

    [Test]
    public void Lines_of_code_have_at_most_140_columns() =>
        Nothing(Sources("*.cs", "*.csproj", "*.props").SelectMany(file => Long(file, CodeColumns)));

    /// <summary>A row of a table cannot be broken, nor what a program has printed; on the first page there is neither.</summary>
    [Test]
    public void Lines_of_text_have_at_most_120_columns() =>
        Nothing(Texts()
            .SelectMany(
                file => Long(file, TextColumns,
                    line => Relative(file) != "README.md" && (line.StartsWith('|') || line.StartsWith("    ", StringComparison.Ordinal)))));

    [Test]
    public void The_README_is_one_page() =>
        Assert.That(File.ReadLines(Path.Combine(Root(), "README.md")).Count(), Is.AtMost(ReadmeLines));

    [Test]
    public void No_folder_of_src_is_crowded() =>
        Nothing(Sources("*.cs").Where(file => Relative(file).StartsWith("src/", StringComparison.Ordinal)).GroupBy(Path.GetDirectoryName)
            .Where(folder => folder.Count() > FilesOfFolder)
            .Select(folder => $"{Relative(folder.Key!)} has {folder.Count()} files, more than {FilesOfFolder}"));

    [Test]
    public void Every_link_of_the_documentation_leads_somewhere()
    {
        var faults = new List<string>();
        foreach (string file in Texts())
        {
            foreach (Match link in Links().Matches(WithoutCode(File.ReadAllText(file))))
            {
                string[] parts = link.Groups[1].Value.Split('#', 2);
                string target = parts[0].Length == 0 ? file : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, parts[0]));
                if (!File.Exists(target) && !Directory.Exists(target))
                    faults.Add($"{Relative(file)}: {link.Groups[1].Value} is not there");
                else if (parts.Length == 2 && target.EndsWith(".md", StringComparison.Ordinal) && !Anchors(target).Contains(parts[1]))
                    faults.Add($"{Relative(file)}: {link.Groups[1].Value} has no such heading");
            }
        }
        Nothing(faults);
    }

    /// <summary>Documents say where things are; a path in them that is not there misleads. Foo is whatever one adds.</summary>
    [Test]
    public void Every_path_that_the_documentation_names_is_there() =>
        Nothing(Texts().Where(file => Path.GetFileName(file) != "CHANGELOG.md").SelectMany(file => Paths().Matches(File.ReadAllText(file))
            .Select(path => path.Groups[1].Value.TrimEnd('/', '.')).Distinct()
            .Where(path => !path.Contains("Foo", StringComparison.Ordinal) && !File.Exists(Path.Combine(Root(), path))
                && !Directory.Exists(Path.Combine(Root(), path)))
            .Select(path => $"{Relative(file)} names {path}, which is not there")));

    private static void Nothing(IEnumerable<string> faults) => Assert.That(faults, Is.Empty);

    private static IEnumerable<string> Long(string file, int columns, Func<string, bool>? except = null) =>
        File.ReadLines(file).Select((line, i) => (line, i)).Where(x => x.line.Length > columns && except?.Invoke(x.line) != true)
            .Select(x => $"{Relative(file)}:{x.i + 1} has {x.line.Length} columns, more than {columns}");

    private static IEnumerable<string> Texts() =>
        Sources("*.md").Where(file => !Relative(file).StartsWith("benchmarks/results/", StringComparison.Ordinal));

    private static IEnumerable<string> Sources(params string[] patterns) =>
        patterns.SelectMany(pattern => Directory.EnumerateFiles(Root(), pattern, SearchOption.AllDirectories))
            .Where(file => !Relative(file).Split('/').Any(part => part is "bin" or "obj" or "runs" or "artifacts" || part[0] == '.'))
            .Order(StringComparer.Ordinal);

    private static string Relative(string path) => Path.GetRelativePath(Root(), path).Replace('\\', '/');

    private static string WithoutCode(string text) => Code().Replace(text, "");

    /// <summary>A heading's anchor, as GitHub makes it.</summary>
    private static HashSet<string> Anchors(string file) =>
        [.. Headings().Matches(WithoutCode(File.ReadAllText(file))).Select(heading => Unspoken().Replace(heading.Groups[1].Value.Trim()
            .ToLowerInvariant(), "").Replace(' ', '-'))];

    private static string Root()
    {
        for (var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "BDense.sln")) && Directory.Exists(Path.Combine(folder.FullName, "docs")))
                return folder.FullName;
        }
        Assert.Ignore("the sources are not beside these binaries");
        return "";
    }

    [GeneratedRegex(@"\]\((?![a-z]+:)([^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"`((?:src|tests|cases|benchmarks|samples|docs|tools)/[\w./-]+)`")]
    private static partial Regex Paths();

    [GeneratedRegex(@"(?ms)^```.*?^```")]
    private static partial Regex Code();

    [GeneratedRegex(@"(?m)^#+ (.*)$")]
    private static partial Regex Headings();

    [GeneratedRegex(@"[^\w\s-]")]
    private static partial Regex Unspoken();
}
