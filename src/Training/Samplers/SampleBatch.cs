namespace BDense.Training.Samplers;

/// <summary>Some of the images of a sampling, as they come.</summary>
/// <param name="Numbers">Of each image: its seed where seeds were asked for, otherwise its place, from 0.</param>
/// <param name="Images">[N,H,W,C], about [-1,1].</param>
/// <param name="Classes">Of each image, or none where the network has no classes.</param>
public sealed record SampleBatch(IReadOnlyList<ulong> Numbers, float[] Images, int[]? Classes)
{
    /// <summary>N.</summary>
    public int Count => Numbers.Count;
}

/// <summary>
/// Makes images in batches and hands each on, in order. What writes them wraps one such function in another
/// (<see cref="SampleFiles"/>), so that however many there are, no more than one batch is ever held.
/// </summary>
public delegate void SampleStream(Action<SampleBatch> next);
