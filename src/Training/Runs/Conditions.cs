using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;

namespace BDense.Training.Runs;

/// <summary>The labels of class-conditional networks.</summary>
internal static class Conditions
{
    /// <summary>[N,LabelCount] one-hot rows of these images; none for an unconditional network. The caller disposes it.</summary>
    public static Tensor? Of(INetwork network, Dataset data, ReadOnlySpan<int> indices)
    {
        int count = network.Config.LabelCount;
        if (count == 0)
            return null;
        if (data.ClassCount != count)
            throw new BDenseException($"the network has {count} classes, {data.Name} has {data.ClassCount}");
        var rows = new float[indices.Length * count];
        for (int i = 0; i < indices.Length; i++)
            rows[i * count + data.Labels![indices[i]]] = 1;
        return network.Backend.FromArray(rows, new Shape(indices.Length, count));
    }

    /// <summary>As <see cref="Of"/> with classes drawn at random, all alike likely.</summary>
    public static Tensor? Random(INetwork network, int samples, RandomKey key)
    {
        int count = network.Config.LabelCount;
        if (count == 0)
            return null;
        var rows = new float[samples * count];
        for (int i = 0; i < samples; i++)
            rows[i * count + Math.Min(count - 1, (int)(Philox.Uniform(key, i) * count))] = 1;
        return network.Backend.FromArray(rows, new Shape(samples, count));
    }
}
