using System.Runtime.InteropServices;
using System.Text;
using BDense.Kernels;

namespace BDense.Processes.Mpi;

/// <summary>What differs between libraries of MPI: handles and constants. Handles are integers or addresses; both fit a register.</summary>
/// <param name="Family">For people.</param>
/// <param name="World">MPI_COMM_WORLD.</param>
/// <param name="Float">MPI_FLOAT.</param>
/// <param name="Byte">MPI_BYTE.</param>
/// <param name="Int">MPI_INT.</param>
/// <param name="Sum">MPI_SUM.</param>
/// <param name="ErrorsReturn">MPI_ERRORS_RETURN: calls tell of a failure instead of ending the process.</param>
/// <param name="InPlace">MPI_IN_PLACE.</param>
/// <param name="IgnoreStatus">MPI_STATUS_IGNORE.</param>
internal sealed record MpiHandles(string Family, nint World, nint Float, nint Byte, nint Int, nint Sum, nint ErrorsReturn, nint InPlace,
    nint IgnoreStatus)
{
    /// <summary>MPICH 3.1 and later, and what has its binary interface: Intel MPI, Cray MPICH, MVAPICH.</summary>
    public static MpiHandles Mpich { get; } =
        new("MPICH", 0x44000000, 0x4c00040a, 0x4c00010d, 0x4c000405, 0x58000003, 0x54000001, -1, 1);

    /// <summary>MPI 5.0, chapter 20: the standard's own binary interface.</summary>
    public static MpiHandles Standard { get; } = new("MPI 5 ABI", 0x101, 0x210, 0x247, 0x209, 0x21, 0x142, 1, 0);

    /// <summary>Open MPI 4 and 5: handles are the addresses of variables that the library exports.</summary>
    public static MpiHandles OpenMpi(nint library)
    {
        nint Of(string name) => NativeLibrary.GetExport(library, name);
        return new("Open MPI", Of("ompi_mpi_comm_world"), Of("ompi_mpi_float"), Of("ompi_mpi_byte"), Of("ompi_mpi_int"),
            Of("ompi_mpi_op_sum"), Of("ompi_mpi_errors_return"), 1, 0);
    }

    /// <summary>As the library's exports tell.</summary>
    public static MpiHandles Of(nint library) =>
        NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _) ? OpenMpi(library)
            // Only libmpi_abi has the standard's handles; MPICH's libmpi has the function as well and its own handles.
            : NativeLibrary.TryGetExport(library, "MPI_Abi_get_version", out _)
                && !NativeLibrary.TryGetExport(library, "MPIR_Dup_fn", out _) ? Standard : Mpich;
}

/// <summary>The system's MPI, through function pointers: no package, no binding of one version.</summary>
internal sealed unsafe class MpiLibrary
{
    private readonly nint _library;

    /// <summary>Names to try, the likeliest first.</summary>
    private static readonly string[] s_openMpi = ["libmpi.so.40", "libmpi.so.80"], s_mpich = ["libmpich.so.12", "libmpi.so.12"],
        s_standard = ["libmpi_abi.so.0", "libmpi_abi.so"];

    private MpiLibrary(nint library, string name)
    {
        (_library, Name, Handles) = (library, name, MpiHandles.Of(library));
        InitThread = (delegate* unmanaged<nint, nint, int, int*, int>)Of("MPI_Init_thread");
        Finalize = (delegate* unmanaged<int>)Of("MPI_Finalize");
        Abort = (delegate* unmanaged<nint, int, int>)Of("MPI_Abort");
        Rank = (delegate* unmanaged<nint, int*, int>)Of("MPI_Comm_rank");
        Size = (delegate* unmanaged<nint, int*, int>)Of("MPI_Comm_size");
        SetErrorHandler = (delegate* unmanaged<nint, nint, int>)Of("MPI_Comm_set_errhandler");
        ErrorString = (delegate* unmanaged<int, byte*, int*, int>)Of("MPI_Error_string");
        LibraryVersion = (delegate* unmanaged<byte*, int*, int>)Of("MPI_Get_library_version");
        BeginBarrier = (delegate* unmanaged<nint, nint*, int>)Of("MPI_Ibarrier");
        BeginBroadcast = (delegate* unmanaged<void*, int, nint, int, nint, nint*, int>)Of("MPI_Ibcast");
        BeginSum = (delegate* unmanaged<nint, void*, int, nint, nint, nint, nint*, int>)Of("MPI_Iallreduce");
        BeginExchange = (delegate* unmanaged<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int>)Of("MPI_Ialltoallv");
        BeginGather = (delegate* unmanaged<nint, int, nint, void*, int*, int*, nint, nint, nint*, int>)Of("MPI_Iallgatherv");
        Test = (delegate* unmanaged<nint*, int*, nint, int>)Of("MPI_Test");
    }

    public string Name { get; }

    public MpiHandles Handles { get; }

    public delegate* unmanaged<nint, nint, int, int*, int> InitThread { get; }
    public delegate* unmanaged<int> Finalize { get; }
    public delegate* unmanaged<nint, int, int> Abort { get; }
    public delegate* unmanaged<nint, int*, int> Rank { get; }
    public delegate* unmanaged<nint, int*, int> Size { get; }
    public delegate* unmanaged<nint, nint, int> SetErrorHandler { get; }
    public delegate* unmanaged<int, byte*, int*, int> ErrorString { get; }
    public delegate* unmanaged<byte*, int*, int> LibraryVersion { get; }
    public delegate* unmanaged<nint, nint*, int> BeginBarrier { get; }
    public delegate* unmanaged<void*, int, nint, int, nint, nint*, int> BeginBroadcast { get; }
    public delegate* unmanaged<nint, void*, int, nint, nint, nint, nint*, int> BeginSum { get; }
    public delegate* unmanaged<void*, int*, int*, nint, void*, int*, int*, nint, nint, nint*, int> BeginExchange { get; }
    public delegate* unmanaged<nint, int, nint, void*, int*, int*, nint, nint, nint*, int> BeginGather { get; }
    public delegate* unmanaged<nint*, int*, nint, int> Test { get; }

    /// <summary>The library whose launcher started this process, else any.</summary>
    /// <param name="launcher">As <see cref="World.Launcher"/> has it.</param>
    /// <exception cref="BDenseException">None is installed: says which were looked for.</exception>
    public static MpiLibrary Load(string? launcher)
    {
        string[] names = launcher == "MPICH" ? [.. s_mpich, .. s_standard] : launcher == "Open MPI" ? [.. s_openMpi, .. s_standard]
            : [.. s_openMpi, .. s_mpich, .. s_standard];
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new MpiLibrary(library, name);
        }
        throw new BDenseException($"no MPI library was found (looked for {string.Join(", ", names)}): on Debian, apt install "
            + (launcher == "MPICH" ? "libmpich12" : "openmpi-bin libopenmpi3, or mpich"));
    }

    /// <summary>The library's own words up to its number: "Open MPI v4.1.4", "MPICH 4.0.2".</summary>
    public string Version()
    {
        byte* text = stackalloc byte[8192];
        int length = 0;
        _ = LibraryVersion(text, &length);
        string first = Encoding.UTF8.GetString(text, Math.Clamp(length, 0, 8191)).Split('\n', ',')[0];
        return string.Join(' ', first.Replace("Version:", " ", StringComparison.Ordinal).Split((char[])['\0', ' ', '\t'],
            StringSplitOptions.RemoveEmptyEntries));
    }

    private nint Of(string name) => NativeLibrary.TryGetExport(_library, name, out nint address) ? address
        : throw new BDenseException($"{Name} has no {name}: MPI 3.1 or later is needed");
}
