namespace BDense.VirtualGpu.Ptx;

/// <summary>A kernel as it is written, names resolved.</summary>
internal sealed class KernelText
{
    public required string Name { get; init; }

    /// <summary>As <c>.target</c> names it first: sm_90a.</summary>
    public string Target { get; set; } = "";

    public List<PtxParameter> Parameters { get; } = [];

    public List<Statement> Statements { get; } = [];

    /// <summary>For each statement, the number of the file and the line that the last .loc named; zeros before the first.</summary>
    public List<(int File, int Line)> Sources { get; } = [];

    public List<MemoryArray> Arrays { get; } = [];

    public List<Register> Registers { get; } = [];

    /// <summary>.maxntid or .reqntid, multiplied; 0 for none.</summary>
    public int MaxThreads { get; set; }

    /// <summary>Line of the closing brace.</summary>
    public int LastLine { get; set; }

    /// <summary>.reqntid: blocks of exactly these threads; null for none.</summary>
    public Dim3? RequiredBlock { get; set; }

    /// <summary>.maxnreg; 0 for none.</summary>
    public int MaxRegisters { get; set; }
}
