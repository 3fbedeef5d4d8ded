using System.Runtime.InteropServices;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using BDense.VirtualGpu.Driver.Library;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

/// <summary>The native library in front of the driver.</summary>
internal sealed unsafe class LibraryTests
{
    [Test]
    public void Every_function_of_the_driver_is_exported()
    {
        var functions = typeof(VirtualDriver).GetMethods().Where(m => m.Name.StartsWith("cu", StringComparison.Ordinal))
            .Select(m => m.Name);
        Assert.That(Exports.All.Select(e => e.Name), Is.EquivalentTo(functions));
    }

    [Test]
    public void Records_have_the_sizes_of_the_format()
    {
        Assert.That((sizeof(ElfHeader), sizeof(ElfSegment), sizeof(ElfSymbol), sizeof(ElfDynamic)),
            Is.EqualTo((ElfHeader.Bytes, ElfSegment.Bytes, ElfSymbol.Bytes, ElfDynamic.Bytes)));
        Assert.That((ElfHeader.Bytes, ElfSegment.Bytes, ElfSymbol.Bytes, ElfDynamic.Bytes), Is.EqualTo((64, 56, 24, 16)));
    }

    [Test]
    public void The_loader_finds_every_function_and_calls_go_through()
    {
        if (!VirtualLibrary.IsSupported)
            Assert.Ignore("the library is for Linux on x86-64");
        nint library = VirtualLibrary.Load();
        Assert.That(VirtualLibrary.Load(), Is.EqualTo(library), "once");
        foreach (var (name, address) in Exports.All)
        {
            Assert.That(NativeLibrary.TryGetExport(library, name, out nint jump), name);
            Assert.That(jump, Is.Not.EqualTo(address), "the jump, not what it jumps to");
        }
        Assert.That(NativeLibrary.TryGetExport(library, "cuNoSuchCall", out _), Is.False);
        int count, value;
        Assert.That(((delegate* unmanaged<uint, int>)NativeLibrary.GetExport(library, "cuInit"))(0), Is.Zero);
        Assert.That(((delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, "cuDeviceGetCount"))(&count), Is.Zero);
        Assert.That(count, Is.EqualTo(GpuModel.All.Count));
        Assert.That(((delegate* unmanaged<int*, int, int, int>)NativeLibrary.GetExport(library, "cuDeviceGetAttribute"))(&value, 75, 0),
            Is.Zero);
        Assert.That(value, Is.EqualTo(GpuModel.All[0].Major));
        Assert.That(((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "cuCtxSynchronize"))(),
            Is.EqualTo((int)CudaResult.InvalidContext));
        Assert.That(NativeLibrary.TryLoad("libcuda.so.1", out nint real) && real == library, Is.False,
            "nobody who asks for the real driver gets this one");
    }

    [Test]
    public void Its_file_does_not_stay()
    {
        if (!VirtualLibrary.IsSupported)
            Assert.Ignore("the library is for Linux on x86-64");
        VirtualLibrary.Load();
        string[] mapped = [.. File.ReadLines("/proc/self/maps").Where(line => line.Contains("virtual-gpu.so", StringComparison.Ordinal))];
        Assert.That(mapped, Is.Not.Empty.And.All.Contains("(deleted)"));
    }
}
