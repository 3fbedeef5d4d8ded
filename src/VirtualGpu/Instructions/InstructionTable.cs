using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions;

/// <summary>All opcodes whose operands are registers: what runs them and what operands they take.</summary>
internal sealed unsafe class InstructionTable
{
    private static readonly InstructionTable Instance = new();

    private readonly Dictionary<string, Form> _forms = new(StringComparer.Ordinal);

    private InstructionTable()
    {
        Integers.IntegerForms.Add(this);
        Integers.ShiftForms.Add(this);
        Integers.BitForms.Add(this);
        Floats.FloatForms.Add(this);
        Floats.SpecialForms.Add(this);
        Floats.HalfForms.Add(this);
        Floats.TestForms.Add(this);
        Data.MoveForms.Add(this);
        Data.PredicateForms.Add(this);
        Data.CompareForms.Add(this);
        Data.ConversionForms.Add(this);
    }

    /// <param name="op">The opcode with its dots.</param>
    public static Form? Find(string op) => Instance._forms.TryGetValue(op, out var form) ? form : null;

    /// <summary>All opcodes, for tests.</summary>
    public static IReadOnlyCollection<string> Opcodes => Instance._forms.Keys;

    public void Add(string op, delegate*<Warp, Instruction, void> run, InstructionClass kind, string shape) =>
        _forms.Add(op, new Form(run, kind, shape));
}
