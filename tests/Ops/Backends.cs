using BDense.Kernels;
using BDense.Tests.Journal;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>The backends under test. One that is not on this machine is a reason to skip, not to fail.</summary>
/// <remarks>BDENSE_REQUIRE_DEVICE=cuda (or opencl,cuda) makes it a reason to fail: where the device must be there, skipped tests would look like passed ones.</remarks>
internal static class Backends
{
    private static readonly string[] Required =
        (Environment.GetEnvironmentVariable("BDENSE_REQUIRE_DEVICE") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public static Backend Open(string device)
    {
        // After a fault the process can open no CUDA device; that says nothing about these tests.
        if (device == "cuda" && TestJournal.Fault is { } fault)
            Assert.Ignore(fault);
        try
        {
            return Devices.Open(device);
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
        device is "opencl" or "cuda" && error is not DeviceFaultException && !required.Contains(device);
}
