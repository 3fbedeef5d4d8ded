using System.CommandLine.Completions;
using System.Diagnostics;
using BDense.Cli;
using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>What a shell offers for what is typed, and the lines by which it asks.</summary>
public sealed class CompletionTests
{
    [TestCase("bdense tr", "train")]
    [TestCase("bdense train --preci", "--precision")]
    [TestCase("bdense train --precision ", "fp32", "tf32", "bf16")]
    [TestCase("bdense train --network edm-c", "edm-cifar10", "edm-cifar10-cond")]
    [TestCase("bdense sample --solver unipc", "unipc-bh1", "unipc-bh2")]
    [TestCase("bdense sample --solver=unipc", "unipc-bh1", "unipc-bh2")]
    [TestCase("bdense sample --preset e", "edm")]
    [TestCase("bdense distill --method s", "sfd", "sfd-v")]
    [TestCase("bdense train --device virtual:", "virtual:a100")]
    [TestCase("bdense profile group-norm-f", "group-norm-factors")]
    [TestCase("bdense reproduce table2-c", "table2-cifar10")]
    [TestCase("bdense completion z", "zsh")]
    [TestCase("bdense data ", "prepare", "show", "sources")]
    [TestCase("bdense data sources i", "imagenet64")]
    [TestCase("bdense data prepare photos --crop ", "none", "center", "wide")]
    [TestCase("bdense info --config edm-f", "edm-ffhq64")]
    public async Task Words_are_offered(string line, params string[] words)
    {
        var run = await CliRun.Succeeds($"[suggest:{line.Length}]", line);
        string[] offered = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        Assert.That(offered, Is.SupersetOf(words));
    }

    [Test]
    public void Every_option_that_takes_a_name_offers_names()
    {
        using StringWriter output = new(), error = new();
        var silent = from verb in Program.Root(new Ui(output, error)).Subcommands.SelectMany(verb => verb.Subcommands.Prepend(verb))
                     from option in verb.Options
                     where option.HelpName is "NAME" or "DEVICE"
                     where !option.GetCompletions(CompletionContext.Empty).Any()
                     select $"{verb.Name} {option.Name}";
        Assert.That(silent, Is.Empty);
    }

    /// <summary>
    /// The words are for Tab. In help, which has no terminal's width here, each argument and option is called by one word.
    /// </summary>
    [Test]
    public async Task Help_calls_arguments_by_one_word_and_lists_no_completions()
    {
        using StringWriter output = new(), error = new();
        string[][] calls = [[], .. Program.Root(new Ui(output, error)).Subcommands.SelectMany(verb =>
            verb.Subcommands.Select(inner => new[] { verb.Name, inner.Name }).Prepend([verb.Name]))];
        foreach (string[] call in calls)
        {
            string help = (await CliRun.Succeeds([.. call, "--help"])).Output;
            // A list in place of a word: <afhqv2|cifar10|...>
            Assert.That(help, Does.Not.Match(@"<[^<>\n]*\|[^<>\n]*>"), string.Join(' ', call));
            int widest = help.Split('\n').Select(line => line.TrimStart().Split("  ")).Where(columns => columns.Length > 1)
                .Max(columns => columns[0].Length);
            Assert.That(widest, Is.LessThan(80), $"first column of {string.Join(' ', call)}");
        }
        Assert.That((await CliRun.Succeeds("--help")).Output, Does.Contain("profile <NAME>").And.Contain("reproduce <TABLE>"));
    }

    [Test]
    public async Task A_wrong_shell_is_one_line()
    {
        var run = await CliRun.Of("completion", "bsh");
        Assert.That((run.ExitCode, run.Message),
            Is.EqualTo((2, "bdense: there is no completion for 'bsh'; did you mean 'bash'? There are bash, zsh, fish, pwsh")));
    }

    /// <summary>As bash calls the function: words split at colons too, of which only the last piece is replaced.</summary>
    [TestCase("bdense train --preci", "--preci", "--precision")]
    [TestCase("bdense info --network demo --branc", "--branc", "--branches")]
    [TestCase("bdense train --device virtual:a", "a", "a100")]
    [TestCase("bdense sample --solver=huen --precision=tf", "tf", "tf32")]
    [TestCase("bdense train --out /tmp/no-such", "/tmp/no-such", "")]
    public void Bash_completes(string line, string word, string reply)
    {
        if (!File.Exists("/bin/bash"))
            Assert.Ignore("bash is not installed");
        string program = Path.Combine(AppContext.BaseDirectory, "bdense.dll");
        string script = $$"""
            {{CompletionScript.For("bash")}}
            bdense() { dotnet '{{program}}' "$@"; }
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}} COMP_WORDS=(bdense '{{word}}') COMP_CWORD=1
            _bdense bdense '{{word}}' ''
            printf '%s' "${COMPREPLY[*]}"
            """;
        Assert.That(Shell("/bin/bash", "-c", script), Is.EqualTo(reply));
    }

    /// <summary>Each shell that is here takes the lines.</summary>
    [TestCase("bash", "bash", "-n")]
    [TestCase("zsh", "zsh", "-n")]
    [TestCase("fish", "fish", "--no-execute")]
    public void Lines_are_the_shells_own(string shell, string program, string option)
    {
        if (!"/bin:/usr/bin:/usr/local/bin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program))))
            Assert.Ignore($"{program} is not installed");
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "lines");
        File.WriteAllText(file, CompletionScript.For(shell) + "\n");
        Assert.That(Shell(program, option, file), Is.Empty);
    }

    private static string Shell(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error.Result);
        return output;
    }
}
