using System.Runtime.InteropServices;

namespace BDense.VirtualGpu.Driver.Library;

// Elf64_Ehdr, Elf64_Phdr, Elf64_Sym and Elf64_Dyn: System V ABI, chapters 4 and 5, with the AMD64 supplement's numbers.

/// <summary>The file's header.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ElfHeader(uint Magic, byte Class, byte Endianness, byte IdentVersion, byte SystemAbi, ulong Padding,
    ushort Type, ushort Machine,
    uint Version, ulong Entry, ulong ProgramHeaders, ulong SectionHeaders, uint Flags, ushort HeaderBytes, ushort ProgramHeaderBytes,
    ushort ProgramHeaderCount,
    ushort SectionHeaderBytes, ushort SectionHeaderCount, ushort SectionNames)
{
    public const int Bytes = 64;

    /// <summary>A shared object for x86-64 without sections, which only linkers and debuggers read.</summary>
    public static ElfHeader SharedObject(int programHeaders) =>
        new(Magic: 0x464c457f, Class: 2, Endianness: 1, IdentVersion: 1, SystemAbi: 0, Padding: 0, Type: 3, Machine: 62,
        Version: 1, Entry: 0, ProgramHeaders: Bytes, SectionHeaders: 0, Flags: 0, HeaderBytes: Bytes, ProgramHeaderBytes: ElfSegment.Bytes,
        (ushort)programHeaders,
        SectionHeaderBytes: 64, SectionHeaderCount: 0, SectionNames: 0);
}

/// <summary>A program header: a part of the file and where it lies in memory, here at the same place.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ElfSegment(uint Type, uint Flags, ulong Offset, ulong Address, ulong PhysicalAddress, ulong FileBytes,
    ulong MemoryBytes, ulong Alignment)
{
    public const int Bytes = 56;

    private const uint Load = 1, Dynamic = 2, Stack = 0x6474e551, Executable = 1, Writable = 2, Readable = 4;

    public static ElfSegment Code(int start, int end) => Of(Load, Readable | Executable, start, end, ElfFile.Page);

    public static ElfSegment Data(int start, int end) => Of(Load, Readable | Writable, start, end, ElfFile.Page);

    public static ElfSegment DynamicSection(int start, int end) => Of(Dynamic, Readable | Writable, start, end, 8);

    /// <summary>Says that the stack need not be executable: without it the loader would make it so.</summary>
    public static ElfSegment PlainStack => Of(Stack, Readable | Writable, 0, 0, 16);

    private static ElfSegment Of(uint type, uint flags, int start, int end, int alignment) =>
        new(type, flags, (ulong)start, (ulong)start, (ulong)start, (ulong)(end - start), (ulong)(end - start), (ulong)alignment);
}

/// <summary>A symbol that others can find.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ElfSymbol(uint Name, byte Info, byte Other, ushort Section, ulong Address, ulong Size)
{
    public const int Bytes = 24;

    private const byte Global = 0x10, Object = 1, Code = 2;

    /// <summary>Any section but 0 and the reserved ones: the symbol is defined here.</summary>
    private const ushort Defined = 1;

    public static ElfSymbol Function(int name, int address, int bytes) =>
        new((uint)name, Global | Code, 0, Defined, (ulong)address, (ulong)bytes);

    public static ElfSymbol Variable(int name, int address, int bytes) =>
        new((uint)name, Global | Object, 0, Defined, (ulong)address, (ulong)bytes);
}

/// <summary>An entry of the dynamic section: what the loader has to know.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ElfDynamic(ElfDynamic.Tag What, ulong Value)
{
    public const int Bytes = 16;

    public enum Tag : ulong
    {
        End = 0,
        Hash = 4,
        Strings = 5,
        Symbols = 6,
        StringBytes = 10,
        SymbolBytes = 11,
        LibraryName = 14,
    }

    public static ElfDynamic Of(Tag what, int value) => new(what, (ulong)value);
}
