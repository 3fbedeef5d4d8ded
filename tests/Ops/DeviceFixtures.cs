using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>What fixtures over devices are given: each kind of device, its category, and which device it is for CUDA.</summary>
/// <remarks>
/// BDENSE_CUDA=virtual (or virtual:a100) puts the virtual GPU in CUDA's place: a process has one CUDA driver, and fixtures' names then
/// say <c>virtual</c>. tests/virtual.runsettings sets it.
/// </remarks>
internal static class DeviceFixtures
{
    /// <summary>As <c>--device</c> takes it.</summary>
    public static string CudaDevice { get; } = Environment.GetEnvironmentVariable("BDENSE_CUDA") is { Length: > 0 } asked ? asked : "cuda";

    /// <summary>Whether a fault of the device leaves the process able to open it again, as no real GPU does.</summary>
    public static bool SurvivesFaults { get; } = IsVirtual(CudaDevice);

    /// <summary>The CUDA device alone.</summary>
    public static IEnumerable<TestFixtureData> Cuda { get; } = [On(CudaDevice)];

    /// <summary>The managed reference and the GPUs.</summary>
    public static IEnumerable<TestFixtureData> CpuAndGpus { get; } = [On("cpu"), On("opencl"), On(CudaDevice)];

    /// <summary>ILGPU's three kinds of device.</summary>
    public static IEnumerable<TestFixtureData> Ilgpu { get; } = [On("ilgpu-cpu"), On("opencl"), On(CudaDevice)];

    /// <summary>Every kind.</summary>
    public static IEnumerable<TestFixtureData> All { get; } = [On("cpu"), .. Ilgpu];

    /// <summary>A device, with further arguments of the fixture behind its name.</summary>
    public static TestFixtureData On(string device, params object[] others)
    {
        var fixture = new TestFixtureData([device, .. others]);
        if (IsCuda(device))
            fixture.Properties.Add("Category", "CUDA");
        else if (device == "opencl")
            fixture.Properties.Add("Category", "OpenCL");
        return fixture;
    }

    public static bool IsVirtual(string device) => device.Split(':')[0] == "virtual";

    public static bool IsCuda(string device) => device == "cuda" || IsVirtual(device);

    /// <summary>A device that may not be on this machine, and takes seconds to open.</summary>
    public static bool IsGpu(string device) => device == "opencl" || IsCuda(device);
}
