namespace BDense.Experiments.Labs;

/// <summary>
/// The order of variants in a round of measurements: each round starts one further, and every other round goes backwards (A B, B A), so
/// that a device that grows slower or faster in the meantime favours none of them.
/// </summary>
public static class Rotation
{
    /// <summary>0 .. <paramref name="count"/> - 1 in the order of a round, counted from 0.</summary>
    public static int[] Of(int count, int round)
    {
        int[] order = [.. Enumerable.Range(0, count).Select(i => (i + round / 2) % count)];
        if (round % 2 == 1)
            Array.Reverse(order);
        return order;
    }
}
