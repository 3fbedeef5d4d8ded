using System.Runtime.CompilerServices;
using System.Text;

namespace BDense.Kernels.Ptx;

/// <summary>
/// Writes one kernel in PTX. A C# loop unrolls,
/// <see cref="For(Value{S32}, Value{S32}, Action{Register{S32}}, Value{S32}, string, int)"/> loops on the device; C#'s arrays
/// hold registers. Every statement remembers where it stands in C#, so that the explorer, the virtual GPU and NVIDIA's tools lead back to
/// it.
/// </summary>
internal sealed partial class PtxWriter
{
    private readonly StringBuilder _body = new();
    private readonly Dictionary<string, int> _registers = [];
    private readonly List<string> _files = [];
    private readonly List<string> _shared = [];
    private (int File, int Line) _at;
    private int _labels;
    private string _indent = "    ";

    /// <summary>Writes an instruction without a result.</summary>
    /// <param name="text">Without its semicolon.</param>
    /// <param name="when">Lanes that execute it; all without.</param>
    /// <param name="unless">The other lanes instead.</param>
    internal void Write(string text, Value<Predicate>? when = null, bool unless = false)
    {
        string guard = when is null ? "" : $"@{(unless ? "!" : "")}{when.Write(this)} ";
        _body.Append(_indent).Append(guard).Append(text).Append(";\n");
    }

    /// <summary>Writes an instruction with a result, into a register of its own.</summary>
    internal string Result<T>(string name, params ReadOnlySpan<string> operands)
        where T : IPtxType
    {
        string register = NewRegister<T>();
        _body.Append(_indent).Append(name).Append(' ').Append(register);
        foreach (string operand in operands)
            _body.Append(", ").Append(operand);
        _body.Append(";\n");
        return register;
    }

    internal string NewRegister<T>()
        where T : IPtxType
    {
        int n = _registers.GetValueOrDefault(T.Letter);
        _registers[T.Letter] = n + 1;
        return $"%{T.Letter}{n}";
    }

    /// <summary>The place of what follows.</summary>
    internal void At(string file, int line)
    {
        int index = _files.IndexOf(file);
        if (index < 0)
        {
            index = _files.Count;
            _files.Add(file);
        }
        if (_at == (index + 1, line))
            return;
        _at = (index + 1, line);
        _body.Append(_indent).Append(".loc ").Append(index + 1).Append(' ').Append(line).Append(" 0\n");
    }

    /// <summary>A value in a register.</summary>
    public Register<T> Let<T>(Value<T> value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : IPtxType
    {
        At(file, line);
        if (value is not Constant<T> and not Register<T>)
            return new Register<T>(value.Write(this));
        // A register's copy does not change with it.
        return new Register<T>(Result<T>($"mov.{(T.Suffix == "pred" ? "pred" : T.Declared)}", value.Write(this)));
    }

    /// <summary>Registers with one value each.</summary>
    public Register<T>[] Let<T>(int count, Func<int, Value<T>> value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : IPtxType => [.. Enumerable.Range(0, count).Select(i => Let(value(i), file, line))];

    /// <summary>Registers that nothing has been written to.</summary>
    public Register<T>[] Registers<T>(int count)
        where T : IPtxType => [.. Enumerable.Range(0, count).Select(_ => new Register<T>(NewRegister<T>()))];

    /// <summary>Writes a register again.</summary>
    public void Set<T>(Register<T> register, Value<T> value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : IPtxType
    {
        At(file, line);
        Write($"mov.{(T.Suffix == "pred" ? "pred" : T.Declared)} {register.Name}, {value.Write(this)}");
    }

    /// <summary>The thread's index in its group.</summary>
    public Register<U32> Thread([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Special("%tid.x", file, line);

    /// <summary>The group's index in the grid.</summary>
    public Register<U32> Group([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Special("%ctaid.x", file, line);

    /// <summary>Groups of the grid.</summary>
    public Register<U32> Groups([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Special("%nctaid.x", file, line);

    /// <summary>condition ? then : otherwise, without a branch.</summary>
    public static Value<T> Select<T>(Value<Predicate> condition, Value<T> then, Value<T> otherwise)
        where T : IPtxType => new Call<T>(w =>
        {
            string a = then.Write(w), b = otherwise.Write(w);
            return w.Result<T>($"selp.{T.Declared}", a, b, condition.Write(w));
        });

    /// <summary>The smaller of two.</summary>
    public static Value<T> Min<T>(Value<T> a, Value<T> b)
        where T : IPtxType => new Call<T>(w => w.Result<T>($"min.{T.Suffix}", a.Write(w), b.Write(w)));

    /// <summary>The larger of two.</summary>
    public static Value<T> Max<T>(Value<T> a, Value<T> b)
        where T : IPtxType => new Call<T>(w => w.Result<T>($"max.{T.Suffix}", a.Write(w), b.Write(w)));

    /// <summary>log2(x), to a few units in the last place.</summary>
    public static Value<F32> Log2(Value<F32> x) => new Call<F32>(w => w.Result<F32>("lg2.approx.ftz.f32", x.Write(w)));

    /// <summary>The value of the lane whose number differs in these bits: all lanes of the warp take part.</summary>
    public static Value<F32> FromLane(Value<F32> x, int bits) =>
        new Call<F32>(w => w.Result<F32>("shfl.sync.bfly.b32", x.Write(w), $"{bits}", "31", "0xffffffff"));

    /// <summary>
    /// x (1 + ln(2) / 2^11): the tensor core takes the upper 19 bits of a float32, which rounds this one about to the nearest TF32.
    /// </summary>
    public static Value<F32> RoundedForTf32(Value<F32> x) => x * BitConverter.UInt32BitsToSingle(0x3F800B17);

    /// <summary>a * b + c, rounded once.</summary>
    public static Value<F32> Fma(Value<F32> a, Value<F32> b, Value<F32> c) =>
        new Call<F32>(w => w.Result<F32>("fma.rn.f32", a.Write(w), b.Write(w), c.Write(w)));

    /// <summary>2^x, to a few units in the last place; subnormal results are 0.</summary>
    public static Value<F32> Exp2(Value<F32> x) => new Call<F32>(w => w.Result<F32>("ex2.approx.ftz.f32", x.Write(w)));

    /// <summary>1 / x, to a unit in the last place.</summary>
    public static Value<F32> Reciprocal(Value<F32> x) => new Call<F32>(w => w.Result<F32>("rcp.approx.ftz.f32", x.Write(w)));

    /// <summary>The two BF16 values of a pair, the earlier one first; exact.</summary>
    public static Value<F32>[] OfBf16Pair(Value<B32> pair) => [(pair * 65536).As<F32>(), (pair & -65536).As<F32>()];

    /// <summary>Two values rounded to the nearest BF16, ties to even; the first in the low half.</summary>
    public static Value<B32> Bf16Pair(Value<F32> low, Value<F32> high) => new Call<B32>(w =>
    {
        string a = high.Write(w), b = low.Write(w);
        return w.Result<B32>("cvt.rn.bf16x2.f32", a, b);
    });

    /// <summary>Lanes for which the condition holds go through; the others wait behind it.</summary>
    public void If(Value<Predicate> condition, Action then, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        string label = NewLabel();
        Write($"bra {label}", condition, unless: true);
        Within(then);
        _body.Append(label).Append(":\n");
    }

    /// <summary>
    /// A loop of the device: index from <paramref name="from"/> by <paramref name="step"/> while below <paramref name="to"/>.
    /// </summary>
    public void For(Value<S32> from, Value<S32> to, Action<Register<S32>> body, Value<S32>? step = null, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        var index = Let(from, file, line);
        var end = to is Constant<S32> or Register<S32> ? to : Let(to, file, line);
        string start = NewLabel(), behind = NewLabel();
        Write($"bra {behind}", index < end, unless: true);
        _body.Append(start).Append(":\n");
        Within(() => body(index));
        At(file, line);
        Set(index, index + (step ?? 1), file, line);
        Write($"bra {start}", index < end);
        _body.Append(behind).Append(":\n");
    }

    /// <summary>All threads of the group meet.</summary>
    public void Barrier([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write("bar.sync 0");
    }

    private Register<U32> Special(string name, string file, int line)
    {
        At(file, line);
        return new Register<U32>(Result<U32>("mov.u32", name));
    }

    private string NewLabel() => $"L{_labels++}";

    private void Within(Action body)
    {
        string outer = _indent;
        _indent += "    ";
        body();
        _indent = outer;
    }
}
