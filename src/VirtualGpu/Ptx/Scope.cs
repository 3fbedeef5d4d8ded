using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace BDense.VirtualGpu.Ptx;

/// <summary>Names between two braces; those within see those without.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, Register> _registers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Count, int Bits)> _ranges = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _plain = new(StringComparer.Ordinal);

    public Scope? Parent { get; } = parent;

    public Dictionary<string, MemoryArray> Arrays { get; } = new(StringComparer.Ordinal);

    /// <summary>Labels: the number of the statement that follows.</summary>
    public Dictionary<string, int> Labels { get; } = new(StringComparer.Ordinal);

    /// <summary>Lists of labels for brx.idx.</summary>
    public Dictionary<string, string[]> Lists { get; } = new(StringComparer.Ordinal);

    /// <returns>False for a name that this scope has.</returns>
    public bool Declare(string name, int bits) => !Has(name) && _plain.TryAdd(name, bits);

    /// <summary><c>%r&lt;50&gt;</c>: %r0 to %r49.</summary>
    /// <returns>False for a name that this scope has.</returns>
    public bool DeclareRange(string prefix, int count, int bits) => _ranges.TryAdd(prefix, (count, bits));

    public bool Has(string name) =>
        _plain.ContainsKey(name) || Arrays.ContainsKey(name) || Labels.ContainsKey(name) || Lists.ContainsKey(name);

    /// <summary>The register of that name in this scope or around it.</summary>
    /// <param name="name">Which.</param>
    /// <param name="make">Makes a register (name, bits) at its first use.</param>
    public Register? Find(string name, Func<string, int, Register> make)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._registers.TryGetValue(name, out var register))
                return register;
            if (scope.BitsOf(name) is { } bits)
            {
                scope._registers.Add(name, register = make(name, bits));
                return register;
            }
        }
        return null;
    }

    /// <summary>A label, a list or an array of that name in this scope or around it.</summary>
    public bool TryFind<T>(Func<Scope, Dictionary<string, T>> names, string name, [MaybeNullWhen(false)] out T found)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (names(scope).TryGetValue(name, out found))
                return true;
        }
        found = default;
        return false;
    }

    private int? BitsOf(string name)
    {
        if (_plain.TryGetValue(name, out int bits))
            return bits;
        int digits = name.Length;
        while (digits > 0 && char.IsAsciiDigit(name[digits - 1]))
            digits--;
        // A prefix may itself end with digits: %r1<4> has %r10 to %r13.
        for (; digits < name.Length; digits++)
        {
            var number = name.AsSpan(digits);
            if (_ranges.TryGetValue(name[..digits], out var range) && (number.Length == 1 || number[0] != '0')
                && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < range.Count)
            {
                return range.Bits;
            }
        }
        return null;
    }
}
