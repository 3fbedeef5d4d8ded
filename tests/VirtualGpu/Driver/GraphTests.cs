using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

internal sealed unsafe class GraphTests
{
    [Test]
    public void A_captured_stream_records_and_replays_as_often_as_asked()
    {
        using var rig = new Rig();
        nint fill = rig.Function(Programs.Elements, "fill"), next = rig.Function(Programs.Elements, "next"), stream = rig.Stream();
        ulong y = rig.Allocate(4 * 32), z = rig.Allocate(4 * 32);
        rig.Check(rig.Launch(fill, y, 32, stream: stream));
        rig.Check(rig.Driver.cuStreamSynchronize(stream));
        nint graph = rig.Capture(stream, () =>
        {
            rig.Check(rig.Launch(next, y, 32, stream: stream));
            rig.Check(rig.Driver.cuMemcpyAsync(z, y, 128, stream));
            rig.Check(rig.Driver.cuMemsetD8Async(z, 0, 4, stream));
        });
        Assert.That(rig.Values(y, 32), Is.EqualTo(Enumerable.Range(0, 32)), "nothing ran while it was recorded");
        for (int i = 0; i < 3; i++)
            rig.Check(rig.Driver.cuGraphLaunch(graph, stream));
        Assert.That(rig.Values(z, 32, stream), Is.EqualTo(Enumerable.Range(3, 32).Select((v, i) => i == 0 ? 0 : v)));
        rig.Check(rig.Driver.cuGraphExecDestroy(graph));
        Assert.That(rig.Driver.cuGraphLaunch(graph, stream), Is.EqualTo(CudaResult.InvalidHandle));
    }

    [Test]
    public void Nodes_are_counted_and_named()
    {
        using var rig = new Rig();
        nint next = rig.Function(Programs.Elements, "next"), stream = rig.Stream();
        ulong y = rig.Allocate(128);
        rig.Check(rig.Begin(stream));
        for (int i = 0; i < 3; i++)
            rig.Check(rig.Launch(next, y, 32, stream: stream));
        rig.Check(rig.End(stream, out nint graph));
        Assert.That(rig.Nodes(graph), Is.EqualTo(3));
        nint* nodes = stackalloc nint[4];
        nuint count = 4;
        rig.Check(rig.Driver.cuGraphGetNodes(graph, nodes, &count));
        Assert.That(count, Is.EqualTo((nuint)3));
        Assert.That(new[] { nodes[0], nodes[1], nodes[2] }, Is.Unique.And.All.Not.EqualTo((nint)0));
        Assert.That(nodes[3], Is.EqualTo((nint)0));
        rig.Check(rig.Driver.cuGraphDestroy(graph));
        Assert.That(rig.Driver.cuGraphDestroy(graph), Is.EqualTo(CudaResult.InvalidHandle));
    }

    [Test]
    public void Memory_freed_under_a_graph_is_found_when_it_is_replayed()
    {
        using var rig = new Rig();
        nint fill = rig.Function(Programs.Elements, "fill"), stream = rig.Stream();
        ulong y = rig.Allocate(128);
        nint graph = rig.Capture(stream, () => rig.Check(rig.Launch(fill, y, 32, stream: stream)));
        rig.Check(rig.Driver.cuGraphLaunch(graph, stream));
        rig.Check(rig.Driver.cuStreamSynchronize(stream));
        rig.Check(rig.Driver.cuMemFree_v2(y));
        rig.Check(rig.Driver.cuGraphLaunch(graph, stream));
        Assert.That(rig.Driver.cuStreamSynchronize(stream), Is.EqualTo(CudaResult.IllegalAddress));
        Assert.That(rig.Driver.LastFinding!.Kind, Is.EqualTo(FindingKind.UseAfterFree));
    }

    [Test]
    public void A_graphs_copy_of_freed_memory_is_found_too()
    {
        using var rig = new Rig();
        nint stream = rig.Stream();
        ulong y = rig.Allocate(128), z = rig.Allocate(128);
        nint graph = rig.Capture(stream, () => rig.Check(rig.Driver.cuMemcpyAsync(z, y, 128, stream)));
        rig.Check(rig.Driver.cuMemFree_v2(z));
        rig.Check(rig.Driver.cuGraphLaunch(graph, stream));
        Assert.That(rig.Driver.cuStreamSynchronize(stream), Is.EqualTo(CudaResult.IllegalAddress));
    }

    [Test]
    public void A_graph_whose_module_was_unloaded_does_not_run()
    {
        using var rig = new Rig();
        nint module = rig.Module(Programs.Elements), stream = rig.Stream();
        rig.Check(rig.Function(module, "fill", out nint fill));
        ulong y = rig.Allocate(128);
        nint graph = rig.Capture(stream, () => rig.Check(rig.Launch(fill, y, 32, stream: stream)));
        rig.Check(rig.Driver.cuModuleUnload(module));
        rig.Check(rig.Driver.cuGraphLaunch(graph, stream));
        Assert.That(rig.Driver.cuStreamSynchronize(stream), Is.EqualTo(CudaResult.InvalidHandle));
    }

    // What must not be done while a stream is captured, in which mode, on a stream with which flags, and what it says.
    private static readonly TestCaseData[] Prohibited =
    [
        .. new[] { CaptureMode.Global, CaptureMode.ThreadLocal }.SelectMany(mode => new[]
        {
            Row("cuMemAlloc", mode, CudaResult.StreamCaptureUnsupported, (rig, _, _) => rig.Allocate(4, out _)),
            Row("cuMemFree", mode, CudaResult.StreamCaptureUnsupported, (rig, _, y) => rig.Driver.cuMemFree_v2(y)),
            Row("cuModuleLoadDataEx", mode, CudaResult.StreamCaptureUnsupported, (rig, _, _) => rig.Load(Programs.Elements, out _, out _)),
            Row("cuEventQuery", mode, CudaResult.StreamCaptureUnsupported, (rig, _, _) => rig.Driver.cuEventQuery(rig.Event())),
        }),
        .. Enum.GetValues<CaptureMode>().SelectMany(mode => new[]
        {
            Row("cuStreamSynchronize", mode, CudaResult.StreamCaptureUnsupported,
                (rig, stream, _) => rig.Driver.cuStreamSynchronize(stream)),
            Row("cuStreamQuery", mode, CudaResult.StreamCaptureUnsupported, (rig, stream, _) => rig.Driver.cuStreamQuery(stream)),
            Row("cuCtxSynchronize", mode, CudaResult.StreamCaptureUnsupported, (rig, _, _) => rig.Driver.cuCtxSynchronize()),
            Row("captured event", mode, CudaResult.CapturedEvent, (rig, stream, _) =>
            {
                nint recorded = rig.Event();
                rig.Check(rig.Driver.cuEventRecord(recorded, stream));
                return rig.Driver.cuEventSynchronize(recorded);
            }),
            Row("default stream, blocking", mode, CudaResult.StreamCaptureImplicit,
                (rig, _, y) => rig.Driver.cuMemsetD8Async(y, 0, 4, 0), flags: 0),
        }),
    ];

    private static TestCaseData Row(string name, CaptureMode mode, CudaResult expected, Func<Rig, nint, ulong, CudaResult> call,
        uint flags = 1) =>
        new TestCaseData(mode, expected, call, flags).SetArgDisplayNames($"{name}, {mode}");

    [TestCaseSource(nameof(Prohibited))]
    public void What_must_not_be_done_while_capturing_fails_and_the_capture_with_it(CaptureMode mode, CudaResult expected,
        Func<Rig, nint, ulong, CudaResult> call, uint flags)
    {
        using var rig = new Rig();
        ulong y = rig.Allocate(128);
        nint stream = rig.Stream(flags), fill = rig.Function(Programs.Elements, "fill");
        rig.Check(rig.Begin(stream, mode));
        rig.Check(rig.Launch(fill, y, 32, stream: stream));
        Assert.That(call(rig, stream, y), Is.EqualTo(expected));
        Assert.That(rig.Launch(fill, y, 32, stream: stream), Is.EqualTo(CudaResult.StreamCaptureInvalidated));
        Assert.That(rig.End(stream, out nint graph), Is.EqualTo(CudaResult.StreamCaptureInvalidated));
        Assert.That(graph, Is.EqualTo((nint)0));
        rig.Check(rig.Driver.cuMemFree_v2(y));
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(CudaResult.Success), "the stream can be used again");
        rig.Check(rig.Begin(stream, mode));
        rig.Check(rig.End(stream, out graph));
        Assert.That(rig.Nodes(graph), Is.Zero);
    }

    [Test]
    public void A_relaxed_capture_lets_memory_come_and_go()
    {
        using var rig = new Rig();
        nint stream = rig.Stream(), fill = rig.Function(Programs.Elements, "fill");
        rig.Check(rig.Begin(stream, CaptureMode.Relaxed));
        ulong y = rig.Allocate(128), z = rig.Allocate(128);
        rig.Check(rig.Driver.cuMemFree_v2(z));
        rig.Check(rig.Driver.cuEventQuery(rig.Event()));
        rig.Check(rig.Driver.cuMemsetD8Async(y, 0, 4, 0));
        rig.Check(rig.Launch(fill, y, 32, stream: stream));
        rig.Check(rig.End(stream, out nint graph));
        Assert.That(rig.Nodes(graph), Is.EqualTo(1), "the default stream is none of a non-blocking stream's business");
    }

    [Test]
    public void Other_threads_break_a_global_capture_and_not_a_local_one([Values] CaptureMode mode)
    {
        using var rig = new Rig();
        nint stream = rig.Stream();
        rig.Check(rig.Begin(stream, mode));
        CudaResult there = default;
        var thread = new Thread(() =>
        {
            rig.Check(rig.Driver.cuCtxSetCurrent(rig.Context));
            there = rig.Allocate(4, out _);
        });
        thread.Start();
        thread.Join();
        bool breaks = mode == CaptureMode.Global;
        Assert.That(there, Is.EqualTo(breaks ? CudaResult.StreamCaptureUnsupported : CudaResult.Success));
        Assert.That(rig.End(stream, out _), Is.EqualTo(breaks ? CudaResult.StreamCaptureInvalidated : CudaResult.Success));
    }

    [Test]
    public void Only_a_relaxed_capture_ends_on_another_thread([Values] CaptureMode mode)
    {
        using var rig = new Rig();
        nint stream = rig.Stream();
        rig.Check(rig.Begin(stream, mode));
        CudaResult there = default;
        var thread = new Thread(() =>
        {
            rig.Check(rig.Driver.cuCtxSetCurrent(rig.Context));
            there = rig.End(stream, out _);
        });
        thread.Start();
        thread.Join();
        Assert.That(there, Is.EqualTo(mode == CaptureMode.Relaxed ? CudaResult.Success : CudaResult.StreamCaptureWrongThread));
    }

    [Test]
    public void Captures_begin_and_end_once_and_not_on_the_default_stream()
    {
        using var rig = new Rig();
        nint stream = rig.Stream();
        Assert.That(rig.Begin(0), Is.EqualTo(CudaResult.StreamCaptureUnsupported));
        Assert.That(rig.End(stream, out _), Is.EqualTo(CudaResult.IllegalState));
        rig.Check(rig.Begin(stream));
        Assert.That(rig.Begin(stream), Is.EqualTo(CudaResult.IllegalState));
        rig.Check(rig.End(stream, out _));
        Assert.That(rig.Begin(stream, (CaptureMode)7), Is.EqualTo(CudaResult.InvalidValue));
    }

    [Test]
    public void A_captured_graph_can_be_part_of_another()
    {
        using var rig = new Rig();
        nint next = rig.Function(Programs.Elements, "next"), stream = rig.Stream();
        ulong y = rig.Allocate(128);
        rig.Check(rig.Driver.cuMemsetD8Async(y, 0, 128, stream));
        nint inner = rig.Capture(stream, () => rig.Check(rig.Launch(next, y, 32, stream: stream)));
        nint outer = rig.Capture(stream, () =>
        {
            rig.Check(rig.Driver.cuGraphLaunch(inner, stream));
            rig.Check(rig.Driver.cuGraphLaunch(inner, stream));
        });
        rig.Check(rig.Driver.cuGraphLaunch(outer, stream));
        Assert.That(rig.Values(y, 1, stream), Is.EqualTo(new[] { 2 }));
    }
}
