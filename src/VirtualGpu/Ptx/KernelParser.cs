namespace BDense.VirtualGpu.Ptx;

/// <summary>A kernel: its parameters, what it asks of a launch, its declarations and statements.</summary>
/// <param name="reader">Behind <c>.entry</c>.</param>
/// <param name="module">Names of the module.</param>
/// <param name="moduleArrays">Shared arrays that stand outside of kernels; kernels use them as their own.</param>
/// <param name="file">Reads what follows a <c>.file</c>.</param>
internal sealed partial class KernelParser(TokenReader reader, Scope module, IReadOnlyList<MemoryArray> moduleArrays,
    Action<TokenReader> file)
{
    /// <summary>Bounds on what a text can ask for: far above any compiler's output, far below what exhausts a host.</summary>
    private const int MostRegisters = 1 << 20, MostBytes = 1 << 26, MostDepth = 64;

    private Scope _scope = new(module);
    private KernelText _kernel = null!;
    private int _depth;
    private (int File, int Line) _source;

    /// <exception cref="PtxException">Text that is not a kernel.</exception>
    public KernelText Parse()
    {
        _kernel = new KernelText { Name = reader.Name() };
        _kernel.Arrays.AddRange(moduleArrays);
        if (reader.Skip("("))
            ReadParameters();
        ReadBounds();
        reader.Expect("{");
        while (!(_depth == 0 && reader.Is("}")))
            ReadStatement();
        _kernel.LastLine = reader.Take().Line;
        return _kernel;
    }

    /// <summary>.shared .align 16 .b8 name[bytes]; behind .shared or .local.</summary>
    public static MemoryArray Array(TokenReader reader, Scope scope, bool isLocal, bool isExtern)
    {
        int alignment = reader.Skip(".align") ? Alignment(reader) : 0;
        int element = ScalarBytes(reader);
        var at = reader.Next;
        string name = reader.Name();
        long bytes = element;
        bool sized = true;
        while (reader.Skip("["))
        {
            sized = !reader.Is("]");
            if (sized)
                bytes *= reader.Count(MostBytes);
            if (bytes > MostBytes)
                throw reader.Refuse(at, "an array that is too long");
            reader.Expect("]");
        }
        reader.Expect(";");
        if (isExtern != !sized)
            throw reader.Refuse(at,
                isExtern ? "only arrays without a length can be .extern" : "an array without a length must be .extern .shared");
        var array = new MemoryArray(name, sized ? (int)bytes : 0, Math.Max(alignment, element), isLocal) { IsDynamic = !sized };
        if (!scope.Arrays.TryAdd(name, array))
            throw reader.Refuse(at, $"a second {name}");
        return array;
    }

    private void ReadStatement()
    {
        var first = reader.Next;
        switch (first.Kind)
        {
            case TokenKind.Directive:
                ReadDirective();
                return;
            case TokenKind.Name when reader.SecondIs(":"):
                ReadLabel();
                return;
            case TokenKind.Name:
                ReadInstruction();
                return;
            default:
                if (reader.Is("@"))
                    ReadInstruction();
                else if (reader.Skip("{"))
                    Open(first);
                else if (reader.Skip("}"))
                    (_scope, _depth) = (_scope.Parent!, _depth - 1);
                else if (!reader.Skip(";"))
                    throw reader.Refuse("no statement");
                return;
        }
    }

    private void Open(Token first)
    {
        if (++_depth > MostDepth)
            throw reader.Refuse(first, "too many braces");
        _scope = new Scope(_scope);
    }

    private void ReadLabel()
    {
        var at = reader.Next;
        string name = reader.TakeText();
        reader.Take();
        if (_scope.Has(name))
            throw reader.Refuse(at, $"a second {name}");
        if (reader.Skip(".branchtargets"))
            _scope.Lists.Add(name, Labels());
        else
            _scope.Labels.Add(name, _kernel.Statements.Count);
    }

    private string[] Labels()
    {
        var labels = new List<string>();
        do
            labels.Add(reader.Name());
        while (reader.Skip(","));
        reader.Expect(";");
        return [.. labels];
    }

    private void ReadDirective()
    {
        var at = reader.Next;
        switch (reader.TakeText())
        {
            case ".reg":
                ReadRegisters();
                break;
            case ".extern" when reader.Skip(".shared"):
                _kernel.Arrays.Add(Array(reader, _scope, isLocal: false, isExtern: true));
                break;
            case ".shared":
                _kernel.Arrays.Add(Array(reader, _scope, isLocal: false, isExtern: false));
                break;
            case ".local":
                _kernel.Arrays.Add(Array(reader, _scope, isLocal: true, isExtern: false));
                break;
            case ".loc":
                _source = (reader.Count(), reader.Count());
                // The column, and what was inlined where.
                while (reader.Next.Line == at.Line && (reader.Next.Kind == TokenKind.Number || reader.Is(","))
                    || reader.Next.Line == at.Line && reader.Next.Kind == TokenKind.Name && !reader.SecondIs(":"))
                    reader.Take();
                break;
            case ".file":
                file(reader);
                break;
            case ".pragma":
                SkipTo(";");
                break;
            default:
                throw reader.Refuse(at, "a directive that is not known in a kernel");
        }
    }

    private void ReadRegisters()
    {
        var at = reader.Next;
        int bits = reader.Take() is { Kind: TokenKind.Directive } type ? RegisterBits(reader.TextOf(type)) : 0;
        if (bits == 0)
            throw reader.Refuse(at, "a register's type is missing or not known");
        do
        {
            var place = reader.Next;
            string name = reader.Name();
            bool isNew = true;
            if (reader.Skip("<"))
            {
                isNew = _scope.DeclareRange(name, reader.Count(MostRegisters), bits);
                reader.Expect(">");
            }
            else
            {
                isNew = _scope.Declare(name, bits);
            }
            if (!isNew)
                throw reader.Refuse(place, "declared twice");
        }
        while (reader.Skip(","));
        reader.Expect(";");
    }

    private void ReadInstruction()
    {
        var first = reader.Next;
        int line = first.Line;
        Register? guard = null;
        bool negated = false;
        var operands = new OperandParser(reader, _scope, _kernel);
        if (reader.Skip("@"))
        {
            negated = reader.Skip("!");
            guard = operands.Predicate();
        }
        string[] op = reader.Name().Split('.');
        var read = new List<Operand>();
        if (!reader.Is(";") && !reader.Is("}") && !reader.AtEnd)
        {
            do
                read.Add(operands.Read());
            while (reader.Skip(","));
        }
        if (!reader.Skip(";"))
            throw reader.Refuse($"';' is missing after '{reader.Since(first)}'");
        _kernel.Statements.Add(new Statement(new PtxPlace(line, reader.Since(first)), op, [.. read], guard, negated));
        _kernel.Sources.Add(_source);
    }

    private void SkipTo(string what)
    {
        while (!reader.Skip(what))
            reader.Take();
    }

    private static int Alignment(TokenReader reader)
    {
        int alignment = reader.Count(4096);
        return alignment > 0 && (alignment & alignment - 1) == 0 ? alignment
            : throw reader.Refuse("an alignment is a power of two, before this,");
    }

    private static int ScalarBytes(TokenReader reader)
    {
        var at = reader.Next;
        int bits = at.Kind == TokenKind.Directive ? RegisterBits(reader.TextOf(reader.Take())) : 0;
        return bits >= 8 ? bits / 8 : throw reader.Refuse(at, "a type is missing or not known");
    }

    private static int RegisterBits(ReadOnlySpan<char> type) => type switch
    {
        ".pred" => 1,
        ".b8" or ".u8" or ".s8" => 8,
        ".b16" or ".u16" or ".s16" or ".f16" or ".bf16" => 16,
        ".b32" or ".u32" or ".s32" or ".f32" or ".f16x2" or ".bf16x2" => 32,
        ".b64" or ".u64" or ".s64" or ".f64" => 64,
        _ => 0,
    };
}
