using System.Runtime;
using BDense.Training.Runs;
using NUnit.Framework;

namespace BDense.Tests.Training;

/// <summary>What training leaves to the garbage collector.</summary>
[TestFixture, NonParallelizable]
public sealed class GarbageTests
{
    /// <summary>
    /// Handles, nodes of the tape and the numbers of a batch of the tiny network: 41,067 bytes measured on x64 with AVX-512, and some room.
    /// </summary>
    private const long BytesPerStep = 48 * 1024;

    [Test]
    public void WarmStepsCauseNoCollection()
    {
        const int Warm = 20, Steps = 200;
        using var runs = new TinyRuns();
        using var network = runs.Teacher();
        using var training = new TeacherTraining(network, TinyRuns.Data, new TeacherOptions { Steps = Warm + Steps, Batch = 8 });
        for (int i = 0; i < Warm; i++)
            training.Step(i);
        // What earlier tests have left is not these steps', and how much room there is before a collection differs from machine to machine.
        Assert.That(GC.TryStartNoGCRegion(2 * Steps * BytesPerStep), "room for the steps");
        int collections = GC.CollectionCount(0);
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Steps; i++)
            training.Step(Warm + i);
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        collections = GC.CollectionCount(0) - collections;
        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            GC.EndNoGCRegion();
        TestContext.Out.WriteLine($"{bytes / Steps} bytes a step");
        Assert.That(collections, Is.Zero);
        Assert.That(bytes, Is.LessThan(Steps * BytesPerStep));
    }
}
