using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense completion</c>: the lines that make a shell complete verbs, options and names.</summary>
internal static class CompletionVerb
{
    public static Verb Verb(Ui ui)
    {
        var shell = new Argument<string>("SHELL")
        {
            Description = $"{string.Join(", ", CompletionScript.Shells)}: for which the lines are.",
        };
        var command = new Command("completion", "Prints the lines that make a shell complete verbs, options and names.") { shell };
        command.SetAction(parse =>
        {
            string name = parse.GetValue(shell)!;
            if (!CompletionScript.Shells.Contains(name))
                throw new UsageException(
                    $"there is no completion for {Printable.Quoted(name)}{Suggestion.OrAll(name, CompletionScript.Shells)}");
            ui.Output.WriteLine(CompletionScript.For(name));
        });
        return new Verb(command, "source <(bdense completion bash)", "bdense completion fish | source");
    }
}
