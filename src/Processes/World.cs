using System.Globalization;
using BDense.Kernels;

namespace BDense.Processes;

/// <summary>What a launcher says of this process.</summary>
/// <param name="Launcher">For people: torchrun, Open MPI, MPICH or SLURM; none for a process that was started by hand.</param>
/// <param name="Rank">This process's number, from 0 on.</param>
/// <param name="Size">How many there are.</param>
/// <param name="LocalRank">Its number on this machine: which of its devices it takes.</param>
/// <param name="LocalSize">How many there are on this machine; null where the launcher does not say.</param>
public sealed record World(string? Launcher, int Rank, int Size, int LocalRank, int? LocalSize)
{
    /// <summary>A process alone.</summary>
    public static World Alone { get; } = new(null, 0, 1, 0, 1);

    private sealed record Dialect(string Launcher, string Rank, string Size, string LocalRank, string LocalSize, string? OnlyWith = null);

    /// <summary>In order: an inner launcher's word counts, and mpirun within a SLURM job sets both.</summary>
    private static readonly Dialect[] s_dialects =
    [
        new("torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"),
        new("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
        new("MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
        // A batch script is no task: it has a rank, too, but no step.
        new("SLURM", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE", OnlyWith: "SLURM_STEP_ID"),
    ];

    /// <summary>As the environment has it.</summary>
    /// <exception cref="BDenseException">A launcher's variables do not fit each other: names them.</exception>
    public static World OfEnvironment() => Of(Environment.GetEnvironmentVariable);

    /// <summary>As <paramref name="variable"/> has it.</summary>
    public static World Of(Func<string, string?> variable)
    {
        foreach (var dialect in s_dialects)
        {
            if (variable(dialect.Rank) is not { } rankText || variable(dialect.Size) is not { } sizeText)
                continue;
            if (dialect.OnlyWith is { } step && !int.TryParse(variable(step), NumberStyles.None, CultureInfo.InvariantCulture, out _))
                continue;
            int size = Number(dialect, dialect.Size, sizeText, 1, int.MaxValue);
            int rank = Number(dialect, dialect.Rank, rankText, 0, size - 1);
            int local = variable(dialect.LocalRank) is { } localText ? Number(dialect, dialect.LocalRank, localText, 0, size - 1) : rank;
            int? localSize = int.TryParse(variable(dialect.LocalSize), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
                && count > local ? count : null;
            return new World(dialect.Launcher, rank, size, local, localSize);
        }
        return Alone;
    }

    private static int Number(Dialect dialect, string name, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n) && n >= least && n <= most ? n
            : throw new BDenseException($"{dialect.Launcher}'s {name} is '{text}', not a number from {least} to {most}");
}
