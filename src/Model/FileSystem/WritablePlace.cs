using System.Runtime.InteropServices;
using BDense.Kernels;

namespace BDense.Model.FileSystem;

/// <summary>Whether a folder could be made or written, asked without a change to the file system.</summary>
public static class WritablePlace
{
    // Of access(2): W_OK and X_OK, and what it says of a file system that is read-only.
    private const int MayWriteAndEnter = 2 | 1, ReadOnly = 30;

    // What the kernel shows as files takes no folders, whatever the rights.
    private static readonly HashSet<string> s_kernels = ["proc", "sysfs", "cgroupfs", "cgroup2fs", "devpts", "securityfs", "debugfs"];

    /// <summary>The folder, or the nearest above it that is there, can be written.</summary>
    /// <exception cref="BDenseException">It cannot: it is a file, read-only, the system's own, or this user has no right.</exception>
    public static void Require(string folder)
    {
        string? there = Path.GetFullPath(folder);
        while (there is not null && !Path.Exists(there))
            there = Path.GetDirectoryName(there);
        // On Windows rights are known only by trying.
        if (there is null || OperatingSystem.IsWindows())
            return;
        if (!Directory.Exists(there))
            throw new BDenseException($"cannot write {folder}: {there} is a file");
        if (Access(there, MayWriteAndEnter) != 0)
            throw new BDenseException(Marshal.GetLastPInvokeError() == ReadOnly ? $"cannot write {folder}: {there} is read-only"
                : $"cannot write {folder}: permission denied in {there}");
        if (s_kernels.Contains(new DriveInfo(there).DriveFormat))
            throw new BDenseException($"cannot write {folder}: {there} is the system's own, no folder can be made there");
    }

    [DllImport("libc", EntryPoint = "access", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Access([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int mode);
}
