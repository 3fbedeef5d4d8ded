using BDense.Kernels;

namespace BDense.Processes;

/// <summary>What the processes of one run do together. All of them make the same calls in the same order.</summary>
/// <remarks>
/// A process that fails says so with <see cref="Abort"/>, which ends all. A call that waits longer than <see cref="Patience"/> for the
/// others fails.
/// </remarks>
public abstract class Collectives : IDisposable
{
    /// <summary>This process's number, from 0 on.</summary>
    public abstract int Rank { get; }

    /// <summary>How many processes there are.</summary>
    public abstract int Size { get; }

    /// <summary>Whether this process writes files and talks to people.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>For people: which engine, and its version.</summary>
    public abstract string Description { get; }

    /// <summary>How long a call waits for the others.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>x = the sum of all processes' x, added up in a fixed tree: ((x0 + x1) + (x2 + x3)) + ...</summary>
    /// <remarks>
    /// Every process adds up one part of x and gets the other parts from the others, so that the order is ours, not the engine's, and all
    /// have the same bits. With a number of processes that is a power of two this is the upper part of the tree over all shards
    /// (<see cref="ShardTree"/>): the same bits for any such number. Bytes sent: 8 (P - 1) / P an element, as many as any all-reduce.
    /// </remarks>
    /// <param name="x">Float32, of the same length in every process.</param>
    public void SumInOrder(Tensor x)
    {
        if (Size == 1)
            return;
        var parts = new Parts(x.Length, Size);
        int mine = parts.Length(Rank);
        using var received = x.Backend.Empty(new Shape(Size, Math.Max(1, mine)));
        Exchange(x, parts, received);
        if (mine > 0)
        {
            AddUp(received, mine);
            using Tensor sum = received.View(0, new Shape(mine)), place = x.View(parts.Start(Rank), new Shape(mine));
            x.Backend.Copy(sum, place);
        }
        GatherParts(x, parts);
    }

    /// <summary>x = the sum of all processes' x, in whatever order the engine likes best: fast, and other bits with other numbers of
    /// processes.</summary>
    /// <param name="x">Float32, of the same length in every process.</param>
    public abstract void SumFast(Tensor x);

    /// <summary>x = the x of process <paramref name="root"/>.</summary>
    /// <param name="x">Float32, of the same length in every process.</param>
    /// <param name="root">Whose.</param>
    public abstract void Broadcast(Tensor x, int root = 0);

    /// <summary>What every process gives, of any lengths, in the order of ranks; all get all.</summary>
    public abstract byte[][] GatherBytes(ReadOnlySpan<byte> mine);

    /// <summary>Returns when all processes have come here.</summary>
    public abstract void Barrier();

    /// <summary>Ends every process of the run, this one too, with exit code 1.</summary>
    /// <param name="cause">One line for people; the rank is put before it.</param>
    public abstract void Abort(string cause);

    /// <summary>Part p of x goes to process p; row q of <paramref name="received"/> comes from process q.</summary>
    private protected abstract void Exchange(Tensor x, Parts parts, Tensor received);

    /// <summary>Every part of x comes from the process whose part it is.</summary>
    private protected abstract void GatherParts(Tensor x, Parts parts);

    /// <summary>Takes leave of the others; all do.</summary>
    public abstract void Dispose();

    /// <summary>Row 0 becomes the sum of all rows: neighbours first, then neighbours' sums.</summary>
    private void AddUp(Tensor rows, int length)
    {
        for (int apart = 1; apart < Size; apart *= 2)
        {
            for (int i = 0; i + apart < Size; i += 2 * apart)
            {
                using Tensor a = rows.View(i * length, new Shape(length)), b = rows.View((i + apart) * length, new Shape(length));
                rows.Backend.LinearCombination([1, 1], [a, b], a);
            }
        }
    }
}

/// <summary>A vector cut into as many parts as there are processes, equal ones but for the last.</summary>
internal readonly record struct Parts(int Total, int Count)
{
    private int Whole => (Total + Count - 1) / Count;

    /// <summary>Where part <paramref name="p"/> begins.</summary>
    public int Start(int p) => (int)Math.Min(Total, (long)p * Whole);

    /// <summary>Elements of part <paramref name="p"/>; 0 for parts past the end.</summary>
    public int Length(int p) => Start(p + 1) - Start(p);
}
