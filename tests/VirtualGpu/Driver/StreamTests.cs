using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

internal sealed unsafe class StreamTests
{
    [Test]
    public void Work_is_done_in_order()
    {
        using var rig = new Rig();
        nint fill = rig.Function(Programs.Elements, "fill"), next = rig.Function(Programs.Elements, "next"), stream = rig.Stream();
        ulong y = rig.Allocate(4 * 64);
        rig.Check(rig.Launch(fill, y, 64, blocks: 2, stream: stream));
        for (int i = 0; i < 50; i++)
            rig.Check(rig.Launch(next, y, 64, blocks: 2, stream: stream));
        Assert.That(rig.Values(y, 64, stream), Is.EqualTo(Enumerable.Range(50, 64)));
    }

    [Test]
    public void An_event_is_not_ready_before_its_time_and_measures_it_then()
    {
        using var rig = new Rig();
        nint fill = rig.Function(Programs.Elements, "fill"), stream = rig.Stream(), start = rig.Event(), end = rig.Event();
        ulong y = rig.Allocate(4 * 32);
        float milliseconds;
        Assert.That(rig.Driver.cuEventQuery(end), Is.EqualTo(CudaResult.Success), "nothing to wait for");
        Assert.That(rig.Driver.cuEventElapsedTime(&milliseconds, start, end), Is.EqualTo(CudaResult.InvalidHandle), "never recorded");
        using (rig.Busy())
        {
            rig.Check(rig.Driver.cuEventRecord(start, stream));
            rig.Check(rig.Launch(fill, y, 32, stream: stream));
            rig.Check(rig.Driver.cuEventRecord(end, stream));
            Assert.That(rig.Driver.cuEventQuery(end), Is.EqualTo(CudaResult.NotReady));
            Assert.That(rig.Driver.cuStreamQuery(stream), Is.EqualTo(CudaResult.NotReady));
            Assert.That(rig.Driver.cuEventElapsedTime(&milliseconds, start, end), Is.EqualTo(CudaResult.NotReady));
        }
        rig.Check(rig.Driver.cuEventSynchronize(end));
        Assert.That(rig.Driver.cuEventQuery(end), Is.EqualTo(CudaResult.Success));
        rig.Check(rig.Driver.cuEventElapsedTime(&milliseconds, start, end));
        Assert.That(milliseconds, Is.Positive);
        rig.Check(rig.Driver.cuEventElapsedTime(&milliseconds, end, start));
        Assert.That(milliseconds, Is.Negative);
    }

    [Test]
    public void An_event_without_timing_tells_no_time()
    {
        using var rig = new Rig();
        nint plain = rig.Event(), untimed = rig.Event(flags: 2);
        float milliseconds;
        rig.Check(rig.Driver.cuEventRecord(plain, 0));
        rig.Check(rig.Driver.cuEventRecord(untimed, 0));
        rig.Check(rig.Driver.cuEventSynchronize(untimed));
        Assert.That(rig.Driver.cuEventElapsedTime(&milliseconds, plain, untimed), Is.EqualTo(CudaResult.InvalidHandle));
    }

    [Test]
    public void What_was_destroyed_is_no_handle()
    {
        using var rig = new Rig();
        nint stream = rig.Stream(), recorded = rig.Event();
        rig.Check(rig.Driver.cuStreamDestroy_v2(stream));
        rig.Check(rig.Driver.cuEventDestroy_v2(recorded));
        Assert.That(rig.Driver.cuStreamSynchronize(stream), Is.EqualTo(CudaResult.InvalidHandle));
        Assert.That(rig.Driver.cuStreamDestroy_v2(stream), Is.EqualTo(CudaResult.InvalidHandle));
        Assert.That(rig.Driver.cuStreamDestroy_v2(0), Is.EqualTo(CudaResult.InvalidHandle), "the default stream stays");
        Assert.That(rig.Driver.cuEventRecord(recorded, 0), Is.EqualTo(CudaResult.InvalidHandle));
        nint other;
        Assert.That(rig.Driver.cuStreamCreate(&other, 2), Is.EqualTo(CudaResult.InvalidValue));
    }

    [Test]
    public void Another_thread_can_ask_while_one_waits()
    {
        using var rig = new Rig();
        nint stream = rig.Stream(), end = rig.Event(), fill = rig.Function(Programs.Elements, "fill");
        ulong y = rig.Allocate(4 * 32);
        CudaResult waited = default;
        var waiter = new Thread(() =>
        {
            rig.Check(rig.Driver.cuCtxSetCurrent(rig.Context));
            waited = rig.Driver.cuStreamSynchronize(stream);
        });
        using (rig.Busy())
        {
            rig.Check(rig.Launch(fill, y, 32, stream: stream));
            rig.Check(rig.Driver.cuEventRecord(end, stream));
            waiter.Start();
            Assert.That(rig.Driver.cuEventQuery(end), Is.EqualTo(CudaResult.NotReady));
        }
        waiter.Join();
        Assert.That(waited, Is.EqualTo(CudaResult.Success));
        Assert.That(rig.Driver.cuEventQuery(end), Is.EqualTo(CudaResult.Success));
    }
}
