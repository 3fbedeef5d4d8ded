using System.CommandLine;
using BDense.Cli.Terminal;

namespace BDense.Cli.Verbs.Datasets;

/// <summary>
/// <c>bdense data</c>: what comes before training: where published datasets come from, images made into a dataset, a look at one.
/// </summary>
internal static class DataVerb
{
    public static Verb Verb(Ui ui)
    {
        Verb[] inner = [Prepare.Verb(ui), Show.Verb(ui), Sources.Verb(ui)];
        var json = CommonOptions.Json();
        var command = new Command("data", "Prepares images for training, shows a dataset, says where published ones come from.") { json };
        foreach (var verb in inner)
            command.Subcommands.Add(verb.Command);
        // Alone it answers the first question that there is.
        command.SetAction(parse => Sources.Run(ui, null, parse.GetValue(json)));
        return new Verb(command,
            ["bdense data prepare photos --crop center --resolution 64 --out photos.zip", "bdense data show photos.zip",
            "bdense data sources cifar10"])
        { Inner = inner };
    }
}
