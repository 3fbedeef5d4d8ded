using System.Text.RegularExpressions;

namespace BDense.Tests.Graphs;

/// <summary>What a backend told a person while graphs were captured and replayed.</summary>
internal static partial class Notices
{
    /// <summary>
    /// Operation and shape come first and have no colon, so that a refused capture, which starts with its name and a colon, is none
    /// whatever its reason says.
    /// </summary>
    [GeneratedRegex("^[^:]+ is computed in (fp32|tf32), not (tf32|bf16): ")]
    private static partial Regex Fall();

    /// <summary>
    /// All but those that say that a shape is too small for tensor cores and is computed in another precision: these are documented, and
    /// tiny networks have such shapes. Only on a GPU do tests of whole networks run in TF32 and BF16. What is left is a fault: a refused
    /// capture, or a notice that nobody has thought of.
    /// </summary>
    public static IEnumerable<string> OtherThanPrecision(IEnumerable<string> notices) => notices.Where(text => !Fall().IsMatch(text));
}
