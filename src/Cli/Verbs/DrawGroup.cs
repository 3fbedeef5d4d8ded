using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Training.Samplers;

namespace BDense.Cli.Verbs;

/// <summary>The options that say what each image is made from: the seed or one an image, and the class.</summary>
internal sealed class DrawGroup
{
    public Option<ulong> Seed { get; } = CommonOptions.Seed();

    private readonly Option<string?> _seeds = new("--seeds")
    {
        Description = "One image for each of these seeds, as 0-63 or 1,2,5-10, in place of --seed and --count. An image depends on its "
            + "seed alone; of a class-conditional network its class is seed mod classes.",
        HelpName = "LIST",
    };

    private readonly Option<int?> _class = Numbers.OptionalInt("--class",
        "Class of every image, from 0. Default: the noise's labels, else all classes in turn.", min: 0, max: Most.Classes);

    /// <summary>All but the seed, which every verb has.</summary>
    public IReadOnlyList<Option> Others => [_seeds, _class];

    public void AddTo(Command command)
    {
        command.Options.Add(Seed);
        foreach (var option in Others)
            command.Options.Add(option);
    }

    /// <summary>The draws, and how many images they are for where they say it.</summary>
    /// <param name="parse">The call.</param>
    /// <param name="count">The option that says it elsewhere.</param>
    /// <exception cref="UsageException">Two ways for one thing.</exception>
    public (ImageDraws Draws, int? Count) Read(ParseResult parse, Option<int> count)
    {
        var draws = new ImageDraws { Seed = parse.GetValue(Seed), Class = parse.GetValue(_class) };
        if (parse.GetValue(_seeds) is not { } text)
            return (draws, null);
        foreach (var option in new Option[] { Seed, count })
        {
            if (parse.GetResult(option) is { Implicit: false })
                throw new UsageException($"--seeds says how many images and what they are drawn from; give it without {option.Name}");
        }
        var seeds = SeedList.Parse("--seeds", text, Most.Images);
        return (draws with { Seeds = seeds }, seeds.Count);
    }

    /// <summary>As a command line has them.</summary>
    public string Arguments(ImageDraws draws, int count) =>
        (draws.Seeds is { } seeds ? $"--seeds {seeds.Text}"
            : FormattableString.Invariant($"--seed {draws.Seed} --count {count}")) + (draws.Class is { } one
                ? FormattableString.Invariant($" --class {one}") : "");
}
