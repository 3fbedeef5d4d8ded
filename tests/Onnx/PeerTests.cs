using BDense.Benchmarks.Context;
using BDense.Benchmarks.Workloads;
using BDense.Kernels.Reference;
using BDense.Tests.Networks;
using NUnit.Framework;

namespace BDense.Tests.Onnx;

/// <summary>ONNX Runtime as the benchmarks time it does our work.</summary>
public sealed class PeerTests
{
    [Test]
    public void The_peer_samples_as_we_do()
    {
        using var ours = new ReferenceBackend(1);
        using var peer = new OnnxRuntimePeer(1);
        var work = new Sampling("tiny", TinyNetwork.Config with { LabelCount = 0, AugmentCount = 0 }, Batch: 5);
        Assert.That(peer.Unavailable, Is.Null);
        Assert.That(peer.Takes(work), Is.True);
        using var mine = work.Start(ours);
        using var theirs = peer.Start(work).Single();
        mine.Run();
        theirs.Run();
        Assert.That(theirs.Results()["next"], Is.EqualTo(mine.Results()["next"]).Within(1e-4));
    }
}
