using BDense.Kernels;
using BDense.Tests.Ops;
using NUnit.Framework;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace BDense.Tests.Journal;

/// <summary>Parts of the tests, their lines, and when a missing device is a failure.</summary>
internal sealed class TestJournalTests
{
    [Test]
    public void Every_test_is_in_one_part_and_parts_are_of_like_size()
    {
        var shards = Enumerable.Range(0, 7).Select(i => TestShard.Parse($"{i}/7")).ToArray();
        int[] counts = new int[7];
        for (int i = 0; i < 7000; i++)
        {
            string name = $"BDense.Tests.Ops.Equality(\"cuda\").Op(case {i})";
            int[] having = [.. shards.Where(s => s.Has(name)).Select(s => s.Index)];
            Assert.That(having, Has.Length.EqualTo(1));
            counts[having[0]]++;
        }
        Assert.That(counts, Has.All.InRange(850, 1150));
    }

    [Test]
    public void A_name_hashes_alike_in_every_process() =>
        Assert.That(TestShard.Hash("BDense.Tests"), Is.EqualTo(TestShard.Hash("BDense." + "Tests")).And.EqualTo(2425171998u));

    [Test]
    public void Without_a_part_all_tests_run() => Assert.That(TestShard.Parse(null).Has("any") && TestShard.Parse("").Has("any"));

    [Test]
    public void The_parts_of_a_tree_are_disjoint_without_empty_suites_and_together_the_whole()
    {
        var names = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            var tree = Tree();
            TestShard.Parse($"{i}/5").Cut(tree);
            Assert.That(Suites(tree).Skip(1).Where(suite => suite.Tests.Count == 0), Is.Empty);
            names.AddRange(Names(tree));
        }
        Assert.That(names, Is.EquivalentTo(Names(Tree())).And.Unique.And.Count.EqualTo(12));

        static TestSuite Tree()
        {
            var all = new TestSuite("all");
            for (int f = 0; f < 6; f++)
            {
                var fixture = new TestSuite("all", $"Fixture({f})");
                all.Add(fixture);
                foreach (string method in new[] { nameof(A_name_hashes_alike_in_every_process), nameof(Without_a_part_all_tests_run) })
                {
                    var test = new TestMethod(new MethodWrapper(typeof(TestJournalTests), method));
                    test.FullName = $"{fixture.FullName}.{method}";
                    fixture.Add(test);
                }
            }
            return all;
        }

        static IEnumerable<ITest> Suites(ITest suite) => suite.Tests.Where(test => test.IsSuite).SelectMany(Suites).Prepend(suite);

        static IEnumerable<string> Names(ITest tree) =>
            Suites(tree).SelectMany(suite => suite.Tests).Where(test => !test.IsSuite).Select(test => test.FullName);
    }

    [TestCase("2/2"), TestCase("-1/2"), TestCase("1"), TestCase("0/0"), TestCase("a/b")]
    public void A_part_that_is_none_is_refused(string text) => Assert.That(() => TestShard.Parse(text), Throws.TypeOf<FormatException>());

    [Test]
    public void A_line_has_four_fields_and_the_first_line_of_the_message() =>
        Assert.That(TestJournal.Line("failed", 1.25, "A.B(\"x\ty\")", "Multiple failures or warnings in test:\n  first\tline\r\nsecond"),
            Is.EqualTo("failed\t1.250\tA.B(\"x y\")\tfirst line"));

    [Test]
    public void The_line_of_a_beginning_has_no_seconds() =>
        Assert.That(TestJournal.Line("begin", null, "A.B", ""), Is.EqualTo("begin\t\tA.B\t"));

    [Test]
    public void A_test_held_back_after_a_fault_counts_as_not_run()
    {
        Assert.That(TestJournal.Outcome(ResultState.Ignored, "OneTimeSetUp: after a device fault in A.B"), Is.EqualTo("notrun"));
        Assert.That(TestJournal.Outcome(ResultState.Ignored, "no NVIDIA driver"), Is.EqualTo("skipped"));
        Assert.That(TestJournal.Outcome(ResultState.Error, "after a device fault in A.B"), Is.EqualTo("failed"));
    }

    [Test]
    public void A_required_device_may_not_be_missing()
    {
        var missing = new BDenseException("no device");
        Assert.That(Backends.MayBeMissing("cuda", missing, []));
        Assert.That(Backends.MayBeMissing("cuda", missing, ["opencl"]));
        Assert.That(Backends.MayBeMissing("cuda", missing, ["opencl", "cuda"]), Is.False);
        Assert.That(Backends.MayBeMissing("cpu", missing, []), Is.False);
        Assert.That(Backends.MayBeMissing("cuda", new DeviceFaultException("cuda:0", "CUDA_ERROR_ILLEGAL_ADDRESS"), []), Is.False);
    }
}
