using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Attention;
using NUnit.Framework;

namespace BDense.Tests.Ptx;

/// <summary>Attention and its gradients at every head size and precision; tokens that fill no block.</summary>
[TestFixture]
internal sealed class AttentionTests
{
    private static MmaShape[] Shapes => MatrixProductTests.Shapes;

    [Test]
    public void Equals_the_oracle([Values(32, 64, 128, 256)] int head, [ValueSource(nameof(Shapes))] MmaShape shape) =>
        Check(head, shape, isRounded: false);

    /// <summary>q, k, v, y and their gradients in BF16.</summary>
    [Test]
    public void Rounded_equals_the_oracle([Values(32, 64, 128, 256)] int head) => Check(head, MmaShape.Bf16, isRounded: true);

    private static void Check(int head, MmaShape shape, bool isRounded)
    {
        using var problem = new AttentionProblem(n: 2, tokens: 71, heads: 2, head, shape, isRounded);
        AttentionPass[] gradients = head <= 128 ? [AttentionPass.QueryGradient, AttentionPass.KeyValueGradient]
            : [AttentionPass.QueryGradient, AttentionPass.KeyGradient, AttentionPass.ValueGradient];
        foreach (var pass in gradients.Prepend(AttentionPass.Forward))
        {
            var counts = problem.Gpu.Run(new AttentionKernel(head, shape, pass, isRounded).Write(), problem.Groups(64),
                problem.Arguments(pass));
            Assert.That(counts.Total.Conflicts, Is.EqualTo(1), $"{pass}: shared memory without bank conflicts");
        }
        problem.IsRight();
    }
}
