using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace BDense.VirtualGpu.Driver;

/// <content>Devices: what needs no context.</content>
public sealed unsafe partial class VirtualDriver
{
    /// <summary>CUDA 12.8: PTX up to 8.7.</summary>
    public const int Version = 12080;

    public CudaResult cuInit(uint flags) => Call(initialised: false, body: () =>
    {
        Require(flags == 0);
        _initialised = true;
        return CudaResult.Success;
    });

    /// <summary>Needs no cuInit.</summary>
    public CudaResult cuDriverGetVersion(int* version) => Call(initialised: false, body: () =>
    {
        Require(version != null);
        *version = Version;
        return CudaResult.Success;
    });

    public CudaResult cuDeviceGetCount(int* count) => Call(() =>
    {
        Require(count != null);
        *count = _devices.Length;
        return CudaResult.Success;
    });

    public CudaResult cuDeviceGet(int* device, int ordinal) => Call(() =>
    {
        Require(device != null);
        *device = Device(ordinal).Ordinal;
        return CudaResult.Success;
    });

    public CudaResult cuDeviceGetName(byte* name, int length, int device) => Call(() => Text(Device(device).Gpu.Model.Name, name, length));

    public CudaResult cuDeviceTotalMem_v2(nuint* bytes, int device) => Call(() =>
    {
        Require(bytes != null);
        *bytes = (nuint)Device(device).Gpu.Model.MemoryBytes;
        return CudaResult.Success;
    });

    /// <summary>See <see cref="DeviceAttributes"/>; a number that is none of them is CUDA_ERROR_INVALID_VALUE.</summary>
    public CudaResult cuDeviceGetAttribute(int* value, int attribute, int device) => Call(() =>
    {
        var chosen = Device(device);
        Require(value != null);
        int? known = DeviceAttributes.Value(attribute, chosen.Gpu.Model, chosen.Ordinal);
        Require(known is not null);
        *value = known!.Value;
        return CudaResult.Success;
    });

    /// <summary>A bus that exists nowhere: domain FFFF.</summary>
    public CudaResult cuDeviceGetPCIBusId(byte* text, int length, int device) =>
        Call(() => Text(string.Create(CultureInfo.InvariantCulture, $"FFFF:{Device(device).Ordinal + 1:X2}:00.0"), text, length));

    /// <summary>16 bytes, the same in every process: a digest of the model's name.</summary>
    public CudaResult cuDeviceGetUuid_v2(byte* uuid, int device) => Call(() =>
    {
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(Device(device).Gpu.Model.Name));
        Require(uuid != null);
        digest.AsSpan(0, 16).CopyTo(new Span<byte>(uuid, 16));
        return CudaResult.Success;
    });

    private DriverDevice Device(int ordinal) =>
        ordinal >= 0 && ordinal < _devices.Length ? _devices[ordinal] : throw new DriverRefusal(CudaResult.InvalidDevice);

    /// <summary>As much of a text as fits, and a zero.</summary>
    private static CudaResult Text(string text, byte* to, int length)
    {
        Require(to != null && length > 0);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int count = Math.Min(bytes.Length, length - 1);
        bytes.AsSpan(0, count).CopyTo(new Span<byte>(to, count));
        to[count] = 0;
        return CudaResult.Success;
    }
}
