using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Tests.Cli;
using BDense.Tests.Training;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Faults;

/// <summary>
/// Two hundred ways to damage a checkpoint: bits flipped and ends cut in each of its files, files of another step and another seed in their
/// place, files that are missing or too many. Nothing uses it: neither sampling, evaluating and exporting, which load it by one way, nor a
/// resume.
/// </summary>
public sealed class CorruptionTests
{
    private const int Seed = 20261130, Cases = 200, OfVerbs = 20;

    private static readonly string[] Files = [Checkpoint.ModelFile, Checkpoint.ConfigFile, Optimizer.EmaFile, Optimizer.OptimizerFile,
        RunFolder.StateFile, Manifest.FileName];

    private TinyRuns _runs = null!;
    private string _mine = null!, _earlier = null!, _other = null!, _kept = null!;

    [OneTimeSetUp]
    public void Start()
    {
        _runs = new TinyRuns(inMemory: true);
        FileFaults.Calls(() => _mine = FaultedRun.Train(steps: 2).Run(_runs, _runs.Folder["mine"], resume: false));
        FileFaults.Calls(() => _other = FaultedRun.Train(steps: 2, seed: 2).Run(_runs, _runs.Folder["other"], resume: false));
        _earlier = Path.Combine(Path.GetDirectoryName(_mine)!, "step-000001");
        _kept = _runs.Folder["kept"];
        Copy(_mine, _kept);
    }

    [OneTimeTearDown]
    public void End() => _runs.Dispose();

    [Test]
    public void No_damaged_checkpoint_is_accepted()
    {
        var random = new Random(Seed);
        int accepted = 0;
        for (int i = 0; i < Cases; i++)
        {
            string what = Damage(i, random);
            if (!Refused(() => TrainedNetwork.Load(_runs.Backend, _runs.Folder["mine"]).Dispose())
                || !Refused(() => TrainedNetwork.Load(_runs.Backend, _mine).Dispose()))
            {
                accepted++;
                TestContext.Out.WriteLine($"loaded: {what}");
            }
            if (RunFolder.Existing(_runs.Folder["mine"]).CheckpointToResume(null) is var resumed && resumed != _earlier)
            {
                accepted++;
                TestContext.Out.WriteLine($"resumed from {resumed}: {what}");
            }
            Restore();
        }
        Assert.That(accepted, Is.Zero, $"of {Cases}");
        TrainedNetwork.Load(_runs.Backend, _mine).Dispose();
        Assert.That(RunFolder.Existing(_runs.Folder["mine"]).CheckpointToResume(null), Is.EqualTo(_mine));
    }

    /// <summary>The same through the command line, a few of each kind.</summary>
    [Test]
    public async Task Every_verb_refuses_in_one_line()
    {
        var random = new Random(Seed + 1);
        for (int i = 0; i < OfVerbs; i++)
        {
            string what = Damage(i, random);
            foreach (string[] verb in new string[][] { ["sample", "--count", "1", "--out", _runs.Folder["x.png"]],
                ["export", "--out", _runs.Folder["export"]], ["evaluate", "--teacher", _runs.Folder["mine"]],
                ["fit", "--out", _runs.Folder["s.json"]], ["info"] })
            {
                var run = await CliRun.Of([verb[0], "--model", _runs.Folder["mine"], .. verb[1..]]);
                Assert.That((run.ExitCode, run.Message), Is.EqualTo((1, run.Message)), $"{verb[0]}: {what}");
                Assert.That(run.Message, Does.StartWith("bdense: ").And.Contain("step-000002 cannot be used"), $"{verb[0]}: {what}");
            }
            Restore();
        }
        Assert.That(File.Exists(_runs.Folder["x.png"]) || Directory.Exists(_runs.Folder["export"]), Is.False);
    }

    /// <summary>A resumed run that fell back arrives at the same bits.</summary>
    [Test]
    public void A_fallback_arrives_at_the_same_bits()
    {
        Damage(0, new Random(Seed));
        FileFaults.Calls(() => FaultedRun.Train(steps: 2).Run(_runs, _runs.Folder["mine"], resume: true));
        foreach (var (name, bytes) in TinyRuns.Files(_kept))
            Assert.That(TinyRuns.Files(_mine)[name], Is.EqualTo(bytes), name);
    }

    private string Damage(int i, Random random)
    {
        string name = Files[random.Next(Files.Length)], file = Path.Combine(_mine, name);
        byte[] bytes = File.ReadAllBytes(file);
        switch (i % 5)
        {
            case 0 or 1:
                int bit = random.Next(bytes.Length * 8);
                bytes[bit / 8] ^= (byte)(1 << bit % 8);
                File.WriteAllBytes(file, bytes);
                return $"bit {bit} of {name}";
            case 2:
                int length = random.Next(bytes.Length);
                File.WriteAllBytes(file, bytes[..length]);
                return $"{name} cut to {length} of {bytes.Length}";
            case 3:
                bool step = random.Next(2) == 0;
                string from = Path.Combine(step ? _earlier : _other, name);
                // What is the same in both is no damage: another kind of it instead.
                if (File.ReadAllBytes(from).AsSpan().SequenceEqual(bytes))
                    goto default;
                File.Copy(from, file, overwrite: true);
                return $"{name} of another {(step ? "step" : "seed")}";
            default:
                if (random.Next(4) == 0)
                {
                    string whole = random.Next(2) == 0 ? _earlier : _other;
                    Directory.Delete(_mine, recursive: true);
                    Copy(whole, _mine);
                    return $"the whole folder of {whole}";
                }
                File.Delete(file);
                return $"{name} missing";
        }
    }

    private void Restore()
    {
        Directory.Delete(_mine, recursive: true);
        Copy(_kept, _mine);
    }

    private static bool Refused(Action load)
    {
        try
        {
            load();
            return false;
        }
        catch (BDenseException e)
        {
            Assert.That(e.Message, Does.Not.Contain("\n"));
            return true;
        }
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
