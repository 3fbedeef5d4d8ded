using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Training.Distillation;
using DistillRecord = BDense.Training.Distillation.Distill;

namespace BDense.Cli.Verbs;

/// <summary>
/// The options of all distillation methods as the command line has them: one for each name, with the methods that it is for, made from what
/// the methods themselves say.
/// </summary>
internal sealed class MethodOptions
{
    private readonly IReadOnlyDictionary<string, (Option Option, Func<ParseResult, object?> Read)> _all;

    public MethodOptions()
    {
        var all = new Dictionary<string, (Option, Func<ParseResult, object?>)>();
        foreach (var own in DistillationMethods.All.SelectMany(m => m.Options))
        {
            if (!all.ContainsKey(own.Name))
                all[own.Name] = Make(own, $"{Owners(own.Name)}{own.Help}");
        }
        _all = all;
    }

    /// <summary>In the order of the methods' lists.</summary>
    public IEnumerable<Option> All => _all.Values.Select(o => o.Option);

    /// <summary>Leaves in the help what one method takes.</summary>
    public void ShowFor(IDistillationMethod method)
    {
        foreach (var (name, (option, _)) in _all)
            option.Hidden = method.Options.All(o => o.Name != name);
    }

    /// <summary>A method's options with what is given.</summary>
    /// <param name="parse">The call.</param>
    /// <param name="start">Where nothing is given.</param>
    /// <exception cref="UsageException">An option of another method is given, or a value does not fit.</exception>
    public DistillRecord Read(ParseResult parse, DistillRecord start)
    {
        var method = start.Method;
        var given = _all.Where(o => IsGiven(parse, o.Key)).Select(o => o.Key).ToHashSet();
        if (given.FirstOrDefault(name => method.Options.All(o => o.Name != name)) is { } foreign)
            throw new UsageException($"{foreign} is for --method {MethodsOf(foreign)}, not for {method.Name}");
        var options = start;
        foreach (var own in method.Options.Where(o => given.Contains(o.Name)))
            options = own.Set(options, _all[own.Name].Read(parse)!);
        return method.Settle(options, given.Contains);
    }

    /// <summary>Whether an option is given, by its name.</summary>
    public bool IsGiven(ParseResult parse, string name) => parse.GetResult(_all[name].Option) is { Implicit: false };

    private static string MethodsOf(string name) =>
        string.Join(", ", DistillationMethods.All.Where(m => m.Options.Any(o => o.Name == name)).Select(m => m.Name));

    private static string Owners(string name) =>
        DistillationMethods.All.All(m => m.Options.Any(o => o.Name == name)) ? "" : $"{MethodsOf(name)}: ";

    private static (Option Option, Func<ParseResult, object?> Read) Make(MethodOption own, string help) => own.Value switch
    {
        OptionValue.Whole v => Of(Numbers.OptionalInt(own.Name, help, v.Min, v.Max), (parse, o) => parse.GetValue(o)),
        OptionValue.Wholes v => Of(Numbers.List(own.Name, help, "N", null, v.Min, v.Max), (parse, o) => parse.GetValue(o)),
        OptionValue.Real v => Of(Numbers.OptionalReal(own.Name, help, v.Min, v.Max, v.Above, v.Below), (parse, o) => parse.GetValue(o)),
        OptionValue.Text v => Of(new Option<string?>(own.Name) { Description = help, HelpName = v.HelpName },
            (parse, o) => parse.GetValue(o)),
        OptionValue.Flag => Of(new Option<bool>(own.Name) { Description = help }, (parse, o) => parse.GetValue(o)),
        OptionValue.Choice v => Of(CommonOptions.Choice(own.Name, help, v.Names), (parse, o) => parse.GetValue(o)),
        _ => throw new InvalidOperationException($"{own.Name}: a value of an unknown kind"),
    };

    private static (Option, Func<ParseResult, object?>) Of<T>(T option, Func<ParseResult, T, object?> read)
        where T : Option => (option, parse => read(parse, option));
}
