namespace BDense.VirtualGpu.Ptx;

/// <summary>What stands outside of a kernel: PTX ISA, chapters "PTX Module Directives" and "Debugging Directives".</summary>
internal sealed class ModuleParser(string text)
{
    private readonly TokenReader _reader = new(text);
    private readonly Dictionary<int, string> _files = [];
    private readonly Scope _scope = new(null);
    private string _target = "";

    public List<KernelText> Kernels { get; } = [];

    /// <summary>Shared arrays that stand outside of kernels.</summary>
    public List<MemoryArray> Arrays { get; } = [];

    public string? FileOf(int number) => _files.GetValueOrDefault(number);

    /// <exception cref="PtxException">Text that is not PTX.</exception>
    public void Parse()
    {
        ReadHeader();
        while (!_reader.AtEnd)
        {
            var first = _reader.Next;
            bool isExtern = _reader.Skip(".extern");
            bool isNamed = !isExtern && (_reader.Skip(".visible") || _reader.Skip(".weak"));
            if (_reader.Is(".func") || _reader.Is(".global") || _reader.Is(".const"))
                throw _reader.Refuse("this GPU does not support functions, nor variables outside of kernels that are not .shared,");
            if (isNamed && !_reader.Is(".entry"))
                throw _reader.Refuse("an .entry is missing");
            switch (_reader.TakeText())
            {
                case ".entry":
                    var kernel = new KernelParser(_reader, _scope, Arrays, FileNumber).Parse();
                    if (Kernels.Any(k => k.Name == kernel.Name))
                        throw _reader.Refuse(first, $"a second entry {kernel.Name}");
                    kernel.Target = _target;
                    Kernels.Add(kernel);
                    break;
                case ".shared":
                    Arrays.Add(KernelParser.Array(_reader, _scope, isLocal: false, isExtern));
                    break;
                case ".file":
                    FileNumber(_reader);
                    break;
                // ILGPU writes the section's name without a space.
                case { } word when word.StartsWith(".section", StringComparison.Ordinal):
                    SkipSection();
                    break;
                case ".pragma":
                    while (!_reader.Skip(";"))
                        _reader.Take();
                    break;
                default:
                    throw _reader.Refuse(first, "not known outside of a kernel");
            }
        }
        if (Kernels.Count == 0)
            throw new PtxException("no .entry in the text");
    }

    private void ReadHeader()
    {
        _reader.Expect(".version");
        string version = _reader.TakeText();
        if (!System.Version.TryParse(version, out var parsed) || parsed.Major is < 6 or > 9)
            throw _reader.Refuse($"version {version} of PTX is not known");
        _reader.Expect(".target");
        do
        {
            string target = _reader.Name();
            if (!target.StartsWith("sm_", StringComparison.Ordinal) && target != "debug")
                throw _reader.Refuse($"target {target} is not known");
            if (_target.Length == 0)
                _target = target;
        }
        while (_reader.Skip(","));
        if (_reader.Skip(".address_size") && _reader.Count() != 64)
            throw _reader.Refuse("only addresses of 64 bits are known");
    }

    /// <summary>.file 1 "name"{, time, size}</summary>
    private void FileNumber(TokenReader reader)
    {
        int number = reader.Count();
        if (reader.Next.Kind != TokenKind.String)
            throw reader.Refuse("a file's name is missing");
        _files[number] = reader.TakeText().Trim('"');
        while (reader.Skip(","))
            reader.Count();
    }

    private void SkipSection()
    {
        while (!_reader.Skip("{"))
            _reader.Take();
        for (int depth = 1; depth > 0;)
        {
            if (_reader.Skip("{"))
                depth++;
            else if (_reader.Skip("}"))
                depth--;
            else
                _reader.Take();
        }
    }
}
