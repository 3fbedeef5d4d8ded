using System.Globalization;

namespace BDense.Cli.Terminal;

/// <summary>
/// Standard output and error as they were handed over. A stream that the caller has closed leaves its number free, and the runtime's own
/// files then take it: text written there would end in a pipe that the runtime talks to itself through.
/// </summary>
internal static class StandardStreams
{
    private const int OutputNumber = 1, ErrorNumber = 2;

    // Linux's O_CLOEXEC: a program cannot be handed such a file, so one with this flag was opened since.
    private const int CloseOnExec = 0x80000;

    /// <summary>Standard output, or a writer that fails where there is none.</summary>
    public static TextWriter Output => IsClosed(OutputNumber) ? new ClosedWriter() : Console.Out;

    /// <summary>Standard error likewise.</summary>
    public static TextWriter Error => IsClosed(ErrorNumber) ? new ClosedWriter() : Console.Error;

    private static bool IsClosed(int number)
    {
        if (!OperatingSystem.IsLinux() || !Directory.Exists("/proc/self/fdinfo"))
            return false;
        try
        {
            const string Key = "flags:";
            string flags = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{number}"))
                .First(line => line.StartsWith(Key, StringComparison.Ordinal));
            return (Convert.ToInt32(flags[Key.Length..].Trim(), 8) & CloseOnExec) != 0;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException or FormatException
            or OverflowException)
        {
            // What cannot be told is taken as it usually is.
            return false;
        }
    }

    private sealed class ClosedWriter : TextWriter
    {
        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value) => throw new IOException("it is closed");
    }
}
