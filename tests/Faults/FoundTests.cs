using System.Text.Json.Nodes;
using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Faults;

/// <summary>
/// Damage that once came through, or came out as a trace: by the reader that met it, and the words that it has for it now.
/// </summary>
public sealed class FoundTests
{
    private sealed record Found(string Reader, string What, Action<JsonObject> Damage, string Message)
    {
        public override string ToString() => $"{Reader}: {What}";
    }

    private static readonly Found[] InJson =
    [
        new("student's configuration", "schedule null", o => o["distill"]!["schedule"] = null,
            "field 'distill.schedule': null, and a value is needed"),
        new("student's configuration", "solver null", o => o["distill"]!["solver"] = null,
            "field 'distill.solver': null, and a value is needed"),
        new("fitted steps", "no sigmas", o => o.Remove("sigmas"), "missing: 'sigmas'"),
        new("fitted steps", "coefficients null", o => o["coefficients"] = null, "field 'coefficients': null, and a value is needed"),
        new("fitted steps", "sigmas null", o => o["sigmas"] = null, "field 'sigmas': null, and a value is needed"),
        new("diffusers' network configuration", "no channels", o => o["block_out_channels"] = new JsonArray(0, 0),
            "field 'block_out_channels'"),
        new("diffusers' network configuration", "no input", o => o["in_channels"] = 0, "field 'in_channels' is 0"),
        new("diffusers' network configuration", "an overflowing quotient", o => (o["in_channels"], o["out_channels"]) = (-1, int.MinValue),
            "field 'in_channels' is -1"),
        new("diffusers' network configuration", "no rows", o => o["sample_size"] = 0, "field 'sample_size' is 0"),
        new("manifest", "a digest null", o => o["files"]!["state.json"] = null, "field 'files.state.json' is null, and a value is needed"),
        new("state of SFD with learned weights", "a list null", o => o["logScales"]![0] = null,
            "field 'logScales[0]' is null, and a value is needed"),
        new("state of SFD with learned weights", "no number", o => o["logScales"]![0]![0] = "NaN", "of finite numbers"),
        new("state of SFD with learned weights", "missing", o => o.Remove("logScales"), "field 'logScales' is missing"),
        new("state of SFD with aligned weights", "a list null", o => o["logFactors"]![0] = null,
            "field 'logFactors[0]' is null, and a value is needed"),
        new("cell of a study", "no errors", o => o["endpoint"] = new JsonArray(), "field 'endpoint' is not 2 numbers"),
        new("cell of a study", "of another seed", o => o["options"]!["seed"] = 2, "seed 2"),
        new("stage of a reproduction", "no errors", o => o["fineRmse"] = new JsonArray(), "does not hold the errors of 2 noises"),
        new("rows of a comparison", "no precision", o => o["rows"]![0]!["precision"] = "-1", "the precision is '-1'"),
        new("rows of a comparison", "an extent less", o => o["rows"]![0]!["dims"]!.AsObject().Remove("m"), "row a has no extent 'm'"),
        new("results of a comparison", "a median without its spread", o => o["rows"]![0]!["p10"] = null, "has a median and no percentiles"),
        new("results of a comparison", "a row twice", o => o["rows"]!.AsArray().Add(o["rows"]![0]!.DeepClone()), "is there twice"),
    ];

    [TestCaseSource(nameof(InJson))]
    public void Is_refused_by_its_field(object found)
    {
        var (reader, _, damage, message) = (Found)found;
        Refuses(reader, (file =>
        {
            var o = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
            damage(o);
            File.WriteAllText(file, o.ToJsonString());
        }, message));
    }

    private static IEnumerable<string> JsonReaders =>
        ReaderCases.All.Where(r => r.Format == SampleFormat.Json && r.Name != "tuned tiles").Select(r => r.Name);

    /// <summary>Whatever is read: these are the same faults in all JSON.</summary>
    [TestCaseSource(nameof(JsonReaders))]
    public void A_name_twice_and_half_a_surrogate_pair_are_refused(string reader) => Refuses(reader,
        (file => Append(file, $"\"{JsonNode.Parse(File.ReadAllText(file))!.AsObject().First().Key}\": 1"), "is there twice"),
        (file => Append(file, "\"more\": \"\\ud800\""), "half a surrogate pair"));

    private static void Append(string file, string field)
    {
        string text = File.ReadAllText(file);
        File.WriteAllText(file, $"{text[..text.LastIndexOf('}')]}, {field}}}");
    }

    [Test]
    public void Branch_weights_beyond_any_number_are_refused() =>
        Assert.That(() => new BDense.Training.Distillation.Methods.Sfd.SfdOptions
        {
            Branches = 2,
            Weights = "exponential:-1e300",
        }.Resolve(), Throws.TypeOf<UsageException>().With.Message.Contains("too large"));

    /// <summary>A header that claims more than there is, a negative size, digits that are none: nothing is allocated for them.</summary>
    [TestCase("17777777777", "too many")]
    [TestCase("00004000000", "cut short")]
    [TestCase("-0000000001", "cannot be read")]
    [TestCase("99999999999", "cannot be read")]
    public void A_size_in_an_archive_is_refused(string size, string message)
    {
        byte[] header = new byte[512];
        System.Text.Encoding.ASCII.GetBytes("data_batch_1.bin").CopyTo(header, 0);
        System.Text.Encoding.ASCII.GetBytes(size).CopyTo(header, 124);
        header[156] = (byte)'0';
        header.AsSpan(148, 8).Fill((byte)' ');
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
        using var folder = new TemporaryFolder();
        string file = folder["x.tar.gz"];
        using (var gzip = new System.IO.Compression.GZipStream(File.Create(file), System.IO.Compression.CompressionLevel.Fastest))
            gzip.Write(header);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => BDense.Training.Data.Dataset.Open(file),
            Throws.TypeOf<BDenseException>().With.Message.Contains("x.tar.gz").And.Message.Contains(message));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(16 << 20));
    }

    /// <summary>Each of the two headers is true by itself.</summary>
    [Test]
    public void A_reader_stops_inflating_beyond_what_a_header_declares()
    {
        using var folder = new TemporaryFolder();
        string file = folder["bomb-idx3-ubyte.gz"];
        using (var gzip = new System.IO.Compression.GZipStream(File.Create(file), System.IO.Compression.CompressionLevel.Fastest))
        {
            gzip.Write([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2]);
            for (int i = 0; i < 256; i++)
                gzip.Write(new byte[1 << 20]);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => BDense.Training.Data.Dataset.Open(file),
            Throws.TypeOf<BDenseException>().With.Message.Contains("more are there"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(16 << 20));
    }

    private static void Refuses(string reader, params (Action<string> Damage, string Message)[] faults)
    {
        using var folder = new TemporaryFolder();
        var sample = ReaderCases.All.Single(r => r.Name == reader).Open(folder);
        try
        {
            byte[] whole = File.ReadAllBytes(sample.File);
            foreach (var (damage, message) in faults)
            {
                File.WriteAllBytes(sample.File, whole);
                Assert.That(() => sample.Read(), Throws.Nothing, "the whole sample");
                damage(sample.File);
                var e = Assert.Catch<BDenseException>(() => sample.Read());
                Assert.That(e!.Message, Does.Contain(message).And.Not.Contain("\n"));
            }
        }
        finally
        {
            sample.Close?.Invoke();
        }
    }
}
