using System.Text;
using BDense.Kernels;
using BDense.Kernels.Json;
using BDense.Model.Networks;
using NUnit.Framework;

namespace BDense.Tests.Faults;

/// <summary>What every reader of JSON refuses, and in which words: the file, the field, the line.</summary>
public sealed class StrictJsonTests
{
    private sealed record Inner(string Name, int[] Numbers);

    private sealed record Outer(string Text, Inner Inner, double[][] Lists, IReadOnlyList<double[]?> Gaps, Dictionary<string, string> Names,
        double? Optional = null, Prediction Kind = Prediction.Edm);

    private const string Good = """
        {"text": "a", "inner": {"name": "b", "numbers": [1, 2]}, "lists": [[1], []], "gaps": [null, [1]], "names": {"x": "y"}}
        """;

    [Test]
    public void What_is_whole_is_read()
    {
        var outer = Parse(Good);
        Assert.That((outer.Inner.Numbers[1], outer.Gaps[0], outer.Names["x"], outer.Optional),
            Is.EqualTo((2, (double[]?)null, "y", (double?)null)));
    }

    [TestCase("\"a\",", "\"a\", \"text\": \"a\",", "field 'text' is there twice (line 1)")]
    [TestCase("\"name\": \"b\"", "\"name\": \"b\", \"name\": \"b\"", "field 'inner.name' is there twice (line 1)")]
    [TestCase("\"x\": \"y\"", "\"x\": \"y\",\n\"x\": \"z\"", "field 'names.x' is there twice (line 2)")]
    [TestCase("\"a\"", "null", "field 'text': null, and a value is needed (line 1)")]
    [TestCase("\"b\"", "null", "field 'inner.name': null, and a value is needed (line 1)")]
    [TestCase("{\"name\": \"b\", \"numbers\": [1, 2]}", "null", "field 'inner': null, and a value is needed (line 1)")]
    [TestCase("[[1], []]", "[[1], null]", "field 'lists[1]' is null, and a value is needed")]
    [TestCase("\"y\"", "null", "field 'names.x' is null, and a value is needed")]
    [TestCase("\"a\"", "\"\\ud800\"", "field 'text' holds half a surrogate pair, which is no text (line 1)")]
    [TestCase("\"y\"", "\"\\udc00\"", "field 'names.x' holds half a surrogate pair, which is no text (line 1)")]
    [TestCase("[[1]", "[[1e999]", "field 'lists[0][0]' is a number too large for any double (line 1)")]
    [TestCase("[1, 2]", "[1, 2147483648]", "field 'inner.numbers[1]': expected a whole number (line 1)")]
    [TestCase("\"text\"", "\"txet\"", "field 'txet': there is no such field")]
    [TestCase("\"text\": \"a\", ", "", "missing: 'text'")]
    [TestCase("\"text\": \"a\"", "\"text\": \"a\", \"kind\": 2", "field 'kind': expected one of edm, eps, x, v")]
    [TestCase("\"text\": \"a\"", "\"text\": \"a\" //", "not JSON (line 1)")]
    [TestCase("{\"text\"", "[{\"text\"", "not JSON (line ")]
    public void What_is_not_is_refused_with_its_field(string was, string becomes, string message)
    {
        string text = Good.Replace(was, becomes, StringComparison.Ordinal);
        Assert.That(text, Is.Not.EqualTo(Good));
        var e = Assert.Throws<BDenseException>(() => Parse(text));
        Assert.That(e!.Message, Does.StartWith("x.json: ").And.Contain(message).And.Not.Contain("\n").And.Not.Contain("System."));
    }

    [Test]
    public void Bytes_that_are_no_text_are_refused() =>
        Assert.That(() => StrictJson.ParseObject([.. "{\"a\": \""u8, 0xFF, .. "\"}"u8], "x.json"),
            Throws.TypeOf<BDenseException>().With.Message.EqualTo("x.json: not UTF-8 text"));

    [Test]
    public void A_byte_order_mark_is_none_of_the_text() =>
        Assert.That(StrictJson.ParseObject([0xEF, 0xBB, 0xBF, .. "{}"u8], "x.json"), Is.Empty);

    [Test]
    public void Names_from_the_file_do_not_reach_the_message_raw() =>
        Assert.That(() => StrictJson.ParseObject("{\"\\u001b[31m\": 1, \"\\u001b[31m\": 2}"u8, "x.json"),
            Throws.TypeOf<BDenseException>().With.Message.Contains("'\\x1b[31m' is there twice"));

    [Test]
    public void A_file_that_no_configuration_is_as_large_as_costs_nothing()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("x.json", []);
        using (var stream = File.OpenWrite(file))
            stream.SetLength(StrictJson.MaxBytes + 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => StrictJson.ReadObject(file),
            Throws.TypeOf<BDenseException>().With.Message.Contains("x.json").And.Message.Contains("too many"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    private static Outer Parse(string text) => StrictJson.Parse<Outer>(Encoding.UTF8.GetBytes(text), "x.json", StrictJson.Options);
}
