using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BDense.Cli;
using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>
/// Every numeric option of every verb against a list of bad values. The options are found in the commands themselves: whoever adds one need
/// not add it here.
/// </summary>
public sealed class NumberOptionTests
{
    private static readonly string[] Bad =
    [
        "", " ", "abc", "0,001", "1,000.5", "1 000", "1_000", "1'000", "0x10", "1e999", "-1e999", "NaN", "-NaN", "Infinity", "-Infinity",
        "∞", "--1", "+-1", "1-", "(1)", "$1", "1%",
        "1.2.3", ".", "e5", "1e", "1f", "1d", "1L", "٣", "１", "½", "1\t", " 1", "1\n2", "1;2", "5\0", "\u001b[31m1", "99999999999999999999",
        "-99999999999999999999",
        "170141183460469231731687303715884105728", new('9', 400),
    ];

    private static readonly HashSet<Type> NumericTypes =
    [
        typeof(byte), typeof(short), typeof(int), typeof(long), typeof(uint), typeof(ulong), typeof(float), typeof(double), typeof(decimal),
        typeof(Half), typeof(Int128),
    ];

    private static IEnumerable<(Command Verb, Option Option)> Options() =>
        Program.Root(new Ui(TextWriter.Null, TextWriter.Null)).Subcommands.SelectMany(verb => verb.Subcommands.Prepend(verb))
            .SelectMany(verb => verb.Options.Select(option => (verb, option)));

    private static string Name(Command verb) => Program.PathOf(verb).TrimEnd();

    private static IEnumerable<TestCaseData> NumericOptions() => Options().Where(o => o.Option is INumberOption)
        .Select(o => new TestCaseData(Name(o.Verb), o.Option.Name).SetArgDisplayNames(Name(o.Verb), o.Option.Name));

    [Test]
    public void All_numbers_are_read_by_the_one_parser()
    {
        var others = Options()
            .Where(o => o.Option is not INumberOption
                && NumericTypes.Contains(Nullable.GetUnderlyingType(o.Option.ValueType) ?? o.Option.ValueType))
            .Select(o => $"{Name(o.Verb)} {o.Option.Name}");
        Assert.That(others, Is.Empty, "define them by Numbers, with their range");
        Assert.That(NumericOptions().Count(), Is.GreaterThan(80));
    }

    [Test]
    public void Defaults_lie_in_their_ranges()
    {
        var outside = Options()
            .Where(o => o.Option is INumberOption && o.Option.GetDefaultValue() is { } value
                && !Convert.ToString(value, CultureInfo.InvariantCulture)!.Split(',').All(((INumberOption)o.Option).Rule.Takes))
            .Select(o => $"{Name(o.Verb)} {o.Option.Name}");
        Assert.That(outside, Is.Empty);
    }

    [TestCaseSource(nameof(NumericOptions))]
    public async Task Bad_numbers_are_usage_errors(string verb, string name)
    {
        var (command, option) = Options().Single(o => Name(o.Verb) == verb && o.Option.Name == name);
        var rule = ((INumberOption)option).Rule;
        // Below any least number, above any greatest; what a rule does take is no bad value to it.
        var values = Bad.Concat(["-1", "-0.5", "0", "1e31", "2147483648", "18446744073709551616"]).Where(text => !rule.Takes(text))
            .ToList();
        Assert.That(values, Is.SupersetOf(Bad.Where(text => !text.StartsWith('9'))), "nothing of these is a number");
        Assert.That(values, Does.Contain("-1"), "no option takes negative numbers");
        // Where something is required it is given, so that the number alone is wrong.
        string[] call =
        [
            .. verb.Split(' '),
            .. command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > 0).Select(_ => "there-is-none"),
            .. command.Options.Where(o => o.Required).SelectMany(o => new[] { o.Name, "there-is-none" }),
        ];
        var clock = Stopwatch.StartNew();
        foreach (string value in values)
        {
            var run = await CliRun.Of([.. call, name, value]);
            string shown = $"{verb} {name} '{value}': {run.Error}";
            Assert.That(run.ExitCode, Is.EqualTo(2), shown);
            Assert.That(run.Output, Is.Empty, shown);
            Assert.That(run.Error, Does.StartWith($"bdense: {name} must be {rule.Description}, not '"), shown);
            Assert.That(run.Error.TrimEnd().Where(char.IsControl), Is.Empty, shown);
            Assert.That(run.Error, Does.Not.Contain("System.").And.Not.Contain("   at "), shown);
        }
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    [TestCase("-1")]
    [TestCase("NaN")]
    [TestCase("-0.001")]
    public async Task Churn_is_0_or_more(string churn)
    {
        var run = await CliRun.Of("sample", "--model", "there-is-none", "--solver", "heun", "--churn", churn);
        Assert.That((run.ExitCode, run.Message),
            Is.EqualTo(
                (2, $"bdense: --churn must be a number of at least 0 and at most 1000000, not '{churn}' (see 'bdense sample --help')")));
    }
}
