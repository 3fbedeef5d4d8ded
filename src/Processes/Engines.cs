using BDense.Kernels;
using BDense.Processes.Mpi;

namespace BDense.Processes;

/// <summary>What carries a run's collectives.</summary>
public enum Engine
{
    /// <summary>One process alone: none. Several: MPI.</summary>
    Auto,

    /// <summary>The system's MPI library.</summary>
    Mpi,
}

/// <summary>Chooses an engine and joins the others.</summary>
public static class Engines
{
    /// <param name="engine">As asked for.</param>
    /// <param name="world">What the launcher said.</param>
    /// <exception cref="BDenseException">The engine cannot be had, or knows of other processes than the launcher.</exception>
    public static Collectives Join(Engine engine, World world) =>
        engine == Engine.Auto && world.Size == 1 ? new SingleProcess() : new MpiCollectives(world);
}
