using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using BDense.Kernels.Reference;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Training;

/// <summary>What a checkpoint's digests cost at some 60 million parameters. Not of the usual run: it writes several gigabytes.</summary>
[Explicit("measures; writes several gigabytes")]
public sealed class CheckpointCostTests
{
    [Test]
    public void Digests_cost_little_beside_the_checkpoint()
    {
        using var backend = new ReferenceBackend(0);
        using var temporary = new TemporaryFolder();
        using var network = new Network(backend, NetworkCatalog.FindUNet("edm-cifar10"), 1);
        using var training = new TeacherTraining(network, Dataset.Open(null, new DatasetOptions(32, 8)), new TeacherOptions { Batch = 4 });
        var run = RunFolder.Open(temporary["run"], new JsonObject { ["kind"] = "test" }, resume: false);
        var (with, without) = (new List<double>(), new List<double>());
        string checkpoint = "";
        // In turns, so that whatever else the machine does falls on both.
        for (int i = 0; i < 8; i++)
        {
            without.Add(Seconds(() => training.Save(Directory.CreateDirectory(temporary["plain"]).FullName)));
            Directory.Delete(temporary["plain"], recursive: true);
            if (checkpoint.Length > 0)
                Directory.Delete(checkpoint, recursive: true);
            with.Add(Seconds(() => checkpoint = run.SaveCheckpoint(i, training.Save)));
        }
        double check = Seconds(() => Assert.That(CheckpointCheck.Fault(checkpoint), Is.Null));
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{network.Parameters.Count:N0} parameters: plain {Median(without):0.000} s (least {without.Min():0.000}), with manifest "
                + $"{Median(with):0.000} s (least {with.Min():0.000}), check {check:0.000} s"));

        static double Seconds(Action action)
        {
            var clock = Stopwatch.StartNew();
            action();
            return clock.Elapsed.TotalSeconds;
        }

        static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
