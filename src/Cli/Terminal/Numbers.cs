using System.CommandLine;
using System.CommandLine.Parsing;
using System.Numerics;
using BDense.Kernels;

namespace BDense.Cli.Terminal;

/// <summary>An option whose text is a number or several, and the rule that each follows.</summary>
internal interface INumberOption
{
    INumberRule Rule { get; }
}

/// <summary>
/// Every numeric option, each with its range where it is defined. The command line's own conversion goes by the culture, takes thousands
/// separators, and names types of .NET in its messages: no option uses it, which a test sees to.
/// </summary>
internal static class Numbers
{
    public static Option<int> Int(string name, string description, int @default, int min, int max) =>
        Make(name, description, "N", new NumberRule<int>(min, max), value => value, @default);

    /// <summary>A whole number, or none where it is left out.</summary>
    public static Option<int?> OptionalInt(string name, string description, int min, int max, string helpName = "N") =>
        Make<int?, int>(name, description, helpName, new NumberRule<int>(min, max), value => value, null);

    /// <param name="name">Of the option.</param>
    /// <param name="description">For its help.</param>
    /// <param name="default">Where it is left out.</param>
    /// <param name="min">The least.</param>
    /// <param name="max">The greatest.</param>
    /// <param name="above">The least itself is not allowed.</param>
    /// <param name="below">The greatest itself is not allowed.</param>
    public static Option<double> Real(string name, string description, double @default, double min, double max, bool above = false,
        bool below = false) =>
        Make(name, description, "X", new NumberRule<double>(min, max, above, below), value => value, @default);

    /// <summary>A number, or none where it is left out.</summary>
    /// <param name="name">Of the option.</param>
    /// <param name="description">For its help.</param>
    /// <param name="min">The least.</param>
    /// <param name="max">The greatest.</param>
    /// <param name="above">The least itself is not allowed.</param>
    /// <param name="below">The greatest itself is not allowed.</param>
    public static Option<double?> OptionalReal(string name, string description, double min, double max, bool above = false,
        bool below = false) =>
        Make<double?, double>(name, description, "X", new NumberRule<double>(min, max, above, below), value => value, null);

    /// <summary>A probability below 1, or none where it is left out.</summary>
    public static Option<float?> OptionalProbability(string name, string description) =>
        Make<float?, float>(name, description, "P", new NumberRule<float>(0, 1, BelowMax: true), value => value, null);

    public static Option<ulong> Seed(string name, string description, ulong @default) =>
        Make(name, description, "N", new NumberRule<ulong>(0, ulong.MaxValue), value => value, @default);

    /// <summary>Whole numbers with commas between, as text; or <paramref name="default"/> where they are left out.</summary>
    public static Option<string?> List(string name, string description, string helpName, string? @default, int min, int max)
    {
        var rule = new NumberRule<int>(min, max);
        return new NumberOption<string?>(name, rule)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => @default,
            CustomParser = result =>
            {
                string text = Text(result);
                if (text.Split(',').FirstOrDefault(part => !rule.Takes(part)) is { } wrong)
                    result.AddError($"{rule.Fault(name, wrong)}{(text == wrong ? "" : $" (in {Printable.Quoted(text)})")}");
                return text;
            },
        };
    }

    private static NumberOption<TValue> Make<TValue, T>(string name, string description, string helpName, NumberRule<T> rule,
        Func<T, TValue> wrap, TValue @default)
        where T : struct, INumber<T>, IMinMaxValue<T> => new(name, rule)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => @default,
            CustomParser = result =>
            {
                if (rule.TryRead(Text(result), out var value))
                    return wrap(value);
                result.AddError(rule.Fault(name, Text(result)));
                return @default;
            },
        };

    private static string Text(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[0].Value : "";

    private sealed class NumberOption<TValue>(string name, INumberRule rule) : Option<TValue>(name), INumberOption
    {
        public INumberRule Rule { get; } = rule;
    }
}
