using System.Globalization;
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Tests.Training;
using BDense.Training.Logging;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Watching;

/// <summary>
/// The log as a table and as event files: what an independent reader finds in them, and what a resumed run leaves of them.
/// </summary>
public sealed class RunLogTests
{
    private TemporaryFolder _folder = null!;
    private RunFolder _run = null!;

    [SetUp]
    public void Start()
    {
        _folder = new TemporaryFolder();
        _run = RunFolder.Open(_folder["run"], new JsonObject { ["kind"] = "test" }, resume: false);
    }

    [TearDown]
    public void Clean() => _folder.Dispose();

    private static readonly TestCaseData[] Vectors =
    [
        new TestCaseData(new byte[32], 0x8A9136AAu).SetArgDisplayNames("32 bytes of 0"),
        new TestCaseData(Enumerable.Repeat((byte)0xFF, 32).ToArray(), 0x62A8AB43u).SetArgDisplayNames("32 bytes of 0xFF"),
        new TestCaseData(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray(), 0x46DD794Eu).SetArgDisplayNames("32 rising bytes"),
        new TestCaseData(Enumerable.Range(0, 32).Select(i => (byte)(31 - i)).ToArray(), 0x113FDB5Cu).SetArgDisplayNames("32 falling bytes"),
        new TestCaseData("123456789"u8.ToArray(), 0xE3069283u).SetArgDisplayNames("123456789"),
    ];

    /// <summary>RFC 3720, B.4, and the check value of the catalogue of CRCs.</summary>
    [TestCaseSource(nameof(Vectors))]
    public void The_CRC_is_Castagnolis(byte[] bytes, uint crc)
    {
        Assert.That(RecordFile.Crc(bytes), Is.EqualTo(crc));
        Assert.That(EventReader.Crc(bytes), Is.EqualTo(crc), "the reader's own");
    }

    [Test]
    public void An_independent_reader_finds_every_figure_in_the_event_file()
    {
        LogLine[] lines = [.. Enumerable.Range(1, 300).Select(Line)];
        Write(0, lines, LogFormat.TensorBoard);
        var events = EventReader.Read(Events().Single());
        Assert.That(events[0].FileVersion, Is.EqualTo("brain.Event:2"));
        Assert.That(events.Skip(1).Select(e => e.Step), Is.EqualTo(lines.Select(line => line.Step)));
        foreach (var (read, line) in events.Skip(1).Zip(lines))
        {
            Assert.That(read.WallTime, Is.EqualTo(line.Time));
            Assert.That(read.Scalars["training/loss"], Is.EqualTo((float)line.Loss));
            Assert.That(read.Scalars["branches/branch_2"], Is.EqualTo((float)line.Branches[1]));
            Assert.That(read.Scalars["weights/weight_1"], Is.EqualTo((float)line.Weights![0]));
            Assert.That(read.Scalars.ContainsKey("validation/validation_loss"), Is.EqualTo(line.Validation is not null));
        }
        Assert.That(events.Skip(1).Count(e => e.Scalars.ContainsKey("validation/validation_loss")), Is.EqualTo(100));
    }

    [Test]
    public void The_table_has_a_header_and_a_row_an_iteration()
    {
        Write(0, [Line(1), Line(2), Line(3)], LogFormat.Csv);
        string[] rows = File.ReadAllLines(Csv);
        Assert.That(rows[0], Is.EqualTo("step,time,loss,validation_loss,branch_1,branch_2,weight_1,weight_2,learning_rate,gradient_norm,"
            + "milliseconds,host_milliseconds,peak_bytes"));
        string[][] cells = [.. rows.Skip(1).Select(row => row.Split(','))];
        Assert.That(cells.Select(row => row.Length), Is.All.EqualTo(13));
        Assert.That(cells.Select(row => row[0]), Is.EqualTo(new[] { "1", "2", "3" }));
        Assert.That(double.Parse(cells[1][2], CultureInfo.InvariantCulture), Is.EqualTo(Line(2).Loss), "to the bit");
        Assert.That(cells.Select(row => row[3]), Is.EqualTo(new[] { "", "", "0.75" }), "measured every third time");
    }

    /// <summary>A session that was killed beyond its checkpoint: what it wrote after that is not there twice, nor anything else.</summary>
    [Test]
    public void A_resumed_run_goes_on_from_its_checkpoint_in_every_format()
    {
        Write(0, [Line(1), Line(2), Line(3), Line(4), Line(5)], LogFormat.Csv, LogFormat.TensorBoard);
        string before = Events().Single();
        // Asked for or not: what the run has, it goes on with.
        Write(3, [Line(4), Line(5), Line(6)]);
        Check(6);
        Assert.That(Events().Single(), Is.GreaterThan(before).Using<string>(StringComparer.Ordinal), "a later name for a reader");
        Write(6, [Line(7)]);
        Check(7);

        void Check(int last)
        {
            long[] steps = [.. Enumerable.Range(1, last)];
            Assert.That(_run.ReadLog().Select(line => line.Step), Is.EqualTo(steps));
            Assert.That(File.ReadLines(Csv).Skip(1).Select(row => long.Parse(row.Split(',')[0], CultureInfo.InvariantCulture)),
                Is.EqualTo(steps));
            Assert.That(EventReader.Read(Events().Single()).Skip(1).Select(e => e.Step), Is.EqualTo(steps));
        }
    }

    [Test]
    public void An_undisturbed_session_is_continued_in_the_same_event_file()
    {
        Write(0, [Line(1), Line(2)], LogFormat.TensorBoard);
        byte[] first = File.ReadAllBytes(Events().Single());
        Write(2, [Line(3)], LogFormat.TensorBoard);
        Assert.That(File.ReadAllBytes(Events().Single()).AsSpan(0, first.Length).SequenceEqual(first));
        Assert.That(EventReader.Read(Events().Single()).Select(e => e.Step), Is.EqualTo(new long[] { 0, 1, 2, 3 }));
    }

    [Test]
    public void A_format_may_begin_in_the_middle_and_a_damaged_file_is_made_anew()
    {
        Write(0, [Line(1), Line(2)]);
        Assert.That(File.Exists(Csv) || Directory.Exists(_folder["run/tensorboard"]), Is.False);
        Write(2, [Line(3)], LogFormat.Csv, LogFormat.TensorBoard);
        Assert.That(File.ReadLines(Csv).Count(), Is.EqualTo(4));
        string events = Events().Single();
        File.WriteAllBytes(events, File.ReadAllBytes(events)[..^5]);
        Write(3, [Line(4)]);
        Assert.That(EventReader.Read(Events().Single()).Select(e => e.Step), Is.EqualTo(new long[] { 0, 1, 2, 3, 4 }));
    }

    [Test]
    public void Training_writes_what_is_asked_for_and_the_times_are_those_of_the_clock()
    {
        using var runs = new TinyRuns();
        using var network = runs.Teacher();
        using var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions { Steps = 3, Batch = 4 });
        double before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        var result = TrainingLoop.Run(training, _run, new LoopOptions { Logs = [LogFormat.Csv, LogFormat.TensorBoard] });
        var events = EventReader.Read(Events().Single()).Skip(1).ToList();
        Assert.That(events.Select(e => e.Scalars["training/loss"]), Is.EqualTo(result.Log.Select(line => (float)line.Loss)));
        Assert.That(events.Select(e => e.WallTime), Is.All.GreaterThanOrEqualTo(before));
        Assert.That(events.Select(e => e.WallTime), Is.Ordered);
        Assert.That(File.ReadLines(Csv).Count(), Is.EqualTo(4));
    }

    [TestCase("jsonl", 1)]
    [TestCase("jsonl,csv,tensorboard", 3)]
    [TestCase("CSV, jsonl", 2)]
    public void Names_are_read(string text, int count) => Assert.That(LogFormats.Parse(text), Has.Count.EqualTo(count));

    [Test]
    public void An_unknown_name_is_refused_with_the_nearest() => Assert.That(() => LogFormats.Parse("csv,tensorbord"),
        Throws.TypeOf<UsageException>().With.Message.EqualTo(
            "--log: there is no 'tensorbord'; did you mean 'tensorboard'? There are jsonl, csv, tensorboard"));

    [Test]
    public void A_name_that_is_there_twice_is_refused() => Assert.That(() => LogFormats.Parse("csv,CSV"),
        Throws.TypeOf<UsageException>().With.Message.EqualTo("--log csv,CSV: csv is there twice"));

    private string Csv => _folder["run/log.csv"];

    private string[] Events() => Directory.GetFiles(_folder["run/tensorboard"]);

    private void Write(long step, IEnumerable<LogLine> lines, params LogFormat[] formats)
    {
        using var log = RunLog.Open(_run, step, formats);
        foreach (var line in lines)
            log.Write(line);
    }

    private static LogLine Line(int step) => new(step, 1.0 / step, [0.5, 1.0 / 3 / step], 1e-3, 2 + step, 3, 1, 1 << 20, [0.25, 0.75])
    {
        Time = 1.7e9 + step,
        Validation = step % 3 == 0 ? 0.75 : null,
    };
}
