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
    public void Equals_the_oracle([Values(32, 64, 128, 256)] int head, [ValueSource(nameof(Shapes))] MmaShape shape) =>
        Check(head, shape, isRounded: false);

    /// <summary>q, k, v, y and their gradients in BF16.</summary>
    [Test]
    public void Rounded_equals_the_oracle([Values(32, 64, 128, 256)] int head) => Check(head, MmaShape.Bf16, isRounded: true);

    private static void Check(int head, MmaShape shape, bool isRounded)
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
            Qkv = isRounded ? gpu.Put(qkv, shape) : gpu.Put(qkv),
            Dy = isRounded ? gpu.Put(dy, shape) : gpu.Put(dy),
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
            var counts = gpu.Run(new AttentionKernel(head, shape, pass, isRounded).Write(), N * Heads * ((Tokens + 63) / 64), arguments);
            Assert.That(counts.Total.Conflicts, Is.EqualTo(1), $"{pass}: shared memory without bank conflicts");
        }

        // Weights are rounded between the two products: to 7 or 10 bits of mantissa.
        double allowed = shape == MmaShape.Bf16 ? 6e-3 : 8e-4;
        Assert.That(Worst(y, expected.Y), Is.LessThan(allowed));
        Assert.That(WrittenLaunch.Worst(gpu.Get(lse, expected.LogSumExp.Length), expected.LogSumExp), Is.LessThan(1e-6));
        Assert.That(Worst(dqkv, expected.Dqkv), Is.LessThan(allowed));

        double Worst(long result, double[] of) => isRounded ? WrittenLaunch.WorstRounded(gpu.GetRounded(result, of.Length), of)
            : WrittenLaunch.Worst(gpu.Get(result, of.Length), of);
    }
}
