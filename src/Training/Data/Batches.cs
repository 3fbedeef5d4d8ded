using System.Numerics;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// Which images a training step sees: shuffled epochs, every image once in each, computed from (seed, step) alone. So a run
/// that is resumed at any step goes on exactly as it would have.
/// </summary>
/// <param name="Count">Images in the dataset.</param>
/// <param name="BatchSize">Images a step; a batch may reach from one epoch into the next, and be larger than an epoch.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Flip">Whether each image is mirrored left to right with probability 1/2, anew each epoch.</param>
public sealed record Batches(int Count, int BatchSize, ulong Seed, bool Flip = false)
{
    // Streams of the run's seed that belong to the shuffle and to the flips.
    private const uint ShuffleStream = 0xDA7A0001, FlipStream = 0xDA7A0002;

    /// <summary>Fills in the image number and the flip of each place in the batch of <paramref name="step"/>, counted from 0.</summary>
    public void At(long step, Span<int> indices, Span<bool> flips)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        for (int j = 0; j < BatchSize; j++)
        {
            long position = step * BatchSize + j;
            indices[j] = Permute((int)(position % Count), Count, Seed, (ulong)(position / Count));
            flips[j] = Flip && (Philox.Block(Seed, FlipStream, (ulong)position).X & 1) != 0;
        }
    }

    /// <summary>
    /// Where element <paramref name="i"/> of 0 .. <paramref name="count"/> - 1 goes in the epoch's permutation: a Feistel network
    /// over the next power of 4 with Philox as its round function, applied again while the result is out of range (Black and
    /// Rogaway 2002, "Ciphers with arbitrary finite domains"). No table, and any place at any time.
    /// </summary>
    internal static int Permute(int i, int count, ulong seed, ulong epoch)
    {
        if (count <= 1)
            return 0;
        const int Rounds = 6;
        int half = (BitOperations.Log2((uint)(count - 1)) + 2) / 2;
        uint mask = (1u << half) - 1;
        uint x = (uint)i;
        do
        {
            uint left = x >> half, right = x & mask;
            for (uint round = 0; round < Rounds; round++)
            {
                uint f = Philox.Rounds((uint)epoch, (uint)(epoch >> 32), ShuffleStream + (round << 8), right, (uint)seed,
                    (uint)(seed >> 32)).X;
                (left, right) = (right, left ^ (f & mask));
            }
            x = (left << half) | right;
        }
        while (x >= (uint)count);
        return (int)x;
    }
}
