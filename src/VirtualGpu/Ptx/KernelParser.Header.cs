namespace BDense.VirtualGpu.Ptx;

/// <summary>What stands before a kernel's body: parameters, and bounds on launches.</summary>
internal sealed partial class KernelParser
{
    private void ReadParameters()
    {
        int offset = 0;
        if (reader.Skip(")"))
            return;
        do
        {
            reader.Expect(".param");
            int alignment = reader.Skip(".align") ? Alignment(reader) : 0;
            int element = ScalarBytes(reader);
            if (reader.Skip(".ptr"))
                SkipPointerState();
            var at = reader.Next;
            string name = reader.Name();
            int bytes = element;
            if (reader.Skip("["))
            {
                bytes = checked(element * reader.Count(4096));
                reader.Expect("]");
            }
            alignment = Math.Max(alignment, element);
            offset = (offset + alignment - 1) / alignment * alignment;
            if (_kernel.Parameters.Any(p => p.Name == name))
                throw reader.Refuse(at, $"a second parameter {name}");
            _kernel.Parameters.Add(new PtxParameter(name, offset, bytes, alignment));
            offset += bytes;
            if (offset > 32764)
                throw reader.Refuse(at, "more than 32,764 bytes of parameters");
        }
        while (reader.Skip(","));
        reader.Expect(")");
    }

    /// <summary>.ptr{.space}{.align N}: promises that a compiler may use.</summary>
    private void SkipPointerState()
    {
        while (reader.Next.Kind == TokenKind.Directive)
        {
            if (reader.TakeText().EndsWith(".align", StringComparison.Ordinal))
                reader.Count();
        }
    }

    /// <summary>Performance-tuning directives. PTX ISA, chapter of that name.</summary>
    private void ReadBounds()
    {
        while (reader.Next.Kind == TokenKind.Directive)
        {
            switch (reader.TakeText())
            {
                case ".maxntid":
                    _kernel.MaxThreads = (int)Threads().Count;
                    break;
                case ".reqntid":
                    _kernel.RequiredBlock = Threads();
                    _kernel.MaxThreads = (int)_kernel.RequiredBlock.Value.Count;
                    break;
                case ".minnctapersm" or ".maxnctapersm":
                    reader.Count(1024);
                    break;
                case ".maxnreg":
                    _kernel.MaxRegisters = reader.Count(1024);
                    break;
                case ".explicitcluster":
                    break;
                case ".reqnctapercluster" when Threads().Count > 1:
                    throw reader.Refuse("a cluster has one block here; .reqnctapercluster asks for more, before this,");
                case ".reqnctapercluster":
                    break;
                case ".maxclusterrank":
                    reader.Count(1024);
                    break;
                case ".pragma":
                    SkipTo(";");
                    break;
                default:
                    throw reader.Refuse("a directive that is not known before a kernel's body, before this,");
            }
        }
    }

    /// <summary>One to three extents.</summary>
    private Dim3 Threads()
    {
        Span<int> extents = [1, 1, 1];
        int count = 0, threads = 1;
        do
        {
            if (count == extents.Length)
                throw reader.Refuse("a block has three extents; a fourth");
            extents[count] = Math.Max(1, reader.Count(1024));
            threads *= extents[count++];
            if (threads > 1 << 20)
                throw reader.Refuse("more threads than any block has");
        }
        while (reader.Skip(","));
        return new Dim3(extents[0], extents[1], extents[2]);
    }
}
