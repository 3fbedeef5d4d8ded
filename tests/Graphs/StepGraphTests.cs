using BDense.Kernels;
using BDense.Kernels.Devices;
using NUnit.Framework;

namespace BDense.Tests.Graphs;

/// <summary>Run, capture, replay, and what happens where one of them fails: against a driver that is told to fail.</summary>
public sealed class StepGraphTests
{
    private FakeCudaDriver _driver = null!;
    private FakeCudaBackend _backend = null!;
    private List<string> _notices = null!;
    private int _runs;

    [SetUp]
    public void Start()
    {
        _driver = new FakeCudaDriver();
        _notices = [];
        _runs = 0;
        _backend = new FakeCudaBackend(_driver) { OnNotice = text => _notices.Add(text) };
    }

    [TearDown]
    public void End()
    {
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero, "a tensor was kept");
        Assert.That(_driver.Graphs, Is.Empty, "a graph was kept");
        Assert.That(_driver.Executables, Is.Empty, "an executable graph was kept");
        Assert.That(_driver.IsCapturing, Is.False, "capturing goes on");
        _backend.Dispose();
    }

    private StepGraph Make(Action? more = null) => new(_backend, "step", () =>
    {
        _runs++;
        using var scratch = _backend.Empty(new Shape(1000));
        _backend.Fill(scratch, 1f);
        more?.Invoke();
    });

    [Test]
    public void The_first_run_runs_the_second_is_captured_the_others_are_replays()
    {
        using var graph = Make();
        graph.Run();
        Assert.That((_runs, graph.IsCaptured), Is.EqualTo((1, false)));
        Assert.That(_driver.Calls, Is.Empty);
        graph.Run();
        Assert.That((_runs, graph.IsCaptured, graph.Launches), Is.EqualTo((2, true, 3)));
        Assert.That(_driver.Calls, Is.EqualTo(new[] { "begin", "end", "count", "instantiate", "launch" }));
        graph.Run();
        graph.Run();
        Assert.That(_runs, Is.EqualTo(2), "the work is not run again");
        Assert.That(_driver.Calls.TakeLast(2), Is.All.EqualTo("launch"));
        Assert.That(_notices, Is.Empty);
    }

    [TestCase("begin", "cuStreamBeginCapture")]
    [TestCase("end", "cuStreamEndCapture")]
    [TestCase("count", "cuGraphGetNodes")]
    [TestCase("instantiate", "cuGraphInstantiate")]
    public void A_driver_that_refuses_means_plain_runs_and_one_line(string fails, string call)
    {
        _driver.Fails = fails;
        using var graph = Make();
        for (int i = 0; i < 4; i++)
            graph.Run();
        Assert.That(graph.IsCaptured, Is.False);
        // The refused run was done again, plainly.
        Assert.That(_runs, Is.EqualTo(fails == "begin" ? 4 : 5));
        Assert.That(_notices,
            Is.EqualTo(new[] { $"step: not captured on dry-run, launched anew each time: {call}: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED" }));
        Assert.That(_driver.Calls.Count(c => c == "begin"), Is.EqualTo(1), "it is not tried again");
        Assert.That(_backend.Pool.Sealed || _backend.IsCapturing, Is.False);
    }

    [Test]
    public void A_driver_that_is_not_there_is_told()
    {
        _driver.Missing = "this driver has no cuGraphLaunch";
        using var graph = Make();
        graph.Run();
        graph.Run();
        Assert.That(_runs, Is.EqualTo(2));
        Assert.That(_notices.Single(), Does.EndWith("this driver has no cuGraphLaunch"));
    }

    [Test]
    public void A_graph_of_nothing_is_refused()
    {
        _driver.Nodes = 0;
        using var graph = Make();
        graph.Run();
        graph.Run();
        Assert.That(_notices.Single(), Does.EndWith("nothing was launched on the stream"));
    }

    [Test]
    public void A_failing_replay_is_an_error()
    {
        using var graph = Make();
        graph.Run();
        graph.Run();
        _driver.Fails = "launch";
        Assert.That(Assert.Throws<BDenseException>(graph.Run)!.Message, Does.StartWith("cuGraphLaunch: CUDA_ERROR"));
    }

    [TestCase("upload")]
    [TestCase("download")]
    [TestCase("wait")]
    [TestCase("memory")]
    public void What_would_break_a_capture_is_refused_before_the_driver_sees_it(string what)
    {
        using var outside = _backend.Empty(new Shape(4));
        int larger = 100_000;
        using var graph = Make(() =>
        {
            if (what == "upload")
                outside.Upload([1, 2, 3, 4]);
            else if (what == "download")
                outside.ToArray();
            else if (what == "wait")
                _backend.Synchronize();
            else
                _backend.Empty(new Shape(larger *= 2)).Dispose();
        });
        graph.Run();
        graph.Run();
        graph.Run();
        Assert.That(graph.IsCaptured, Is.False);
        Assert.That(_notices.Single(), Does.Contain(what == "memory" ? "memory" : what));
        Assert.That(_runs, Is.EqualTo(4));
    }

    [Test]
    public void An_error_of_the_work_itself_comes_out()
    {
        bool fail = false;
        using var graph = Make(() =>
        {
            if (fail)
                throw new BDenseException("the work fails");
        });
        graph.Run();
        fail = true;
        Assert.That(Assert.Throws<BDenseException>(graph.Run)!.Message, Is.EqualTo("the work fails"));
        fail = false;
        graph.Run();
        Assert.That(graph.IsCaptured, Is.False);
    }

    [Test]
    public void A_device_without_graphs_runs_plainly()
    {
        using var backend = new DryRunBackend { OnNotice = text => _notices.Add(text) };
        int runs = 0;
        using var graph = new StepGraph(backend, "step", () => runs++);
        for (int i = 0; i < 3; i++)
            graph.Run();
        Assert.That((runs, graph.IsCaptured, _notices.Count), Is.EqualTo((3, false, 0)));
    }

    [Test]
    public void The_blocks_of_a_graph_are_its_own_until_it_is_disposed()
    {
        var graph = Make();
        graph.Run();
        long before = _backend.Pool.DeviceAllocations;
        graph.Run();
        Assert.That(_backend.Pool.DeviceAllocations, Is.EqualTo(before), "capturing found what the first run gave back");
        long held = _backend.Pool.CurrentBytes;
        Assert.That(held, Is.GreaterThanOrEqualTo(4000), "they count as in use");
        using (var other = _backend.Empty(new Shape(1000)))
            Assert.That(_backend.Pool.DeviceAllocations, Is.EqualTo(before + 1), "no one else is given them");
        Assert.That(_backend.Pool.CurrentBytes, Is.EqualTo(held));
        graph.Dispose();
        Assert.That(_backend.Pool.CurrentBytes, Is.Zero);
        before = _backend.Pool.DeviceAllocations;
        using Tensor a = _backend.Empty(new Shape(1000)), b = _backend.Empty(new Shape(1000));
        Assert.That(_backend.Pool.DeviceAllocations, Is.EqualTo(before), "both blocks serve everyone again");
    }
}
