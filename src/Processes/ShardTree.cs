using BDense.Kernels;

namespace BDense.Processes;

/// <summary>
/// The sum of S = 2^k vectors that come one after the other, in the order of a binary tree: ((v0 + v1) + (v2 + v3)) + ... However many
/// processes share them, each a whole subtree, the bits are the same.
/// </summary>
/// <remarks>
/// As a binary counter carries: a vector of level l waits for its neighbour, their sum is of level l + 1. So at most k vectors wait, one of
/// each level.
/// </remarks>
/// <param name="backend">Of all vectors.</param>
/// <param name="length">Of a vector.</param>
public sealed class ShardTree(Backend backend, int length) : IDisposable
{
    private readonly List<Tensor?> _waiting = [];

    /// <summary>Vectors added so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds the next vector, which is copied.</summary>
    public void Add(Tensor x)
    {
        if (x.Length != length)
            throw new BDenseException($"a tree of vectors of {length} values is given {x.Shape}");
        Tensor sum = backend.Empty(new Shape(length));
        using var flat = x.Reshape(sum.Shape);
        backend.Copy(flat, sum);
        int level = 0;
        for (; level < _waiting.Count && _waiting[level] is { } left; level++)
        {
            backend.LinearCombination([1, 1], [left, sum], left);
            sum.Dispose();
            (sum, _waiting[level]) = (left, null);
        }
        if (level == _waiting.Count)
            _waiting.Add(null);
        _waiting[level] = sum;
        Count++;
    }

    /// <summary>The whole sum to <paramref name="x"/>; the tree is empty again.</summary>
    /// <exception cref="BDenseException">The number of vectors is no power of two: there is no whole tree.</exception>
    public void Take(Tensor x)
    {
        if (!int.IsPow2(Count))
            throw new BDenseException($"a tree of sums takes 1, 2, 4, ... vectors, not {Count}");
        using (var flat = x.Reshape(new Shape(length)))
            backend.Copy(_waiting[^1]!, flat);
        Dispose();
    }

    /// <summary>Frees what waits.</summary>
    public void Dispose()
    {
        foreach (var one in _waiting)
            one?.Dispose();
        _waiting.Clear();
        Count = 0;
    }
}
