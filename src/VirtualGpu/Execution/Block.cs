using System.Runtime.InteropServices;

namespace BDense.VirtualGpu.Execution;

/// <summary>
/// A block that runs: its warps, its shared memory, the barriers that it has passed. One thread of the host uses it for many blocks of a
/// launch.
/// </summary>
internal sealed unsafe partial class Block : IDisposable
{
    private const int Alignment = 64;

    private readonly Scheduler _scheduler;
    private readonly Warp[] _warps;
    private readonly byte* _registers;

    /// <summary>By barrier: threads that have come without waiting (bar.arrive).</summary>
    private readonly int[] _arrived = new int[16];

    /// <summary>Of ctaid's registers; -1 for those that the kernel does not read.</summary>
    private readonly int[] _indices;

    public Block(Scheduler scheduler, Counts.LaunchCounter? counter, byte* arguments)
    {
        (_scheduler, Gpu, Launch, Counter) = (scheduler, scheduler.Gpu, scheduler.Launch, counter);
        Arguments = arguments;
        var code = Launch.Kernel.Code;
        int threads = (int)Launch.Block.Count, count = (threads + Warp.Lanes - 1) / Warp.Lanes;
        long registers = Round(code.RegisterBytes), ofWarp = registers + Round(code.Predicates * sizeof(uint));
        _registers = (byte*)NativeMemory.AlignedAlloc((nuint)(count * ofWarp), Alignment);
        NativeMemory.Clear(_registers, (nuint)(count * ofWarp));
        Memory = new Memory.BlockMemory(Gpu, Launch);
        _warps = new Warp[count];
        for (int k = 0; k < count; k++)
        {
            byte* at = _registers + k * ofWarp;
            int lanes = Math.Min(Warp.Lanes, threads - k * Warp.Lanes);
            _warps[k] = new Warp
            {
                Block = this,
                Number = k,
                Registers = at,
                Predicates = (uint*)(at + registers),
                Threads = lanes == Warp.Lanes ? Warp.All : (1u << lanes) - 1,
                Matrices = code.IsAsynchronous ? new MatrixRegisters(code.RegisterBytes) : null,
            };
            SpecialValues.Fill(_warps[k], code, Launch, Gpu.Model);
        }
        Order = code.IsAsynchronous ? new BlockOrder(this, count) : null;
        _indices = [.. ((string[])["%ctaid.x", "%ctaid.y", "%ctaid.z"]).Select(name => code.Special.GetValueOrDefault(name, -1))];
    }

    public IReadOnlyList<Warp> Warps => _warps;

    public Gpu Gpu { get; }

    public Launch Launch { get; }

    /// <summary>Counts of the host's thread that runs this block; null where nothing is counted.</summary>
    public Counts.LaunchCounter? Counter { get; }

    /// <summary>The launch's packed arguments.</summary>
    public byte* Arguments { get; }

    /// <summary>Shared memory, what its warps copy asynchronously, and the way to global memory.</summary>
    public Memory.BlockMemory Memory { get; }

    /// <summary>Null where the kernel is not asynchronous: then barriers order all there is.</summary>
    public BlockOrder? Order { get; }

    /// <summary>x fastest.</summary>
    public int Number { get; private set; }

    /// <summary>Barriers passed: accesses of different epochs are ordered.</summary>
    public int Epoch { get; private set; }

    /// <summary>A warp comes to a barrier and goes on.</summary>
    public void Arrive(int barrier) => _arrived[barrier] += Warp.Lanes;

    /// <summary>Whether something that a block before this one did ends the launch.</summary>
    public bool IsCancelled => _scheduler.IsCancelled(Number);

    /// <summary>Runs a block of the launch: its warps in order, each to the next barrier.</summary>
    /// <exception cref="FindingException">The kernel did something wrong.</exception>
    public void Run(int number)
    {
        (Number, Epoch) = (number, 0);
        Memory.Begin();
        Order?.Begin();
        Array.Clear(_arrived);
        var (grid, code) = (Launch.Grid, Launch.Kernel.Code);
        Span<int> place = [number % grid.X, number / grid.X % grid.Y, number / grid.X / grid.Y];
        foreach (var warp in _warps)
        {
            warp.Reset();
            foreach (var (offset, bytes) in code.Unset)
                new Span<byte>(warp.Registers + offset, bytes).Clear();
            new Span<uint>(warp.Predicates + KernelCode.True + 1, code.Predicates - KernelCode.True - 1).Clear();
            for (int k = 0; k < 3; k++)
            {
                if (_indices[k] >= 0)
                    new Span<int>(warp.Registers + _indices[k], Warp.Lanes).Fill(place[k]);
            }
        }
        Rounds();
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_registers);
        Memory.Dispose();
    }

    private static long Round(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
