using BDense.Kernels.Ptx;
using BDense.Kernels.Ptx.Attention;
using NUnit.Framework;

namespace BDense.Tests.Ptx;

/// <summary>Random q, k, v and dy on a virtual GPU, room for all results, and what they should be.</summary>
internal sealed class AttentionProblem : IDisposable
{
    private readonly MmaShape _shape;
    private readonly bool _isRounded;
    private readonly AttentionOracle _expected;
    private readonly AttentionArguments _arguments;
    private readonly long _y, _dqkv;

    public AttentionProblem(int n, int tokens, int heads, int head, MmaShape shape, bool isRounded)
    {
        (N, Tokens, Heads, _shape, _isRounded) = (n, tokens, heads, shape, isRounded);
        var random = new Random(1);
        float[] qkv = WrittenLaunch.Rounded(random, n * tokens * 3 * heads * head, shape),
            dy = WrittenLaunch.Rounded(random, n * tokens * heads * head, shape);
        _expected = new AttentionOracle(n, tokens, heads, head, qkv, dy);
        float[] pairs =
            [.. Enumerable.Range(0, _expected.LogSumExp.Length)
                .SelectMany(i => new[] { (float)_expected.LogSumExp[i], (float)_expected.Delta[i] })];
        (_y, _dqkv) = (Gpu.Empty(dy.Length), Gpu.Empty(qkv.Length));
        _arguments = new AttentionArguments
        {
            Qkv = isRounded ? Gpu.Put(qkv, shape) : Gpu.Put(qkv),
            Dy = isRounded ? Gpu.Put(dy, shape) : Gpu.Put(dy),
            Statistics = Gpu.Put(pairs),
            LogSumExp = Gpu.Empty(_expected.LogSumExp.Length),
            Tokens = tokens,
            Heads = heads,
            Scale = 1f / MathF.Sqrt(head),
        };
    }

    public WrittenLaunch Gpu { get; } = new();

    public int N { get; }

    public int Tokens { get; }

    public int Heads { get; }

    public AttentionArguments Arguments(AttentionPass pass) =>
        _arguments with { Result = pass == AttentionPass.Forward ? _y : _dqkv };

    /// <summary>Groups, of so many tokens of a head.</summary>
    public int Groups(int rows) => N * Heads * ((Tokens + rows - 1) / rows);

    /// <summary>All results, after all passes.</summary>
    public void IsRight()
    {
        // Weights are rounded between the two products: to 7 or 10 bits of mantissa.
        double allowed = _shape == MmaShape.Bf16 ? 6e-3 : 8e-4;
        Assert.That(Worst(_y, _expected.Y), Is.LessThan(allowed));
        Assert.That(WrittenLaunch.Worst(Gpu.Get(_arguments.LogSumExp, _expected.LogSumExp.Length), _expected.LogSumExp),
            Is.LessThan(1e-6));
        Assert.That(Worst(_dqkv, _expected.Dqkv), Is.LessThan(allowed));
    }

    public void Dispose() => Gpu.Dispose();

    private double Worst(long result, double[] of) => _isRounded ? WrittenLaunch.WorstRounded(Gpu.GetRounded(result, of.Length), of)
        : WrittenLaunch.Worst(Gpu.Get(result, of.Length), of);
}
