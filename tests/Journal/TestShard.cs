using System.Globalization;
using NUnit.Framework.Internal;

namespace BDense.Tests.Journal;

/// <summary>The i-th of n parts of the tests: <c>BDENSE_TEST_SHARD=i/n</c>, i from 0 on. A test's part depends on its name alone.</summary>
internal sealed record TestShard(int Index, int Count)
{
    public static TestShard Whole { get; } = new(0, 1);

    /// <exception cref="FormatException">Not i/n with 0 &lt;= i &lt; n: better no tests than all of them in every process.</exception>
    public static TestShard Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return Whole;
        string[] parts = text.Split('/');
        if (parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count) && index < count)
        {
            return new TestShard(index, count);
        }
        throw new FormatException($"BDENSE_TEST_SHARD is i/n with i from 0 to n - 1, not '{text}'");
    }

    public bool Has(string fullName) => Count == 1 || Hash(fullName) % (uint)Count == (uint)Index;

    /// <summary>
    /// Takes the tests of other parts out of a tree, and what is empty then, so that a fixture without tests here opens no device.
    /// </summary>
    public void Cut(Test suite)
    {
        for (int i = Count == 1 ? -1 : suite.Tests.Count - 1; i >= 0; i--)
        {
            var test = (Test)suite.Tests[i];
            if (test.IsSuite)
                Cut(test);
            if (test.IsSuite ? test.Tests.Count == 0 : !Has(test.FullName))
                suite.Tests.RemoveAt(i);
        }
    }

    /// <summary>FNV-1a, then its bits mixed: the language's own hash differs from process to process.</summary>
    internal static uint Hash(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
            hash = (hash ^ c) * 16777619;
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
        return hash ^ (hash >> 13);
    }
}
