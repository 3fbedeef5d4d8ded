using System.Runtime.InteropServices;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

internal sealed unsafe class MemoryTests
{
    [Test]
    public void What_is_copied_in_is_copied_out()
    {
        using var rig = new Rig();
        ulong a = rig.Allocate(40), b = rig.Allocate(40);
        int[] values = [.. Enumerable.Range(3, 10)];
        rig.Check(rig.Upload(a, values));
        rig.Check(rig.Driver.cuMemcpyAsync(b, a, 40, 0));
        rig.Check(rig.Driver.cuMemsetD8Async(b + 4, 0xff, 8, 0));
        Assert.That(rig.Values(b, 10), Is.EqualTo(new[] { 3, -1, -1, 6, 7, 8, 9, 10, 11, 12 }));
        Assert.That(rig.Values(a, 10), Is.EqualTo(values));
    }

    [Test]
    public void Copies_and_memsets_stay_in_one_allocation()
    {
        using var rig = new Rig();
        ulong a = rig.Allocate(40);
        Assert.That(rig.Upload(a, new int[11]), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Download(a + 4, new int[10]), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.cuMemsetD8Async(a, 0, 41, 0), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.cuMemsetD8Async(12345, 0, 4, 0), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Upload(0, new int[1]), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.cuMemcpyAsync(0, 0, 0, 0), Is.EqualTo(CudaResult.Success), "nothing to copy");
    }

    [Test]
    public void Memory_is_freed_once_and_by_its_first_address()
    {
        using var rig = new Rig();
        ulong a = rig.Allocate(40);
        Assert.That(rig.Driver.cuMemFree_v2(a + 4), Is.EqualTo(CudaResult.InvalidValue));
        rig.Check(rig.Driver.cuMemFree_v2(a));
        Assert.That(rig.Driver.cuMemFree_v2(a), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Driver.cuMemFree_v2(0), Is.EqualTo(CudaResult.Success));
        Assert.That(rig.Upload(a, new int[1]), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(rig.Allocate(0, out _), Is.EqualTo(CudaResult.InvalidValue));
    }

    [Test]
    public void Memory_runs_out()
    {
        using var rig = new Rig();
        nuint free, total;
        Assert.That(rig.Allocate(GpuModel.H100.MemoryBytes + 512, out _), Is.EqualTo(CudaResult.OutOfMemory));
        rig.Check(rig.Driver.cuMemGetInfo_v2(&free, &total));
        Assert.That((free, total), Is.EqualTo(((nuint)GpuModel.H100.MemoryBytes, (nuint)GpuModel.H100.MemoryBytes)));
        rig.Allocate(1 << 20);
        rig.Check(rig.Driver.cuMemGetInfo_v2(&free, &total));
        Assert.That(total - free, Is.EqualTo((nuint)(1 << 20)));
        Assert.That(rig.Allocate(GpuModel.H100.MemoryBytes, out _), Is.EqualTo(CudaResult.OutOfMemory), "no error that stays");
        rig.Allocate(4);
    }

    [Test]
    public void Freeing_waits_for_the_kernels_that_may_use_it()
    {
        using var rig = new Rig();
        ulong y = rig.Allocate(4 * 32);
        nint fill = rig.Function(Programs.Elements, "fill");
        CudaResult freed = default;
        var free = new Thread(() =>
        {
            rig.Check(rig.Driver.cuCtxSetCurrent(rig.Context));
            freed = rig.Driver.cuMemFree_v2(y);
        });
        using (rig.Busy())
        {
            rig.Check(rig.Launch(fill, y, 32));
            free.Start();
        }
        free.Join();
        Assert.That(freed, Is.EqualTo(CudaResult.Success));
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(CudaResult.Success));
    }

    [Test]
    public void Bytes_that_nobody_wrote_do_not_go_to_the_host()
    {
        using var rig = new Rig();
        ulong a = rig.Allocate(40), b = rig.Allocate(40);
        rig.Check(rig.Upload(a, new int[9]));
        rig.Check(rig.Driver.cuMemcpyAsync(b, a, 40, 0));
        rig.Check(rig.Download(b, new int[9]));
        Assert.That(rig.Download(b, new int[10]), Is.EqualTo(CudaResult.LaunchFailed), "a copy is not a write");
        Assert.That(rig.Driver.LastFinding!.Kind, Is.EqualTo(FindingKind.Unwritten));
    }

    [Test]
    public void A_kernel_that_uses_freed_memory_is_found()
    {
        using var rig = new Rig();
        ulong y = rig.Allocate(4 * 32);
        rig.Check(rig.Driver.cuMemFree_v2(y));
        rig.Check(rig.Launch(rig.Function(Programs.Elements, "fill"), y, 32));
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(CudaResult.IllegalAddress));
        Assert.That(rig.Driver.LastFinding!.Kind, Is.EqualTo(FindingKind.UseAfterFree));
    }

    [Test]
    public void Pageable_memory_is_read_during_the_call_and_page_locked_memory_when_its_turn_comes()
    {
        using var rig = new Rig();
        ulong y = rig.Allocate(4 * 32), z = rig.Allocate(4);
        nint fill = rig.Function(Programs.Elements, "fill"), locked;
        rig.Check(rig.Driver.cuMemAllocHost_v2(&locked, 4));
        int[] pageable = [7];
        *(int*)locked = 7;
        using (rig.Busy())
        {
            rig.Check(rig.Launch(fill, y, 32));
            rig.Check(rig.Upload(y, pageable));
            rig.Check(rig.Driver.cuMemcpyAsync(z, (ulong)locked, 4, 0));
            (pageable[0], *(int*)locked) = (8, 8);
        }
        Assert.That(rig.Values(y, 1), Is.EqualTo(new[] { 7 }));
        Assert.That(rig.Values(z, 1), Is.EqualTo(new[] { 8 }));
        rig.Check(rig.Driver.cuMemFreeHost(locked));
        Assert.That(rig.Driver.cuMemFreeHost(locked), Is.EqualTo(CudaResult.InvalidValue));
    }

    [Test]
    public void A_large_copy_from_pageable_memory_waits_until_it_was_read()
    {
        using var rig = new Rig();
        int[] values = [.. Enumerable.Range(0, 50_000)];
        ulong y = rig.Allocate(4 * values.Length);
        rig.Check(rig.Upload(y, values));
        Array.Clear(values);
        Assert.That(rig.Values(y, values.Length), Is.EqualTo(Enumerable.Range(0, values.Length)));
    }

    [Test]
    public void Host_memory_is_registered_once()
    {
        using var rig = new Rig();
        void* host = NativeMemory.Alloc(8192);
        rig.Check(rig.Driver.cuMemHostRegister_v2((nint)host, 8192, 0));
        Assert.That(rig.Driver.cuMemHostRegister_v2((nint)host + 4096, 8192, 0), Is.EqualTo(CudaResult.HostMemoryAlreadyRegistered));
        ulong device;
        Assert.That(rig.Driver.cuMemHostGetDevicePointer_v2(&device, (nint)host, 0), Is.EqualTo(CudaResult.NotSupported));
        rig.Check(rig.Driver.cuMemHostUnregister((nint)host));
        Assert.That(rig.Driver.cuMemHostUnregister((nint)host), Is.EqualTo(CudaResult.HostMemoryNotRegistered));
        NativeMemory.Free(host);
    }

    [Test]
    public void Pointers_are_told_apart()
    {
        using var rig = new Rig();
        ulong a = rig.Allocate(100), value;
        nint locked;
        int type;
        rig.Check(rig.Driver.cuMemAllocHost_v2(&locked, 4));
        rig.Check(rig.Driver.cuPointerGetAttribute(&type, 2, a + 50));
        Assert.That(type, Is.EqualTo(2), "the device's");
        rig.Check(rig.Driver.cuPointerGetAttribute(&type, 2, (ulong)locked));
        Assert.That(type, Is.EqualTo(1), "the host's");
        rig.Check(rig.Driver.cuPointerGetAttribute(&value, 11, a + 50));
        Assert.That(value, Is.EqualTo(a));
        rig.Check(rig.Driver.cuPointerGetAttribute(&value, 12, a + 50));
        Assert.That(value, Is.EqualTo(100));
        Assert.That(rig.Driver.cuPointerGetAttribute(&type, 2, (ulong)&type), Is.EqualTo(CudaResult.InvalidValue), "pageable memory");
    }
}
