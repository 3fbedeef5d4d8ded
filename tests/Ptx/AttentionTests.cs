using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Attention;
using NUnit.Framework;

namespace BDense.Tests.Ptx;

/// <summary>Attention and its gradients at every head size and precision; tokens that fill no block.</summary>
[TestFixture]
internal sealed class AttentionTests
{
    private const int N = 2, Tokens = 71, Heads = 2;

    private static MmaShape[] Shapes => MatrixProductTests.Shapes;

    [Test]
    public void Equals_the_oracle([Values(32, 64, 128, 256)] int head, [ValueSource(nameof(Shapes))] MmaShape shape)
    {
        var random = new Random(1);
        float[] qkv = WrittenLaunch.Rounded(random, N * Tokens * 3 * Heads * head, shape),
            dy = WrittenLaunch.Rounded(random, N * Tokens * Heads * head, shape);
        var expected = new AttentionOracle(N, Tokens, Heads, head, qkv, dy);
        float[] pairs =
            [.. Enumerable.Range(0, expected.LogSumExp.Length)
                .SelectMany(i => new[] { (float)expected.LogSumExp[i], (float)expected.Delta[i] })];

        using var gpu = new WrittenLaunch();
        long y = gpu.Empty(dy.Length), lse = gpu.Empty(expected.LogSumExp.Length), dqkv = gpu.Empty(qkv.Length);
        var arguments = new AttentionArguments
        {
            Qkv = gpu.Put(qkv),
            Dy = gpu.Put(dy),
            Statistics = gpu.Put(pairs),
            LogSumExp = lse,
            Tokens = Tokens,
            Heads = Heads,
            Scale = 1f / MathF.Sqrt(head),
        };
        AttentionPass[] gradients = head <= 128 ? [AttentionPass.QueryGradient, AttentionPass.KeyValueGradient]
            : [AttentionPass.QueryGradient, AttentionPass.KeyGradient, AttentionPass.ValueGradient];
        foreach (var pass in gradients.Prepend(AttentionPass.Forward))
        {
            arguments.Result = pass == AttentionPass.Forward ? y : dqkv;
            var counts = gpu.Run(new AttentionKernel(head, shape, pass).Write(), N * Heads * ((Tokens + 63) / 64), arguments);
            Assert.That(counts.Total.Conflicts, Is.EqualTo(1), $"{pass}: shared memory without bank conflicts");
        }

        // Weights are rounded between the two products: to 7 or 10 bits of mantissa.
        double allowed = shape == MmaShape.Bf16 ? 6e-3 : 8e-4;
        Assert.That(WrittenLaunch.Worst(gpu.Get(y, dy.Length), expected.Y), Is.LessThan(allowed));
        Assert.That(WrittenLaunch.Worst(gpu.Get(lse, expected.LogSumExp.Length), expected.LogSumExp), Is.LessThan(1e-6));
        Assert.That(WrittenLaunch.Worst(gpu.Get(dqkv, qkv.Length), expected.Dqkv), Is.LessThan(allowed));
    }
}
