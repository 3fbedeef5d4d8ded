using System.Diagnostics;
using System.Globalization;
using BDense.Kernels;

namespace BDense.Tests.Faults;

/// <summary>
/// Reads damaged samples one after the other. A finding is any exception but the project's own, more than 2 seconds (in each of three
/// readings: other programs compute here too) or more than 1 GB allocated.
/// </summary>
/// <param name="reader">What reads.</param>
internal sealed class Fuzzer(ReaderCase reader)
{
    private const double MostSeconds = 2;
    private const long MostBytes = 1L << 30;
    private const int MostFindings = 5;

    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);

    private readonly List<string> _findings = [];
    private long _started;
    private int _number = -1, _accepted;

    /// <summary>Mutations that were read as if they were whole: a changed pixel is an image.</summary>
    public int Accepted => _accepted;

    public IReadOnlyList<string> Findings => _findings;

    /// <summary>Reads mutations 0 to <paramref name="count"/> - 1; a reading that hangs is a finding, too, and ends it.</summary>
    public void Run(int count)
    {
        Volatile.Write(ref _started, Stopwatch.GetTimestamp());
        var thread = new Thread(() => Readings(count)) { IsBackground = true, Name = reader.Name };
        thread.Start();
        while (!thread.Join(TimeSpan.FromSeconds(1)))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _started)) > Hang)
            {
                _findings.Add(string.Create(CultureInfo.InvariantCulture, $"mutation {_number}: hangs for {Hang.TotalSeconds} s"));
                return;
            }
        }
    }

    private void Readings(int count)
    {
        using var folder = new TemporaryFolder();
        var sample = reader.Open(folder);
        try
        {
            byte[] whole = File.ReadAllBytes(sample.File);
            if (Fault(sample.Read) is { } fault)
            {
                _findings.Add($"the whole sample: {fault}");
                return;
            }
            for (_number = 0; _number < count && _findings.Count < MostFindings; _number++)
            {
                byte[] damaged = SampleMutations.Of(reader.Format, whole, sample.Other ?? whole, Seed(_number));
                File.WriteAllBytes(sample.File, damaged);
                Volatile.Write(ref _started, Stopwatch.GetTimestamp());
                if (Fault(sample.Read) is { } finding)
                    _findings.Add(string.Create(CultureInfo.InvariantCulture, $"mutation {_number}: {finding}; kept as {Keep(damaged)}"));
            }
            File.WriteAllBytes(sample.File, whole);
        }
        catch (Exception e)
        {
            _findings.Add($"mutation {_number}: outside the reader: {e}");
        }
        finally
        {
            sample.Close?.Invoke();
        }
    }

    /// <summary>What the project must not do; null where it reads, or refuses in one line.</summary>
    private string? Fault(Action read)
    {
        double seconds = double.PositiveInfinity;
        long bytes = long.MaxValue;
        for (int trial = 0; trial < 3 && (seconds > MostSeconds || bytes > MostBytes); trial++)
        {
            long before = GC.GetTotalAllocatedBytes(), start = Stopwatch.GetTimestamp();
            try
            {
                read();
                _accepted++;
            }
            catch (BDenseException)
            {
                // Refused, as it should be.
            }
            catch (Exception e)
            {
                return $"{e.GetType().Name}: {Printable.Text(e.Message)} "
                    + $"{e.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("BDense.", StringComparison.Ordinal))?.Trim()}";
            }
            seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(start).TotalSeconds);
            bytes = Math.Min(bytes, GC.GetTotalAllocatedBytes() - before);
        }
        return seconds > MostSeconds ? string.Create(CultureInfo.InvariantCulture, $"takes {seconds:0.0} s")
            : bytes > MostBytes ? string.Create(CultureInfo.InvariantCulture, $"allocates {bytes:N0} bytes") : null;
    }

    // A hash of the name that is the same in every process.
    private int Seed(int number) => reader.Name.Aggregate(17 + number * 7919, (hash, c) => unchecked(hash * 31 + c));

    private string Keep(byte[] damaged)
    {
        string path = Path.Combine(Path.GetTempPath(), "bdense-faults", $"{reader.Name.Replace(' ', '-').Replace('\'', '-')}-{_number}");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, damaged);
        return path;
    }
}
