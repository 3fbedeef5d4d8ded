using System.Runtime.InteropServices;
using System.Text;

namespace BDense.VirtualGpu.Driver.Library;

/// <summary>
/// A shared library for Linux on x86-64 whose functions do nothing but jump to where a table says, written without a compiler. Whoever
/// loads it fills the table, which is one of its variables.
/// </summary>
/// <remarks>
/// The file from its start: header, program headers, symbols, their hash table, names, code; on a new page the table and the dynamic
/// section. It is loaded as it lies, so that offsets in the file are addresses from where it was loaded, and nothing needs relocation.
/// </remarks>
internal static class ElfFile
{
    public const int Page = 4096;

    /// <summary>The variable: an address of 8 bytes for each function, in order.</summary>
    public const string Table = "virtual_gpu_table";

    private const int Segments = 4, JumpBytes = 8, AddressBytes = 8;

    public static byte[] Write(string libraryName, IReadOnlyList<string> functions)
    {
        var names = new MemoryStream();
        names.WriteByte(0);
        int Name(string text)
        {
            int at = (int)names.Position;
            names.Write(Encoding.ASCII.GetBytes(text + "\0"));
            return at;
        }
        int library = Name(libraryName), table = Name(Table);
        int[] ofFunctions = [.. functions.Select(Name)];

        // One bucket: all symbols in a chain. There are some fifty.
        int symbolCount = functions.Count + 2;
        int symbols = ElfHeader.Bytes + Segments * ElfSegment.Bytes;
        int hash = symbols + symbolCount * ElfSymbol.Bytes;
        int strings = hash + sizeof(int) * (3 + symbolCount);
        int code = Aligned(strings + (int)names.Length, 16), codeEnd = code + functions.Count * JumpBytes;
        int data = Aligned(codeEnd, Page), dynamic = data + functions.Count * AddressBytes;
        ElfDynamic[] entries =
        [
            ElfDynamic.Of(ElfDynamic.Tag.LibraryName, library), ElfDynamic.Of(ElfDynamic.Tag.Hash, hash),
            ElfDynamic.Of(ElfDynamic.Tag.Strings, strings),
            ElfDynamic.Of(ElfDynamic.Tag.StringBytes, (int)names.Length), ElfDynamic.Of(ElfDynamic.Tag.Symbols, symbols),
            ElfDynamic.Of(ElfDynamic.Tag.SymbolBytes, ElfSymbol.Bytes), ElfDynamic.Of(ElfDynamic.Tag.End, 0),
        ];
        int end = dynamic + entries.Length * ElfDynamic.Bytes;

        byte[] file = new byte[end];
        Put(file, 0, [ElfHeader.SharedObject(Segments)]);
        Put(file, ElfHeader.Bytes,
            [ElfSegment.Code(0, codeEnd), ElfSegment.Data(data, end), ElfSegment.DynamicSection(dynamic, end), ElfSegment.PlainStack]);
        Put<ElfSymbol>(file, symbols, [default, ElfSymbol.Variable(table, data, functions.Count * AddressBytes),
            .. ofFunctions.Select((name, i) => ElfSymbol.Function(name, code + i * JumpBytes, JumpBytes))]);
        Put(file, hash, Chain(symbolCount));
        Put(file, strings, names.ToArray());
        for (int i = 0; i < functions.Count; i++)
            Put(file, code + i * JumpBytes, JumpThrough(code + i * JumpBytes, data + i * AddressBytes));
        Put(file, dynamic, entries);
        return file;
    }

    /// <summary>SysV hash table: buckets, symbols, the bucket's first symbol, and each symbol's next (0 ends).</summary>
    private static int[] Chain(int symbols) => [1, symbols, 1, 0, .. Enumerable.Range(2, symbols - 2), 0];

    /// <summary><c>jmp [rip + distance]</c>; the distance counts from the next instruction, six bytes on.</summary>
    private static byte[] JumpThrough(int from, int cell) => [0xff, 0x25, .. BitConverter.GetBytes(cell - (from + 6))];

    private static int Aligned(int value, int alignment) => (value + alignment - 1) / alignment * alignment;

    private static void Put<T>(byte[] file, int at, T[] records)
        where T : unmanaged => MemoryMarshal.AsBytes(records.AsSpan()).CopyTo(file.AsSpan(at));
}
