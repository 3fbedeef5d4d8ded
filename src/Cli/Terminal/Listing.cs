namespace BDense.Cli.Terminal;

/// <summary>A table's rows one under the other, for a terminal that is too narrow for them side by side: words stay whole.</summary>
internal static class Listing
{
    /// <summary>Around a column of a table: two spaces and a line.</summary>
    private const int Around = 3;

    /// <summary>Columns of a terminal that the table takes.</summary>
    public static int Width(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows) =>
        Around * columns.Count + 1 + columns.Select((column, i) => rows.Select(row => row[i].Length).Append(column.Length).Max()).Sum();

    /// <summary>
    /// Each row as its first cell and a line for each other one that says something; columns without a name continue the line before.
    /// </summary>
    public static IEnumerable<string> Lines(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        int name = columns.Skip(1).Select(column => column.Length).DefaultIfEmpty().Max();
        foreach (var row in rows)
        {
            yield return $"{columns[0]}{(columns[0].Length > 0 ? " " : "")}{row[0]}";
            string line = "";
            for (int i = 1; i < columns.Count; i++)
            {
                if (row[i].Length == 0)
                    continue;
                if (columns[i].Length > 0 && line.Length > 0)
                {
                    yield return line;
                    line = "";
                }
                line += line.Length > 0 ? $"  {row[i]}" : $"  {columns[i].PadRight(name)}  {row[i]}";
            }
            if (line.Length > 0)
                yield return line;
        }
    }
}
