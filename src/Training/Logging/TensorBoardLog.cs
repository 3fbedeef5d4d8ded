using System.Globalization;
using BDense.Model.Checkpoints;
using BDense.Model.FileSystem;
using BDense.Training.Logging.Proto;
using BDense.Training.Runs;
using Google.Protobuf;

namespace BDense.Training.Logging;

/// <summary>
/// The log as an event file, which TensorBoard shows: an event an iteration, with its figures as scalars (<c>simple_value</c>).
/// </summary>
/// <remarks>
/// One file, a function of the log's lines. Where a resumed run finds other lines in it than it has, all are written into a file with
/// the next number and the former one goes: a TensorBoard that is reading it finds the next one by itself.
/// </remarks>
internal sealed class TensorBoardLog : ILogSink
{
    /// <summary>In the run's folder: what <c>tensorboard --logdir</c> is given.</summary>
    public const string FolderName = "tensorboard";

    // TensorBoard asks for "tfevents" in a name, and reads in the names' order.
    private const string Prefix = "events.out.tfevents.", Suffix = ".bdense", Version = "brain.Event:2";

    private readonly Stream _stream;
    private bool _isEmpty;

    private TensorBoardLog(Stream stream, bool isEmpty) => (_stream, _isEmpty) = (stream, isEmpty);

    /// <summary>The events of these lines, to be continued.</summary>
    public static TensorBoardLog Open(string folder, IReadOnlyList<LogLine> kept)
    {
        string[] there = [.. Directory.GetFiles(folder, $"{Prefix}*{Suffix}").Order(StringComparer.Ordinal)];
        if (there is [var one] && Holds(one, kept))
            return new TensorBoardLog(Files.Append(one), kept.Count == 0);
        string path = Path.Combine(folder, NameOf(there.Select(NumberOf).DefaultIfEmpty().Max() + 1));
        AtomicFile.Write(path, stream =>
        {
            foreach (byte[] record in Records(kept))
                stream.Write(record);
        }, makeFolders: false);
        foreach (string former in there)
            AtomicFile.Delete(former);
        return new TensorBoardLog(Files.Append(path), kept.Count == 0);
    }

    public void Write(LogLine line)
    {
        if (_isEmpty)
            _stream.Write(First(line));
        _isEmpty = false;
        _stream.Write(Record(line));
    }

    public void Flush() => _stream.Flush();

    public void Dispose() => _stream.Dispose();

    private static string NameOf(int number) => Prefix + number.ToString("0000000000", CultureInfo.InvariantCulture) + Suffix;

    private static int NumberOf(string path)
    {
        string name = Path.GetFileName(path);
        return int.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length), NumberStyles.None,
            CultureInfo.InvariantCulture, out int number) ? number : 0;
    }

    private static bool Holds(string path, IReadOnlyList<LogLine> lines)
    {
        using var stream = new BufferedStream(File.OpenRead(path), 1 << 16);
        foreach (byte[] record in Records(lines))
        {
            byte[] got = new byte[record.Length];
            if (stream.ReadAtLeast(got, got.Length, throwOnEndOfStream: false) < got.Length || !got.AsSpan().SequenceEqual(record))
                return false;
        }
        return stream.ReadByte() < 0;
    }

    private static IEnumerable<byte[]> Records(IReadOnlyList<LogLine> lines)
    {
        if (lines.Count > 0)
            yield return First(lines[0]);
        foreach (var line in lines)
            yield return Record(line);
    }

    private static byte[] First(LogLine line) =>
        RecordFile.Frame(new Event { WallTime = line.Time, FileVersion = Version }.ToByteArray());

    private static byte[] Record(LogLine line)
    {
        var values = new Summary();
        foreach (var (name, group, value) in Figures.Of(line).Where(figure => figure.Group.Length > 0))
            values.Value.Add(new Summary.Types.Value { Tag = $"{group}/{name}", SimpleValue = (float)value });
        return RecordFile.Frame(new Event { WallTime = line.Time, Step = line.Step, Summary = values }.ToByteArray());
    }
}
