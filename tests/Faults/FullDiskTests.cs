using BDense.Kernels;
using BDense.Tests.Training;
using NUnit.Framework;

namespace BDense.Tests.Faults;

/// <summary>A disk that is full at some time of a run: one line, nothing half-written, and with room again the same bits.</summary>
public sealed class FullDiskTests
{
    private const int Sizes = 10;

    private static readonly TestCaseData[] Runs =
        [.. new[] { FaultedRun.Train(), FaultedRun.Watched,
            FaultedRun.PdInThreeRounds }.Select(run => new TestCaseData(run).SetArgDisplayNames(run.Name))];

    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns(inMemory: true);

    [TearDown]
    public void End() => _runs.Dispose();

    [TestCaseSource(nameof(Runs))]
    public void A_full_disk_is_one_line_and_loses_nothing(object given)
    {
        var run = (FaultedRun)given;
        string straight = _runs.Folder["straight"], full = _runs.Folder["full"];
        long bytes = FileFaults.Calls(() => run.Run(_runs, straight, resume: false)).Sum(call => call.Bytes);
        for (int i = 0; i < Sizes; i++)
        {
            // From none to nine tenths; how much it is in all differs by a few digits of times.
            long room = i * bytes / Sizes;
            var e = Assert.Throws<BDenseException>(() => FileFaults.FillAfter(room, () => run.Run(_runs, full, resume: false)));
            Assert.That(e!.Message,
                Does.StartWith("cannot write ").And.EndWith(FileFaults.NoSpace).And.Not.Contain("\n").And.Not.Contain(".tmp"),
                $"room for {room}");
            Assert.That(FileFaults.Unfinished(full), Is.Empty, $"room for {room}");
            FileFaults.Calls(() => run.Run(_runs, full, resume: true));
            FaultedRun.AssertSame(straight, full, $"room for {room}");
            Directory.Delete(full, recursive: true);
        }
    }
}
