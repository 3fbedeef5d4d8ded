using BDense.Cli.Terminal;
using NUnit.Framework;

namespace BDense.Tests.Cli;

/// <summary>Tables on terminals that are too narrow for them.</summary>
public sealed class ListingTests
{
    private static readonly string[] Columns = ["model", "NFE", "RMSE", "95% interval", ""];

    private static readonly IReadOnlyList<string>[] Rows = [["runs/a", "2", "0.1", "0.08 to 0.12", "better"],
        ["runs/b", "4", "0.05", "0.04 to 0.06", ""]];

    [Test]
    public void A_row_is_a_line_for_each_named_column() => Assert.That(Listing.Lines(Columns, Rows), Is.EqualTo(new[]
    {
        "model runs/a", "  NFE           2", "  RMSE          0.1", "  95% interval  0.08 to 0.12  better",
        "model runs/b", "  NFE           4", "  RMSE          0.05", "  95% interval  0.04 to 0.06",
    }));

    [Test]
    public void Its_width_is_that_of_the_widest_cells() =>
        Assert.That(Listing.Width(Columns, Rows), Is.EqualTo(3 * 5 + 1 + 6 + 3 + 4 + 12 + 6));
}
