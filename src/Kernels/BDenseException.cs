namespace BDense.Kernels;

/// <summary>A fault that the person at the keyboard can act on: one line that names the thing and what would be right.</summary>
/// <remarks>The command line prints <see cref="Exception.Message"/> alone and exits with 1; any other exception is a bug.</remarks>
public class BDenseException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A command line or configuration that asks for something that does not exist; exit code 2.</summary>
public sealed class UsageException(string message) : BDenseException(message);

/// <summary>
/// The device has not the memory that was asked for, after the pool's cache was given back. What was rented before is still whole.
/// </summary>
public sealed class DeviceMemoryException(string message) : BDenseException(message);

/// <summary>
/// The device failed under a kernel (a wrong address, an uncorrectable memory error, ...): this process can use it no more.
/// </summary>
/// <param name="where">Device and call.</param>
/// <param name="error">The driver's name for it.</param>
/// <param name="inner">The driver's words.</param>
/// <param name="finding">Where the device knows: which kernel did what, and where; null where it does not.</param>
public sealed class DeviceFaultException(string where, string error, Exception? inner = null, string? finding = null)
    : BDenseException(
        $"{where}: {error}{(inner is null ? "" : $" ({inner.Message})")}: {finding ?? "the device failed under this or an earlier "
            + "kernel; the process has to end, start it again"}", inner)
{
    /// <summary>The driver's name for it: CUDA_ERROR_ILLEGAL_ADDRESS, ...</summary>
    public string Error { get; } = error;
}
