using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

internal sealed unsafe class ContextTests
{
    [Test]
    public void A_context_is_current_on_its_own_thread_only()
    {
        using var rig = new Rig();
        CudaResult other = default, bound = default;
        var thread = new Thread(() =>
        {
            other = rig.Allocate(4, out _);
            rig.Check(rig.Driver.cuCtxSetCurrent(rig.Context));
            bound = rig.Allocate(4, out _);
        });
        thread.Start();
        thread.Join();
        Assert.That(other, Is.EqualTo(CudaResult.InvalidContext));
        Assert.That(bound, Is.EqualTo(CudaResult.Success));
        rig.Check(rig.Driver.cuCtxSetCurrent(0));
        Assert.That(rig.Allocate(4, out _), Is.EqualTo(CudaResult.InvalidContext));
        Assert.That(rig.Driver.cuStreamSynchronize(0), Is.EqualTo(CudaResult.InvalidContext));
    }

    [Test]
    public void What_was_no_context_cannot_be_made_current_or_destroyed()
    {
        using var rig = new Rig();
        Assert.That(rig.Driver.cuCtxSetCurrent(4242), Is.EqualTo(CudaResult.InvalidContext));
        Assert.That(rig.Driver.cuCtxDestroy_v2(rig.Stream()), Is.EqualTo(CudaResult.InvalidContext));
        nint current;
        rig.Check(rig.Driver.cuCtxGetCurrent(&current));
        Assert.That(current, Is.EqualTo(rig.Context));
    }

    [Test]
    public void A_destroyed_context_takes_everything_with_it()
    {
        using var rig = new Rig();
        nuint before, after, total;
        rig.Check(rig.Driver.cuMemGetInfo_v2(&before, &total));
        nint second = rig.NewContext();
        nint stream = rig.Stream();
        rig.Allocate(1 << 20);
        rig.Check(rig.Driver.cuCtxDestroy_v2(second));
        rig.Check(rig.Driver.cuMemGetInfo_v2(&after, &total));
        Assert.That(after, Is.EqualTo(before), "the first is current again, and the memory is back");
        Assert.That(rig.Driver.cuStreamSynchronize(stream), Is.EqualTo(CudaResult.InvalidHandle));
        Assert.That(rig.Driver.cuCtxSetCurrent(second), Is.EqualTo(CudaResult.InvalidContext));
    }

    [Test]
    public void A_thread_whose_context_another_destroyed_is_told()
    {
        using var rig = new Rig();
        var thread = new Thread(() => rig.Check(rig.Driver.cuCtxDestroy_v2(rig.Context)));
        thread.Start();
        thread.Join();
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(CudaResult.ContextIsDestroyed));
    }

    [Test]
    public void Handles_of_one_context_are_none_in_another()
    {
        using var rig = new Rig();
        nint stream = rig.Stream(), function = rig.Function(Programs.Elements, "fill");
        rig.NewContext(device: 1);
        Assert.That(rig.Driver.cuStreamSynchronize(stream), Is.EqualTo(CudaResult.InvalidHandle));
        Assert.That(rig.Launch(function, 0, 0), Is.EqualTo(CudaResult.InvalidHandle));
        Assert.That(rig.Driver.cuStreamSynchronize(987654), Is.EqualTo(CudaResult.InvalidHandle));
    }

    // What a kernel does, what every later call says, and what the finding tells.
    private static readonly TestCaseData[] Faults =
    [
        new TestCaseData("fill", 65, CudaResult.IllegalAddress, FindingKind.OutOfBounds),
        new TestCaseData("misaligned", 32, CudaResult.MisalignedAddress, FindingKind.Misaligned),
        new TestCaseData("parting", 32, CudaResult.LaunchFailed, FindingKind.DivergentUniform),
        new TestCaseData("endless", 32, CudaResult.LaunchTimeout, FindingKind.Endless),
        new TestCaseData("next", 32, CudaResult.LaunchFailed, FindingKind.Unwritten),
    ];

    [TestCaseSource(nameof(Faults))]
    public void A_kernels_fault_is_every_later_calls_error_until_the_context_is_destroyed(string kernel, int n, CudaResult expected,
        FindingKind kind)
    {
        using var rig = new Rig(new GpuOptions(InstructionLimit: 10_000));
        ulong y = rig.Allocate(4 * 64);
        nint function = rig.Function(kernel is "fill" or "next" ? Programs.Elements : Programs.Faulty, kernel), stream = rig.Stream();
        rig.Check(rig.Launch(function, y, n, blocks: 3, stream: stream));
        Assert.That(rig.Driver.cuStreamSynchronize(stream), Is.EqualTo(expected), rig.Driver.LastFinding?.ToString());
        Assert.That(rig.Driver.LastFinding!.Kind, Is.EqualTo(kind));
        Assert.That(rig.Driver.LastFinding.Kernel, Is.EqualTo(kernel));
        Assert.That(rig.Driver.LastFinding.Place, Is.Not.Null);

        nuint free;
        Assert.That(rig.Driver.cuStreamSynchronize(0), Is.EqualTo(expected));
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(expected));
        Assert.That(rig.Allocate(4, out _), Is.EqualTo(expected));
        Assert.That(rig.Driver.cuMemFree_v2(y), Is.EqualTo(expected));
        Assert.That(rig.Download(y, new int[1]), Is.EqualTo(expected));
        Assert.That(rig.Launch(function, y, 1), Is.EqualTo(expected));
        Assert.That(rig.Driver.cuMemGetInfo_v2(&free, &free), Is.EqualTo(expected));

        rig.Check(rig.Driver.cuCtxDestroy_v2(rig.Context));
        rig.NewContext();
        ulong again = rig.Allocate(4 * 64);
        rig.Check(rig.Launch(rig.Function(Programs.Elements, "fill"), again, 32));
        Assert.That(rig.Values(again, 32), Is.EqualTo(Enumerable.Range(0, 32)), "a new context works");
    }

    [Test]
    public void A_fault_is_one_contexts_own()
    {
        using var rig = new Rig();
        nint faulty = rig.NewContext();
        rig.Check(rig.Launch(rig.Function(Programs.Elements, "fill"), rig.Allocate(4), 32));
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(CudaResult.IllegalAddress));
        rig.Check(rig.Driver.cuCtxSetCurrent(rig.Context));
        Assert.That(rig.Allocate(4, out _), Is.EqualTo(CudaResult.Success));
        rig.Check(rig.Driver.cuCtxDestroy_v2(faulty));
    }
}
