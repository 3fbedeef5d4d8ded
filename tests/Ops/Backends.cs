using BDense.Kernels;
using BDense.Tests.Cases;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>The backends under test. One that is not on this machine is a reason to skip, not to fail.</summary>
internal static class Backends
{
    public static Backend Open(string device)
    {
        try
        {
            return Devices.Open(device);
        }
        catch (BDenseException e) when (device is "opencl" or "cuda")
        {
            Assert.Ignore(e.Message);
            throw;
        }
    }

    /// <summary>Runs a case. Skips while a backend still lacks the operation; goes with the last Pending.cs.</summary>
    public static void Run(Backend backend, OpCase row, Tensor[] operands)
    {
        try
        {
            row.Run(backend, operands);
        }
        catch (NotSupportedException)
        {
            Assert.Ignore($"{row.Op} is not written yet");
        }
    }
}
