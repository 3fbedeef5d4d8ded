using System.Text.Json.Nodes;
using BDense.Cli;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>One call of the command, in this process: its exit code and both streams.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    public static async Task<CliRun> Of(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = await Program.Run(args, output, error);
        return new CliRun(code, output.ToString(), error.ToString());
    }

    /// <summary>As <see cref="Of"/>, and it succeeds.</summary>
    public static async Task<CliRun> Succeeds(params string[] args)
    {
        var run = await Of(args);
        Assert.That(run.ExitCode, Is.Zero, $"bdense {string.Join(' ', args)}\n{run.Error}");
        return run;
    }

    /// <summary>Standard output as the one JSON object that it must be.</summary>
    public JsonObject Json => JsonNode.Parse(Output)!.AsObject();

    /// <summary>The last line of standard error: the message.</summary>
    public string Message => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
}
