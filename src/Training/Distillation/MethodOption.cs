namespace BDense.Training.Distillation;

/// <summary>What an option's value is, with its range.</summary>
public abstract record OptionValue
{
    private OptionValue()
    {
    }

    /// <summary>A whole number.</summary>
    public sealed record Whole(int Min, int Max) : OptionValue;

    /// <summary>Whole numbers with commas between, as text.</summary>
    public sealed record Wholes(int Min, int Max) : OptionValue;

    /// <summary>A number; <paramref name="Above"/> its least, <paramref name="Below"/> its greatest.</summary>
    public sealed record Real(double Min, double Max, bool Above = false, bool Below = false) : OptionValue;

    /// <summary>Any text; <paramref name="HelpName"/> stands for it in the help.</summary>
    public sealed record Text(string HelpName) : OptionValue;

    /// <summary>One of some names, in lower case.</summary>
    public sealed record Choice(IReadOnlyList<string> Names) : OptionValue;

    /// <summary>True where it stands alone.</summary>
    public sealed record Flag : OptionValue;
}

/// <summary>
/// An option of a method as a command line has it: a name, a sentence, a range, and what its value changes. Methods may have options
/// of one name and one kind of value in common.
/// </summary>
/// <param name="Name">With its dashes.</param>
/// <param name="Help">A sentence or two.</param>
/// <param name="Value">What is given.</param>
/// <param name="Set">The options with a value that was given, of the kind that <paramref name="Value"/> says: int, double, string or
/// bool.</param>
public sealed record MethodOption(string Name, string Help, OptionValue Value, Func<Distill, object, Distill> Set)
{
    /// <param name="name">With its dashes.</param>
    /// <param name="help">A sentence or two.</param>
    /// <param name="min">The least.</param>
    /// <param name="max">The greatest.</param>
    /// <param name="set">The options with it.</param>
    public static MethodOption Whole<T>(string name, string help, int min, int max, Func<T, int, Distill> set)
        where T : Distill => new(name, help, new OptionValue.Whole(min, max), (o, v) => set((T)o, (int)v));

    /// <inheritdoc cref="Whole"/>
    public static MethodOption Wholes<T>(string name, string help, int min, int max, Func<T, string, Distill> set)
        where T : Distill => new(name, help, new OptionValue.Wholes(min, max), (o, v) => set((T)o, (string)v));

    /// <inheritdoc cref="Whole"/>
    public static MethodOption Real<T>(string name, string help, OptionValue.Real range, Func<T, double, Distill> set)
        where T : Distill => new(name, help, range, (o, v) => set((T)o, (double)v));

    /// <inheritdoc cref="Whole"/>
    public static MethodOption Text<T>(string name, string help, string helpName, Func<T, string, Distill> set)
        where T : Distill => new(name, help, new OptionValue.Text(helpName), (o, v) => set((T)o, (string)v));

    /// <inheritdoc cref="Whole"/>
    public static MethodOption Choice<T, TEnum>(string name, string help, Func<T, TEnum, Distill> set)
        where T : Distill
        where TEnum : struct, Enum =>
        new(name, help, new OptionValue.Choice([.. Enum.GetNames<TEnum>().Select(n => n.ToLowerInvariant())]),
            (o, v) => set((T)o, Enum.Parse<TEnum>((string)v, ignoreCase: true)));

    /// <inheritdoc cref="Whole"/>
    public static MethodOption Flag<T>(string name, string help, Func<T, bool, Distill> set)
        where T : Distill => new(name, help, new OptionValue.Flag(), (o, v) => set((T)o, (bool)v));
}
