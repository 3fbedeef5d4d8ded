using System.Numerics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Counts;

/// <summary>Counts what one thread of the host runs; added up when the launch has ended (<see cref="LaunchCounting"/>).</summary>
internal sealed unsafe class LaunchCounter(LaunchCounting launch, int places, int firstLevelBytes)
{
    private readonly Coalescer _coalescer = new();
    private readonly BankConflicts _banks = new();
    private readonly FirstLevelCache _cache = new(firstLevelBytes);
    private int _block;
    private MissLog _log = new();

    /// <summary>By place.</summary>
    public Tally[] Tallies { get; } = new Tally[places];

    /// <summary>A block begins on this thread.</summary>
    public void Begin(int block)
    {
        _block = block;
        _cache.Clear();
    }

    /// <summary>It has ended.</summary>
    public void End() => _log = launch.Ended(_block, _log);

    /// <summary>An instruction that so many lanes executed.</summary>
    public void Executed(Instruction i, uint lanes)
    {
        ref var tally = ref Tallies[i.Place];
        tally.Executions++;
        tally.Lanes += BitOperations.PopCount(lanes);
    }

    /// <summary>
    /// A request to global memory: 32 addresses, of which those of <paramref name="lanes"/> count, and the bytes of each.
    /// </summary>
    public void Global(Instruction i, uint lanes, ulong* addresses, int bytes)
    {
        if (lanes == 0)
            return;
        var request = _coalescer;
        request.Request(lanes, addresses, bytes);
        ref var tally = ref Tallies[i.Place];
        tally.GlobalRequests++;
        tally.Sectors += request.Count;
        tally.IdealSectors += (request.DistinctBytes + Coalescer.SectorBytes - 1) / Coalescer.SectorBytes;
        tally.BytesAsked += (long)BitOperations.PopCount(lanes) * bytes;
        for (int s = 0; s < request.Count; s++)
        {
            ulong sector = request.Sector(s);
            switch (i.Class)
            {
                case InstructionClass.GlobalStore:
                    _log.AddWrite(sector, request.Bytes(s));
                    break;
                case InstructionClass.Atomic:
                    _log.Add(sector, MissLog.Kind.Atomic);
                    break;
                // cp.async.cg passes by the first level. cp.async.ca would not: no kernel here uses it, and it is counted alike.
                case InstructionClass.AsyncCopy:
                    tally.SectorsFromL2++;
                    _log.Add(sector, MissLog.Kind.Read);
                    break;
                default:
                    if (_cache.Read(sector))
                        break;
                    tally.SectorsFromL2++;
                    _log.Add(sector, MissLog.Kind.Read);
                    break;
            }
        }
    }

    /// <summary>Neighbouring bytes of a bulk copy, which passes by the first level.</summary>
    public void Bulk(Instruction i, ulong address, int bytes)
    {
        ref var tally = ref Tallies[i.Place];
        tally.GlobalRequests++;
        tally.BytesAsked += bytes;
        tally.IdealSectors += (bytes + Coalescer.SectorBytes - 1) / Coalescer.SectorBytes;
        for (ulong at = address, end = address + (ulong)bytes; at < end;)
        {
            ulong sector = at & ~(Coalescer.SectorBytes - 1UL), next = Math.Min(sector + Coalescer.SectorBytes, end);
            tally.Sectors++;
            if (i.Class == InstructionClass.BulkStore)
            {
                _log.AddWrite(sector, (uint)((1UL << (int)(next - at)) - 1 << (int)(at - sector)));
            }
            else
            {
                tally.SectorsFromL2++;
                _log.Add(sector, MissLog.Kind.Read);
            }
            at = next;
        }
    }

    /// <summary>Bytes of a bulk copy on the side of shared memory: 128 a wavefront.</summary>
    public void BulkShared(Instruction i, int bytes)
    {
        const int WavefrontBytes = 128;
        ref var tally = ref Tallies[i.Place];
        tally.SharedRequests++;
        int wavefronts = (bytes + WavefrontBytes - 1) / WavefrontBytes;
        tally.Wavefronts += wavefronts;
        tally.IdealWavefronts += wavefronts;
    }

    /// <summary>A request to shared memory; addresses are offsets in the block's.</summary>
    public void Shared(Instruction i, uint lanes, ulong* addresses, int bytes)
    {
        if (lanes == 0)
            return;
        var (wavefronts, ideal) = _banks.Request(lanes, addresses, bytes);
        ref var tally = ref Tallies[i.Place];
        tally.SharedRequests++;
        tally.Wavefronts += wavefronts;
        tally.IdealWavefronts += ideal;
    }

    /// <summary>A conditional branch that its lanes did not take together.</summary>
    public void Diverged(Instruction i) => Tallies[i.Place].Diverged++;

    /// <summary>A warp that waits at a barrier.</summary>
    public void Waits(Instruction i) => Tallies[i.Place].Waits++;
}
