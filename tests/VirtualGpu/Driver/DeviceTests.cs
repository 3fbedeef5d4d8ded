using System.Runtime.InteropServices;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Driver;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Driver;

internal sealed unsafe class DeviceTests
{
    [Test]
    public void Before_cuInit_nothing_is_done_but_telling_version_and_errors()
    {
        using var rig = new Rig(context: false);
        int count, version;
        nint context;
        Assert.That(rig.Driver.cuDeviceGetCount(&count), Is.EqualTo(CudaResult.NotInitialized));
        Assert.That(rig.Driver.cuCtxCreate_v2(&context, 0, 0), Is.EqualTo(CudaResult.NotInitialized));
        Assert.That(rig.Driver.cuCtxSynchronize(), Is.EqualTo(CudaResult.NotInitialized));
        Assert.That(rig.Driver.cuDriverGetVersion(&version), Is.EqualTo(CudaResult.Success));
        Assert.That(version, Is.EqualTo(12080));
        Assert.That(rig.NameOf(CudaResult.NotInitialized), Is.EqualTo("CUDA_ERROR_NOT_INITIALIZED"));
        Assert.That(rig.Driver.cuInit(1), Is.EqualTo(CudaResult.InvalidValue), "flags are reserved");
        Assert.That(rig.Driver.cuInit(0), Is.EqualTo(CudaResult.Success));
        Assert.That(rig.Driver.cuDeviceGetCount(&count), Is.EqualTo(CudaResult.Success));
        Assert.That(count, Is.EqualTo(2));
    }

    [Test]
    public void Devices_have_their_models_figures()
    {
        using var rig = new Rig(context: false);
        rig.Check(rig.Driver.cuInit(0));
        int device, value;
        nuint bytes;
        byte* name = stackalloc byte[64];
        rig.Check(rig.Driver.cuDeviceGet(&device, 1));
        rig.Check(rig.Driver.cuDeviceGetName(name, 64, device));
        Assert.That(Marshal.PtrToStringUTF8((nint)name), Is.EqualTo(GpuModel.A100.Name));
        rig.Check(rig.Driver.cuDeviceGetName(name, 4, device));
        Assert.That(Marshal.PtrToStringUTF8((nint)name), Is.EqualTo(GpuModel.A100.Name[..3]), "as much as fits");
        rig.Check(rig.Driver.cuDeviceTotalMem_v2(&bytes, device));
        Assert.That(bytes, Is.EqualTo((nuint)GpuModel.A100.MemoryBytes));
        foreach (var (attribute, expected) in new[] { (16, 108), (75, 8), (76, 0), (97, 163 << 10), (8, 48 << 10), (39, 2048), (4, 64) })
        {
            rig.Check(rig.Driver.cuDeviceGetAttribute(&value, attribute, device));
            Assert.That(value, Is.EqualTo(expected), $"attribute {attribute}");
        }
        rig.Check(rig.Driver.cuDeviceGetPCIBusId(name, 64, device));
        Assert.That(Marshal.PtrToStringUTF8((nint)name), Is.EqualTo("FFFF:02:00.0"));
    }

    [Test]
    public void Every_attribute_that_ILGPU_asks_is_known()
    {
        using var rig = new Rig(context: false);
        rig.Check(rig.Driver.cuInit(0));
        int value;
        foreach (int attribute in new[] { 13, 10, 16, 39, 35, 75, 76, 5, 6, 7, 2, 3, 4, 1, 8, 81, 9, 36, 37, 38, 82, 12, 11, 40, 32, 83, 90,
            19, 91, 50, 33, 34, 97 })
            Assert.That(rig.Driver.cuDeviceGetAttribute(&value, attribute, 0), Is.EqualTo(CudaResult.Success), $"{attribute}");
        Assert.That(rig.Driver.cuDeviceGetAttribute(&value, 12345, 0), Is.EqualTo(CudaResult.InvalidValue));
    }

    [TestCase(2), TestCase(-1)]
    public void A_device_that_is_not_there_is_refused(int device)
    {
        using var rig = new Rig(context: false);
        rig.Check(rig.Driver.cuInit(0));
        int value;
        nint context;
        Assert.That(rig.Driver.cuDeviceGet(&value, device), Is.EqualTo(CudaResult.InvalidDevice));
        Assert.That(rig.Driver.cuDeviceGetAttribute(&value, 1, device), Is.EqualTo(CudaResult.InvalidDevice));
        Assert.That(rig.Driver.cuCtxCreate_v2(&context, 0, device), Is.EqualTo(CudaResult.InvalidDevice));
    }

    [Test]
    public void Errors_have_the_names_and_numbers_of_cuda_h()
    {
        using var rig = new Rig(context: false);
        foreach (var (number, name) in new[] { (0, "CUDA_SUCCESS"), (2, "CUDA_ERROR_OUT_OF_MEMORY"), (700, "CUDA_ERROR_ILLEGAL_ADDRESS"),
            (716, "CUDA_ERROR_MISALIGNED_ADDRESS"),
            (719, "CUDA_ERROR_LAUNCH_FAILED"), (702, "CUDA_ERROR_LAUNCH_TIMEOUT"), (901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"),
            (906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT") })
        {
            Assert.That(rig.NameOf((CudaResult)number), Is.EqualTo(name));
        }
        byte* text;
        Assert.That(rig.Driver.cuGetErrorString(CudaResult.IllegalAddress, &text), Is.EqualTo(CudaResult.Success));
        Assert.That(Marshal.PtrToStringUTF8((nint)text), Is.EqualTo("an illegal memory access was encountered"));
        Assert.That(rig.Driver.cuGetErrorString((CudaResult)424242, &text), Is.EqualTo(CudaResult.InvalidValue));
        Assert.That(text == null);
        foreach (var result in Enum.GetValues<CudaResult>())
            Assert.That(CudaResults.Name(result), Does.StartWith("CUDA_"), $"{result}");
    }
}
