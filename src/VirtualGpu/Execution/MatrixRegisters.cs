namespace BDense.VirtualGpu.Execution;

/// <summary>
/// The judge of a warp's registers that wgmma's use (PTX ISA, "wgmma.fence", "wgmma.wait_group"): from the instruction until it was waited
/// for nobody else touches them, and a wgmma
/// takes registers that threads touched only after a wgmma.fence. Accumulators may go from one wgmma to the next of the same shape without
/// either.
/// </summary>
/// <param name="registerBytes">Of a warp's register file; accumulators and fragments have places there that no other register
/// shares.</param>
internal sealed class MatrixRegisters(int registerBytes)
{
    private const int RegisterBytes = Warp.Lanes * sizeof(uint);

    private readonly Use[] _uses = new Use[registerBytes / RegisterBytes];
    private readonly List<int> _groups = [];
    private bool _fenced;

    /// <summary>The wgmma's up to this one were waited for.</summary>
    public int Waited { get; private set; }

    public void Begin()
    {
        Array.Clear(_uses);
        _groups.Clear();
        (_fenced, Waited) = (false, 0);
    }

    /// <summary>wgmma.fence.</summary>
    public void Fence()
    {
        _fenced = true;
        foreach (ref var use in _uses.AsSpan())
            use.IsTouched = false;
    }

    /// <summary>wgmma.commit_group, after so many wgmma's.</summary>
    public void Commit(int issued) => _groups.Add(issued);

    /// <summary>wgmma.wait_group: at most so many groups are on their way.</summary>
    public void Wait(int groups)
    {
        if (_groups.Count > groups)
            Waited = Math.Max(Waited, _groups[^(groups + 1)]);
    }

    /// <summary>Another instruction reads or writes these.</summary>
    public void Touch(Warp w, Instruction i, int[] registers)
    {
        foreach (int register in registers)
        {
            ref var use = ref _uses[register / RegisterBytes];
            if (use.Until > Waited)
                throw w.Fault(i, -1, FindingKind.MatrixRegisters,
                    $"a register that {(use.IsAccumulator ? "accumulates" : "is a fragment of A")} in a wgmma that was not waited for: "
                        + $"wgmma.wait_group comes first");
            use.IsTouched = true;
        }
    }

    /// <summary>The wgmma of that number takes them.</summary>
    /// <param name="w">Whose.</param>
    /// <param name="i">Which.</param>
    /// <param name="accumulators">Read and written.</param>
    /// <param name="fragments">Of A, if they are in registers.</param>
    /// <param name="shape">That the instruction has.</param>
    /// <param name="number">Its own.</param>
    public void Take(Warp w, Instruction i, ReadOnlySpan<int> accumulators, ReadOnlySpan<int> fragments, int shape, int number)
    {
        if (!_fenced)
            throw w.Fault(i, -1, FindingKind.MatrixRegisters, "no wgmma.fence lies before the first wgmma");
        foreach (int register in accumulators)
        {
            var use = _uses[register / RegisterBytes];
            RequireFence(w, i, use, "an accumulator");
            if (use.Until > Waited && (!use.IsAccumulator || use.Shape != shape))
                throw w.Fault(i, -1, FindingKind.MatrixRegisters,
                    $"an accumulator that {(use.IsAccumulator ? "a wgmma of another shape uses" : "is a fragment of A in a wgmma")}, "
                        + $"which was not waited for");
            _uses[register / RegisterBytes] = new Use { Until = number, IsAccumulator = true, Shape = shape };
        }
        foreach (int register in fragments)
        {
            var use = _uses[register / RegisterBytes];
            RequireFence(w, i, use, "a fragment of A");
            if (use.Until > Waited && use.IsAccumulator)
                throw w.Fault(i, -1, FindingKind.MatrixRegisters, "a fragment of A that accumulates in a wgmma that was not waited for");
            _uses[register / RegisterBytes] = new Use { Until = number };
        }
    }

    private static void RequireFence(Warp w, Instruction i, Use use, string what)
    {
        if (use.IsTouched)
            throw w.Fault(i, -1, FindingKind.MatrixRegisters, $"{what} was read or written since the last wgmma.fence");
    }

    /// <summary>A register's last use.</summary>
    private struct Use
    {
        /// <summary>The number of the wgmma.</summary>
        public int Until { get; set; }

        public bool IsAccumulator { get; set; }

        public int Shape { get; set; }

        /// <summary>By an instruction that is no wgmma, since the last fence.</summary>
        public bool IsTouched { get; set; }
    }
}
