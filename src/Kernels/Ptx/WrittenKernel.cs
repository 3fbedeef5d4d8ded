using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace BDense.Kernels.Ptx;

/// <summary>A kernel's text, and what a launch of it needs to know.</summary>
/// <param name="Name">Of the entry.</param>
/// <param name="Text">A module with that one entry.</param>
/// <param name="Threads">Of a group.</param>
/// <param name="SharedBytes">That a launch gives, besides what the text declares.</param>
/// <param name="Arguments">Where each argument begins in the struct of them, in the order of the parameters.</param>
internal sealed record WrittenKernel(string Name, string Text, int Threads, int SharedBytes, IReadOnlyList<int> Arguments);

/// <summary>A kernel that is written when it is first needed. Equal ones are the same kernel: it is loaded once.</summary>
internal interface IWrittenKernel
{
    /// <summary>Of its entry; no other kernel has it.</summary>
    string Name { get; }

    /// <summary>The architecture that it is written for: <c>sm_80</c> and all later ones, or <c>sm_90a</c> alone.</summary>
    string Target => "sm_80";

    /// <summary>Threads of a group.</summary>
    int Threads { get; }

    /// <summary>Shared memory of a group.</summary>
    int SharedBytes { get; }

    /// <summary>Writes it.</summary>
    WrittenKernel Write();
}

/// <summary>The fields of a struct as a kernel's parameters, each at its own place: the struct's bytes are the packed arguments.</summary>
/// <typeparam name="TArguments">Fields of int, long, float and <see cref="TensorMap"/>, and structs of such, in the order in which they
/// lie.</typeparam>
internal sealed class PtxArguments<TArguments>(PtxWriter writer)
    where TArguments : unmanaged
{
    private static readonly (FieldInfo Field, int Offset)[] s_fields = [.. Fields(typeof(TArguments), 0)];

    /// <summary>A field of int.</summary>
    public Register<S32> Of(Expression<Func<TArguments, int>> field, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        writer.Parameter<S32>(Name(field.Body), file, line);

    /// <summary>A field of long: an address.</summary>
    public Register<S64> Of(Expression<Func<TArguments, long>> field, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        writer.Parameter<S64>(Name(field.Body), file, line);

    /// <summary>A field of float.</summary>
    public Register<F32> Of(Expression<Func<TArguments, float>> field, [CallerFilePath] string file = "", [CallerLineNumber]
    int line = 0) =>
        writer.Parameter<F32>(Name(field.Body), file, line);

    /// <summary>A tensor's map: its address, as bulk copies take it.</summary>
    public Register<S64> Of(Expression<Func<TArguments, TensorMap>> field, [CallerFilePath] string file = "", [CallerLineNumber]
    int line = 0) =>
        writer.ParameterAddress(Name(field.Body), file, line);

    /// <summary>The fields of a struct within: they are parameters like all others.</summary>
    public PtxArguments<TInner> Within<TInner>()
        where TInner : unmanaged => Array.Exists(typeof(TArguments).GetFields(), field => field.FieldType == typeof(TInner)) ? new(writer)
            : throw new ArgumentException($"{typeof(TArguments).Name} has no field of {typeof(TInner).Name}");

    internal static string Declared => string.Join(", ", s_fields.Select(one => one.Field.FieldType == typeof(TensorMap)
        ? $".param .align {TensorMap.Alignment} .b8 {one.Field.Name}[{TensorMap.Size}]"
        : $".param .{Type(one.Field)} {one.Field.Name}"));

    internal static IReadOnlyList<int> Offsets => [.. s_fields.Select(one => one.Offset)];

    /// <summary>In the order in which they lie, those of structs within in their place.</summary>
    private static IEnumerable<(FieldInfo Field, int Offset)> Fields(Type type, int first) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public)
            .Select(field => (Field: field, Offset: first + (int)Marshal.OffsetOf(type, field.Name))).OrderBy(one => one.Offset)
            .SelectMany(one => one.Field.FieldType.IsPrimitive || one.Field.FieldType == typeof(TensorMap) ? [Aligned(one)]
                : Fields(one.Field.FieldType, one.Offset));

    private static (FieldInfo, int) Aligned((FieldInfo Field, int Offset) one) =>
        one.Field.FieldType != typeof(TensorMap) || one.Offset % TensorMap.Alignment == 0 ? one
            : throw new ArgumentException($"{one.Field.Name} is not at a multiple of {TensorMap.Alignment} bytes: maps come first");

    private static string Type(FieldInfo field) => field.FieldType == typeof(int) ? "u32" : field.FieldType == typeof(long) ? "u64"
        : field.FieldType == typeof(float) ? "f32"
        : throw new ArgumentException(
            $"{typeof(TArguments).Name}.{field.Name} is {field.FieldType.Name}; a kernel takes int, long and float");

    private static string Name(Expression body) => body is MemberExpression { Member: FieldInfo field } ? field.Name
        : throw new ArgumentException($"{body} is no field of {typeof(TArguments).Name}");
}

internal sealed partial class PtxWriter
{
    /// <summary>Writes a kernel.</summary>
    /// <param name="name">Of its entry.</param>
    /// <param name="target">Such as <c>sm_80</c>.</param>
    /// <param name="threads">Of a group.</param>
    /// <param name="sharedBytes">That the launch gives.</param>
    /// <param name="body">Writes what it does.</param>
    /// <param name="resident">Groups that a multiprocessor is to hold at once; 0 leaves it to the assembler.</param>
    public static WrittenKernel Kernel<TArguments>(string name, string target, int threads, int sharedBytes,
        Action<PtxWriter, PtxArguments<TArguments>> body, int resident = 0)
        where TArguments : unmanaged
    {
        var writer = new PtxWriter();
        body(writer, new PtxArguments<TArguments>(writer));
        return new WrittenKernel(name, writer.Module(name, target, threads, resident, PtxArguments<TArguments>.Declared), threads, sharedBytes,
            PtxArguments<TArguments>.Offsets);
    }

    internal Register<T> Parameter<T>(string name, string file, int line)
        where T : IPtxType
    {
        At(file, line);
        return new Register<T>(Result<T>($"ld.param.{T.Suffix}", $"[{name}]"));
    }

    internal Register<S64> ParameterAddress(string name, string file, int line)
    {
        At(file, line);
        return new Register<S64>(Result<S64>("cvta.param.u64", Result<S64>("mov.b64", name)));
    }

    private string Module(string name, string target, int threads, int resident, string parameters)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            .version {(target == "sm_90a" ? "8.0" : "7.1")}
            .target {target}
            .address_size 64

            """);
        foreach (string shared in _shared.Where(shared => shared.StartsWith(".extern", StringComparison.Ordinal)))
            text.Append(shared).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"\n.visible .entry {name}({parameters})\n.maxntid {threads}, 1, 1\n");
        if (resident > 0)
            text.Append(CultureInfo.InvariantCulture, $".minnctapersm {resident}\n");
        text.Append("{\n");
        foreach (var (letter, count) in _registers)
            text.Append(CultureInfo.InvariantCulture, $"    .reg .{Declared(letter)} %{letter}<{count}>;\n");
        foreach (string shared in _shared.Where(shared => !shared.StartsWith(".extern", StringComparison.Ordinal)))
            text.Append("    ").Append(shared).Append('\n');
        text.Append(_body).Append("    ret;\n}\n");
        for (int i = 0; i < _files.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $".file {i + 1} \"{_files[i].Replace('\\', '/')}\"\n");
        return text.ToString();
    }

    private static string Declared(string letter) => letter switch
    {
        "r" => "b32",
        "d" => "b64",
        "f" => "f32",
        _ => "pred",
    };
}
