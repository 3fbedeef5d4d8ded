using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Tests.Journal;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>The backends under test. One that is not on this machine is a reason to skip, not to fail.</summary>
/// <remarks>
/// BDENSE_REQUIRE_DEVICE=cuda (or opencl,cuda) makes it a reason to fail: where the device must be there, skipped tests would look like
/// passed ones.
/// </remarks>
internal static class Backends
{
    private static readonly string[] Required =
        (Environment.GetEnvironmentVariable("BDENSE_REQUIRE_DEVICE") ?? "").Split(',',
            StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Devices that stay open between fixtures, by name.</summary>
    private static readonly Dictionary<string, Backend> Shared = [];

    /// <summary>
    /// A device for a fixture that leaves it as it was. A GPU stays open for the next such fixture: of sixteen processes on one GPU each
    /// waits seconds for a context, and a new one has none of the kernels that were compiled for the last.
    /// </summary>
    public static Lease Borrow(string device)
    {
        if (!DeviceFixtures.IsGpu(device))
            return new Lease(device, Open(device));
        if (device == "cuda" && TestJournal.Fault is { } fault)
            Assert.Ignore(fault);
        if (!Shared.TryGetValue(device, out var backend))
            Shared[device] = backend = Open(device);
        return new Lease(device, backend);
    }

    /// <summary>A backend for the time of a fixture.</summary>
    internal sealed class Lease(string device, Backend backend) : IDisposable
    {
        private Backend _backend = backend;

        /// <summary>After a fault of a device that survives faults, a new one: the tests that follow are not to blame.</summary>
        public Backend Backend
        {
            get
            {
                if (DeviceFixtures.IsVirtual(device) && !Works(_backend))
                {
                    CloseShared();
                    _backend = Borrow(device)._backend;
                }
                return _backend;
            }
        }

        public void Dispose() => Return(_backend);
    }

    private static bool Works(Backend backend)
    {
        try
        {
            backend.Synchronize();
            return true;
        }
        catch (BDenseException)
        {
            return false;
        }
    }

    /// <summary>Where the fixture failed or kept a tensor, the next one gets a new device.</summary>
    private static void Return(Backend backend)
    {
        if (!Shared.ContainsValue(backend))
            backend.Dispose();
        else if (TestContext.CurrentContext.Result.FailCount > 0 || TestJournal.Fault is not null || backend.Pool.CurrentBytes != 0
            || !Clean(backend))
            CloseShared();
    }

    /// <summary>As if it were new; false for a fault of the device that shows only now. The next opening tells of it.</summary>
    private static bool Clean(Backend backend)
    {
        if (!Works(backend))
            return false;
        (backend.OnOp, backend.OnNotice) = (null, null);
        if (backend is IlgpuBackend ilgpu)
            ilgpu.Precision = Precision.Fp32;
        // Blocks of whole networks would be filled with NaN before every small test.
        backend.Pool.Trim();
        return true;
    }

    /// <summary>At the end, and before a device is opened otherwise: no two contexts of one GPU at a time.</summary>
    public static void CloseShared()
    {
        foreach (var backend in Shared.Values)
            backend.Dispose();
        Shared.Clear();
    }

    /// <summary>A device of the fixture's own.</summary>
    public static Backend Open(string device)
    {
        if (DeviceFixtures.IsGpu(device))
            CloseShared();
        // After a fault the process can open no CUDA device; that says nothing about these tests.
        if (device == "cuda" && TestJournal.Fault is { } fault)
            Assert.Ignore(fault);
        try
        {
            return DeviceCatalog.Open(device);
        }
        catch (DeviceFaultException)
        {
            TestJournal.Lost($"some test before {TestContext.CurrentContext.Test.FullName}");
            throw;
        }
        catch (BDenseException e) when (MayBeMissing(device, e, Required))
        {
            Assert.Ignore(e.Message);
            throw;
        }
    }

    /// <summary>Whether an error on opening is a reason to skip.</summary>
    internal static bool MayBeMissing(string device, BDenseException error, string[] required) =>
        DeviceFixtures.IsGpu(device) && !DeviceFixtures.IsVirtual(device) && error is not DeviceFaultException
            && !required.Contains(device);
}
