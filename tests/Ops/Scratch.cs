using BDense.Kernels;

namespace BDense.Tests.Ops;

/// <summary>Memory that operations borrow for a while.</summary>
internal static class Scratch
{
    /// <summary>
    /// Fills every free block of the pool with NaN. An operation that reads scratch memory before it writes it, or leaves part of it unwritten,
    /// may else find the right values of an equal run before it.
    /// </summary>
    public static void Poison(Backend backend)
    {
        var blocks = backend.Pool.FreeLengths.Select(length => backend.Empty(new Shape(length))).ToList();
        foreach (var block in blocks)
        {
            backend.Fill(block, float.NaN);
            block.Dispose();
        }
    }
}
