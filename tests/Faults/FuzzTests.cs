using NUnit.Framework;

namespace BDense.Tests.Faults;

/// <summary>
/// Every reader on damaged samples of what it reads: some hundred of a fixed seed each, or 20,000 with BDENSE_FAULTS_LONG=1 (another
/// number: so many).
/// </summary>
[TestFixture, Category("Faults")]
public sealed class FuzzTests
{
    private const string LongVariable = "BDENSE_FAULTS_LONG";
    private const int LongMutations = 20_000;

    [TestCaseSource(typeof(ReaderCases), nameof(ReaderCases.Names))]
    public void A_damaged_sample_is_read_or_refused_in_one_line(string name)
    {
        var reader = ReaderCases.All.Single(r => r.Name == name);
        var fuzzer = new Fuzzer(reader);
        int count = int.TryParse(Environment.GetEnvironmentVariable(LongVariable), out int asked) && asked > 0
            ? asked == 1 ? LongMutations : asked : reader.Mutations;
        fuzzer.Run(count);
        TestContext.Out.WriteLine($"{name}: {count} mutations, {fuzzer.Accepted} read, {fuzzer.Findings.Count} findings");
        Assert.That(fuzzer.Findings, Is.Empty);
    }

    [Test]
    public void Every_reader_has_a_case() => Assert.That(ReaderCases.Names, Is.Unique.And.Count.GreaterThanOrEqualTo(31));
}
