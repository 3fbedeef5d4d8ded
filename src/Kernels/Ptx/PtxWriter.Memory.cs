using System.Runtime.CompilerServices;

namespace BDense.Kernels.Ptx;

internal sealed partial class PtxWriter
{
    private const string Dynamic = "dynamic_shared";

    /// <summary>Shared memory of a size that is known now.</summary>
    /// <returns>Its address.</returns>
    public Register<U32> Shared(string name, int bytes, int alignment = 128, [CallerFilePath] string file = "", [CallerLineNumber]
    int line = 0)
    {
        _shared.Add($".shared .align {alignment} .b8 {name}[{bytes}];");
        return Special(name, file, line);
    }

    /// <summary>The shared memory that the launch gives.</summary>
    /// <returns>Its address.</returns>
    public Register<U32> SharedOfLaunch(int alignment = 1024, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        string declared = $".extern .shared .align {alignment} .b8 {Dynamic}[];";
        if (!_shared.Contains(declared))
            _shared.Add(declared);
        return Special(Dynamic, file, line);
    }

    /// <summary>A value from global memory.</summary>
    public Register<T> Load<T>(Value<S64> address, Value<Predicate>? when = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
        where T : IPtxType => LoadVector<T>(1, address, when, file, line)[0];

    /// <summary>Neighbours from global memory, in one access: 1, 2 or 4, at a multiple of their bytes. Lanes left out get 0.</summary>
    public Register<T>[] LoadVector<T>(int count, Value<S64> address, Value<Predicate>? when = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
        where T : IPtxType => Loaded<T>("global", count, Place(address, file, line), when);

    /// <summary>The same into registers that there are; lanes left out keep what they have.</summary>
    public void Load<T>(ReadOnlySpan<Register<T>> to, Value<S64> address, Value<Predicate>? when = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
        where T : IPtxType
    {
        string place = Place(address, file, line);
        Write($"ld.global{Width(to.Length)}.{T.Suffix} {Braces<T>([.. to])}, {place}", when);
    }

    /// <summary>From shared memory.</summary>
    public Register<T>[] LoadShared<T>(int count, Value<U32> address, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : IPtxType
    {
        var values = Registers<T>(count);
        LoadShared<T>(values, address, file, line);
        return values;
    }

    /// <summary>The same into registers that there are.</summary>
    public void LoadShared<T>(ReadOnlySpan<Register<T>> to, Value<U32> address, [CallerFilePath] string file = "", [CallerLineNumber]
    int line = 0)
        where T : IPtxType
    {
        string place = Place(address, file, line);
        Write($"ld.shared{Width(to.Length)}.{T.Suffix} {Braces<T>([.. to])}, {place}");
    }

    /// <summary>Neighbours to global memory, in one access.</summary>
    public void Store<T>(Value<S64> address, Value<T>[] values, Value<Predicate>? when = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
        where T : IPtxType => Stored("global", Place(address, file, line), values, when);

    /// <summary>The same to shared memory.</summary>
    public void StoreShared<T>(Value<U32> address, Value<T>[] values, Value<Predicate>? when = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
        where T : IPtxType => Stored("shared", Place(address, file, line), values, when);

    /// <summary>16 bytes from global to shared memory, past the first-level cache and no register; zeros where not
    /// <paramref name="inside"/>, and then nothing is read.</summary>
    public void CopyAsync(Value<U32> to, Value<S64> from, Value<Predicate>? inside = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        string destination = Place(to, file, line), source = Place(from, file, line);
        string bytes = inside is null ? "" : ", " + Select<S32>(inside, 16, 0).Write(this);
        Write($"cp.async.cg.shared.global {destination}, {source}, 16{bytes}");
    }

    /// <summary>The copies since the last call are one group.</summary>
    public void CommitCopies([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write("cp.async.commit_group");
    }

    /// <summary>Waits until all groups of this thread but the <paramref name="newest"/> have arrived.</summary>
    public void WaitForCopies(int newest, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write($"cp.async.wait_group {newest}");
    }

    /// <summary>[register + offset], the constant part of a sum as its offset.</summary>
    private string Place<T>(Value<T> address, string file, int line)
        where T : IPtxType
    {
        At(file, line);
        return address is Binary<T> { Operation: Operation.Add, Right.Number: { } offset } sum
            ? $"[{sum.Left.Write(this)}+{(long)offset}]" : $"[{address.Write(this)}]";
    }

    private Register<T>[] Loaded<T>(string space, int count, string place, Value<Predicate>? when)
        where T : IPtxType
    {
        var values = Registers<T>(count);
        if (when is not null)
        {
            foreach (var value in values)
                Write($"mov.{T.Declared} {value.Name}, {new Constant<T>(0).Write(this)}");
        }
        Write($"ld.{space}{Width(count)}.{T.Suffix} {Braces(values)}, {place}", when);
        return values;
    }

    private void Stored<T>(string space, string place, Value<T>[] values, Value<Predicate>? when)
        where T : IPtxType =>
        Write($"st.{space}{Width(values.Length)}.{T.Suffix} {place}, {Braces(values)}", when);

    private static string Width(int count) => count switch
    {
        1 => "",
        2 or 4 => $".v{count}",
        _ => throw new ArgumentOutOfRangeException(nameof(count), count, "an access is of 1, 2 or 4 values"),
    };

    private string Braces<T>(IReadOnlyList<Value<T>> values)
        where T : IPtxType => values.Count == 1 ? values[0].Write(this) : Listed(values);

    private string Listed<T>(IReadOnlyList<Value<T>> values)
        where T : IPtxType => $"{{{string.Join(", ", values.Select(value => value.Write(this)))}}}";
}
