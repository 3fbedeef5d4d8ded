using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>Which bdense it is.</summary>
public sealed class VersionTests
{
    [TestCase("1.2.3+0123abc", "bdense 1.2.3 (commit 0123abc)")]
    [TestCase("1.2.3-dirty+0123abc", "bdense 1.2.3-dirty (commit 0123abc)")]
    [TestCase("1.2.3", "bdense 1.2.3")]
    [TestCase("1.2.3+", "bdense 1.2.3")]
    public void The_commit_stands_behind_it(string informational, string text) =>
        Assert.That(ProgramVersion.Of(informational), Is.EqualTo(text));

    [Test]
    public async Task It_is_what_is_printed()
    {
        var run = await CliRun.Succeeds("--version");
        Assert.That(run.Output.Trim(), Is.EqualTo(ProgramVersion.Text).And.Match(@"^bdense \d+\.\d+\.\d+"));
    }
}
