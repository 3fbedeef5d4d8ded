using BDense.Kernels;
using BDense.Processes;
using NUnit.Framework;

namespace BDense.Tests.Processes;

/// <summary>What launchers set, as their manuals have it, and what is refused.</summary>
public sealed class WorldTests
{
    private static World Of(string variables)
    {
        var set = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(one => one.Split('='))
            .ToDictionary(one => one[0], one => one[1]);
        return World.Of(name => set.GetValueOrDefault(name));
    }

    [TestCase("", null, 0, 1, 0, 1)]
    [TestCase("RANK=3 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=1", "torchrun", 3, 8, 1, 2)]
    [TestCase("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=4", "Open MPI",
        1, 4, 1, 4)]
    [TestCase("PMI_RANK=2 PMI_SIZE=3 MPI_LOCALRANKID=0 MPI_LOCALNRANKS=1", "MPICH", 2, 3, 0, 1)]
    [TestCase("SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_STEP_ID=0", "SLURM", 5, 8, 1, null)]
    // A batch script, which is no task of srun's.
    [TestCase("SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_LOCALID=0", null, 0, 1, 0, 1)]
    // mpirun within a job of SLURM's.
    [TestCase("SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_STEP_ID=0 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "Open MPI", 1, 2, 1, null)]
    // Something else's RANK.
    [TestCase("RANK=1", null, 0, 1, 0, 1)]
    public void A_launcher_says_who_this_is(string variables, string? launcher, int rank, int size, int local, int? localSize) =>
        Assert.That(Of(variables), Is.EqualTo(new World(launcher, rank, size, local, localSize)));

    [TestCase("RANK=2 WORLD_SIZE=2", "torchrun's RANK is '2', not a number from 0 to 1")]
    [TestCase("RANK=-1 WORLD_SIZE=2", "torchrun's RANK is '-1'")]
    [TestCase("RANK=0 WORLD_SIZE=0", "torchrun's WORLD_SIZE is '0', not a number from 1")]
    [TestCase("PMI_RANK=a PMI_SIZE=2", "MPICH's PMI_RANK is 'a'")]
    [TestCase("RANK=0 WORLD_SIZE=2 LOCAL_RANK=7", "torchrun's LOCAL_RANK is '7'")]
    public void What_does_not_fit_is_named(string variables, string message) =>
        Assert.That(() => Of(variables), Throws.TypeOf<BDenseException>().With.Message.StartWith(message));
}
