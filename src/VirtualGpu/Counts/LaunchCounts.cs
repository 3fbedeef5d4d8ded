using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Counts;

/// <summary>What a launch did, by place in the kernel's code and in all. See docs/virtual-gpu.md for each counter's definition.</summary>
public sealed class LaunchCounts
{
    private readonly PlaceCounts[] _places;
    private readonly Instruction[] _code;

    internal LaunchCounts(GpuModel model, Launch launch, PlaceCounts[] places, Occupancy occupancy, long memoryRead, long memoryWritten)
    {
        (Model, Kernel, Grid, Block, DynamicSharedBytes, Occupancy) =
            (model, launch.Kernel, launch.Grid, launch.Block, launch.DynamicSharedBytes, occupancy);
        (MemoryBytesRead, MemoryBytesWritten) = (memoryRead, memoryWritten);
        (_places, _code) = (places, launch.Kernel.Code.Instructions);
        foreach (var place in places)
            Total += place;
        foreach (var i in _code)
            ByClass[(int)i.Class] += places[i.Place];
    }

    public GpuModel Model { get; }

    public PtxKernel Kernel { get; }

    public Dim3 Grid { get; }

    public Dim3 Block { get; }

    public int DynamicSharedBytes { get; }

    /// <summary>By <see cref="PtxKernel.Registers"/>, an estimate.</summary>
    public Occupancy Occupancy { get; }

    /// <summary>Over all places.</summary>
    public PlaceCounts Total { get; }

    private PlaceCounts[] ByClass { get; } = new PlaceCounts[Enum.GetValues<InstructionClass>().Length];

    /// <summary>Executions of multiplications that an assembler joins with an addition (<see cref="Contraction"/>).</summary>
    internal long Contracted
    {
        get
        {
            bool[] joined = Contraction.Of(Kernel.Places, Kernel.Code.Ends);
            return _code.Sum(i => joined[i.Place] ? _places[i.Place].Executions : 0);
        }
    }

    /// <summary>Products of 16 x 8 that warps' parts of wgmma's are: as much work as so many mma.sync.</summary>
    public long WarpgroupProducts =>
        _code.Sum(i => i.Product is { Shape: var shape } ? _places[i.Place].Executions * (shape.Columns / 8) : 0);

    /// <summary>Cycles that tensor cores take, of all multiprocessors together: mma.sync at what it reaches, wgmma at the peak.</summary>
    public double TensorCycles =>
        Of(InstructionClass.Matrix).Executions * Model.Rates.MatrixCycles + WarpgroupProducts * Model.Rates.MatrixCyclesAtPeak;

    public PlaceCounts Of(InstructionClass kind) => ByClass[(int)kind];

    /// <summary>In the order of the code, also those that nobody came to.</summary>
    public IEnumerable<CountedPlace> AllPlaces => _code.Select(i => new CountedPlace(Kernel.Places[i.Place], i.Class, _places[i.Place]));

    /// <summary>Places that were executed.</summary>
    public IEnumerable<CountedPlace> Places => AllPlaces.Where(p => p.Counts.Executions > 0);

    /// <summary>Bytes that loads and asynchronous copies asked for, lane by lane.</summary>
    public long BytesAskedRead => Of(InstructionClass.GlobalLoad).BytesAsked + Of(InstructionClass.AsyncCopy).BytesAsked
        + Of(InstructionClass.Atomic).BytesAsked + Of(InstructionClass.BulkLoad).BytesAsked;

    public long BytesAskedWritten =>
        Of(InstructionClass.GlobalStore).BytesAsked + Of(InstructionClass.BulkStore).BytesAsked + Of(InstructionClass.Atomic).BytesAsked;

    /// <summary>From the first-level cache, or past it, to the multiprocessors: sectors of loads and asynchronous copies.</summary>
    public long FirstLevelBytes =>
        32 * (Of(InstructionClass.GlobalLoad).Sectors + Of(InstructionClass.AsyncCopy).Sectors + Of(InstructionClass.BulkLoad).Sectors);

    /// <summary>From the second-level cache to the first, or past it.</summary>
    public long SecondLevelBytesRead => 32 * (Total.SectorsFromL2 + Of(InstructionClass.Atomic).Sectors);

    /// <summary>Stores, through the first level.</summary>
    public long SecondLevelBytesWritten =>
        32 * (Of(InstructionClass.GlobalStore).Sectors + Of(InstructionClass.BulkStore).Sectors + Of(InstructionClass.Atomic).Sectors);

    /// <summary>From memory to the second-level cache.</summary>
    public long MemoryBytesRead { get; }

    /// <summary>Back.</summary>
    public long MemoryBytesWritten { get; }
}
