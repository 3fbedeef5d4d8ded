using System.Globalization;

namespace BDense.Cli.Terminal;

/// <summary>
/// How many files this process may have open. Every assembly takes two, and where the limit is too low the runtime fails at the first of
/// them that it cannot open, with a trace: so the limit is looked at before, with nothing but the core library.
/// </summary>
internal static class FileLimit
{
    /// <summary>A training has some 90 open; the rest is room for charts and an ONNX network.</summary>
    private const int Least = 200;

    /// <summary>Whether it will do; if not, one line has gone to standard error.</summary>
    public static bool IsEnough()
    {
        const string Limits = "/proc/self/limits", Key = "Max open files";
        if (!OperatingSystem.IsLinux() || !File.Exists(Limits))
            return true;
        foreach (string line in File.ReadAllText(Limits).Split('\n'))
        {
            if (!line.StartsWith(Key, StringComparison.Ordinal))
                continue;
            string first = line[Key.Length..].TrimStart().Split(' ')[0];
            if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) || limit >= Least)
                return true;
            Say($"bdense: only {first} files may be open at once; {Least} are needed (ulimit -n {Least})\n");
            return false;
        }
        return true;
    }

    private static void Say(string line)
    {
        try
        {
            // To the end of it where it is a file, beside whoever else writes there.
            using var error = new FileStream("/dev/stderr", FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            error.Write(System.Text.Encoding.UTF8.GetBytes(line));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Nobody listens.
        }
    }
}
