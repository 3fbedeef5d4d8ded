using System.CommandLine;
using BDense.Cli.Reports;

namespace BDense.Cli.Verbs.Exporting;

/// <summary>What a person adds to a model card.</summary>
internal sealed class CardGroup
{
    private readonly Option<string?> _licence = new("--license")
    {
        Description = "For the model card: the licence under which the model leaves, as CC-BY-4.0. Without it the card says 'unknown'.",
        HelpName = "TEXT",
        Aliases = { "--licence" },
    };

    private readonly Option<string?> _results = new("--results")
    {
        Description = "For the model card: the figures of this model from a file that 'bdense evaluate --json' printed.",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_licence);
        command.Options.Add(_results);
    }

    public ModelCard Read(ParseResult parse, ModelCard card) =>
        card with { Licence = parse.GetValue(_licence), Results = parse.GetValue(_results) };
}
