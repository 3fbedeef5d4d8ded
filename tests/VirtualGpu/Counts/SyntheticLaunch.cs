using System.Runtime.InteropServices;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Counts;
using BDense.VirtualGpu.Execution;

namespace BDense.Tests.VirtualGpu.Counts;

/// <summary>A launch of which only the requests exist: what a counter makes of patterns whose figures are known.</summary>
internal sealed unsafe class SyntheticLaunch
{
    private static readonly InstructionClass[] Classes = Enum.GetValues<InstructionClass>();

    private readonly LaunchCounting _counting;
    private readonly Instruction[] _code;
    private readonly LaunchCounter[] _threads;
    private readonly ulong* _addresses = (ulong*)NativeMemory.Alloc(32 * sizeof(ulong));

    /// <param name="model">Whose caches.</param>
    /// <param name="cache">From an earlier launch; none for an empty one.</param>
    /// <param name="threads">Of the host.</param>
    /// <param name="shared">Bytes of a block.</param>
    public SyntheticLaunch(GpuModel model, SecondLevelCache? cache = null, int threads = 1, int shared = 0)
    {
        _code = [.. Classes.Select((kind, place) => new Instruction { Run = null, Place = place, Class = kind })];
        var kernel = new PtxKernel(new KernelCode(_code, 0, 0, [], new Dictionary<string, int>(), [], 0))
        {
            Name = "Synthetic",
            Parameters = [],
            StaticSharedBytes = shared,
            MaxThreads = 256,
            Registers = 32,
            Places = [.. Classes.Select((kind, place) => new PtxPlace(place + 1, kind.ToString()))],
        };
        _counting = new LaunchCounting(model, new Launch(kernel, new Dim3(1), new Dim3(256), 0, default),
            cache ?? new SecondLevelCache(model.L2Bytes), cache is not null);
        _threads = [.. Enumerable.Range(0, threads).Select(_ => _counting.Counter())];
    }

    /// <summary>A block on one of the host's threads.</summary>
    public SyntheticLaunch Block(int number, Action run, int thread = 0)
    {
        Current = _threads[thread];
        Current.Begin(number);
        run();
        Current.End();
        return this;
    }

    private LaunchCounter Current { get; set; } = null!;

    public void Global(InstructionClass kind, int bytes, Func<int, ulong> address, uint lanes = uint.MaxValue)
    {
        Addresses(address);
        Current.Executed(_code[(int)kind], lanes);
        Current.Global(_code[(int)kind], lanes, _addresses, bytes);
    }

    public void Shared(InstructionClass kind, int bytes, Func<int, ulong> address, uint lanes = uint.MaxValue)
    {
        Addresses(address);
        Current.Executed(_code[(int)kind], lanes);
        Current.Shared(_code[(int)kind], lanes, _addresses, bytes);
    }

    public LaunchCounts Finish()
    {
        NativeMemory.Free(_addresses);
        return _counting.Finish();
    }

    private void Addresses(Func<int, ulong> address)
    {
        for (int lane = 0; lane < 32; lane++)
            _addresses[lane] = address(lane);
    }
}
