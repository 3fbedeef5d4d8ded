using BDense.Cases;
using BDense.Cases.Checking;
using NUnit.Framework;

namespace BDense.Tests.Ops;

/// <summary>The backward oracles are the derivatives of the forward oracles; the backends are held to both by the case list.</summary>
[TestFixture]
internal sealed class GradientTests
{
    private static IEnumerable<GradientCase> Rows => CaseList.Gradients;

    [TestCaseSource(nameof(Rows))]
    public void Backward_is_the_central_difference_of_forward(GradientCase row) => Assert.That(Checker.Gradient(row), Is.Empty);

    [Test]
    public void A_wrong_gradient_is_noticed([Values(0, 1)] int input)
    {
        // L = sum of x^2 y: one of the two gradients is off by half a percent in one element.
        var wrong = new GradientCase("Product", "wrong", [[1, -2, 3], [4, 5, 6]],
            d => [.. d[0].Zip(d[1], (x, y) => x * x * y)],
            (d, v) =>
            {
                double[][] gradients = [[.. d[0].Zip(d[1], (x, y) => 2 * x * y).Zip(v, (g, w) => g * w)],
                    [.. d[0].Zip(v, (x, w) => x * x * w)]];
                gradients[input][2] *= 1.005;
                return gradients;
            });
        Assert.That(wrong.Disagreement(), Does.Contain($"Product wrong: input {input}, element 2: backward gives"));
    }
}
