using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Data;

public sealed class PrintableTests
{
    [TestCase("plain", "plain")]
    [TestCase("a\x1b[31mb\a\n\x7f\u0085", @"a\x1b[31mb\x07\x0a\x7f\x85")]
    [TestCase("a\u202egnp.exe", @"a\u202egnp.exe")]
    public void ControlCharactersAreShownNotSent(string text, string shown) => Assert.That(Printable.Text(text), Is.EqualTo(shown));
}
