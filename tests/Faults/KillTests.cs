using BDense.Model.FileSystem;
using BDense.Tests.Training;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Faults;

/// <summary>
/// Killed at any of its file-system calls, a piece of work leaves what the same command goes on from: to the same bits, with nothing
/// refused and no unfinished file left.
/// </summary>
public sealed class KillTests
{
    private static readonly TestCaseData[] Runs =
        [.. new[] { FaultedRun.Train(), FaultedRun.Watched, FaultedRun.Distill,
            FaultedRun.PdInThreeRounds }.Select(run => new TestCaseData(run).SetArgDisplayNames(run.Name))];

    private TinyRuns _runs = null!;

    [SetUp]
    public void Start() => _runs = new TinyRuns(inMemory: true);

    [TearDown]
    public void End() => _runs.Dispose();

    [TestCaseSource(nameof(Runs))]
    public void A_run_is_resumed_from_any_kill(object run) => Check((FaultedRun)run, again: 0);

    /// <summary>The resume is killed as well, at every fifth of its calls.</summary>
    [Explicit("minutes")]
    [TestCaseSource(nameof(Runs))]
    public void A_run_is_resumed_from_any_two_kills(object run) => Check((FaultedRun)run, again: 5);

    private void Check(FaultedRun run, int again)
    {
        string straight = _runs.Folder["straight"], killed = _runs.Folder["killed"];
        var calls = FileFaults.Calls(() => run.Run(_runs, straight, resume: false));
        Assert.That(calls.Select(call => call.Kind).Distinct(), Is.EquivalentTo(Enum.GetValues<FileChangeKind>()), "a call of every kind");
        for (int n = 0; n < calls.Count; n++)
        {
            for (int second = 0; second == 0 || again > 0; second += again)
            {
                string what = $"killed at call {n}, {calls[n]}{(again > 0 ? $", and in the resume at {second}" : "")}";
                Assert.That(FileFaults.KillAt(n, () => run.Run(_runs, killed, resume: false)), what);
                bool secondKill = again > 0 && FileFaults.KillAt(second, () => run.Run(_runs, killed, resume: true));
                FileFaults.Calls(() => run.Run(_runs, killed, resume: true));
                FaultedRun.AssertSame(straight, killed, what);
                Directory.Delete(killed, recursive: true);
                if (!secondKill)
                    break;
            }
        }
        TestContext.Out.WriteLine($"{calls.Count} calls");
    }

    /// <summary>A start that died before there was a run is no obstacle to a new one either.</summary>
    [Test]
    public void A_dead_start_is_begun_anew_without_resume()
    {
        var run = FaultedRun.Train(steps: 1);
        string folder = _runs.Folder["killed"];
        for (int n = 0; ; n++)
        {
            FileFaults.KillAt(n, () => run.Run(_runs, folder, resume: false));
            if (File.Exists(Path.Combine(folder, RunFolder.ConfigFile)))
                break;
            FileFaults.Calls(() => run.Run(_runs, folder, resume: false));
            Directory.Delete(folder, recursive: true);
        }
        Assert.That(() => run.Run(_runs, folder, resume: false),
            Throws.TypeOf<BDense.Kernels.BDenseException>().With.Message.Contains("--resume"));
    }

    /// <summary>What <c>evaluate --state</c> and <c>statistics --state</c> collect.</summary>
    [Test]
    public void A_state_is_gone_on_from_any_kill()
    {
        string straight = _runs.Folder["a/state.npz"], killed = _runs.Folder["b/state.npz"];
        var calls = FileFaults.Calls(() => Collect(straight));
        Assert.That(calls.Count(call => call.Kind == FileChangeKind.Rename), Is.EqualTo(4));
        for (int n = 0; n < calls.Count; n++)
        {
            Assert.That(FileFaults.KillAt(n, () => Collect(killed)), $"call {n}");
            FileFaults.Calls(() => Collect(killed));
            Assert.That(File.ReadAllBytes(killed), Is.EqualTo(File.ReadAllBytes(straight)), $"killed at call {n}, {calls[n]}");
            Assert.That(FileFaults.Unfinished(_runs.Folder["b"]), Is.Empty, $"killed at call {n}, {calls[n]}");
            Directory.Delete(_runs.Folder["b"], recursive: true);
        }
    }

    private static void Collect(string state)
    {
        using var features = new Means();
        FeatureCollection.Of(features, (first, n) => [.. Enumerable.Range(first * 48, n * 48).Select(i => (float)Math.Sin(i))],
            (4, 4, 3), 16,
            new CollectOptions { Subject = "sines", Batch = 2, StateFile = state, SaveEvery = 4 });
    }

    private sealed class Means : IImageFeatures
    {
        public string Name => "means";

        public string DistanceName => "distance of means";

        public int Dimension => 3;

        public float[] Compute(ReadOnlySpan<float> images, int height, int width, int channels)
        {
            var means = new float[images.Length / (height * width)];
            for (int i = 0; i < images.Length; i++)
                means[i / (height * width * channels) * channels + i % channels] += images[i] / (height * width);
            return means;
        }

        public void Dispose()
        {
        }
    }
}
