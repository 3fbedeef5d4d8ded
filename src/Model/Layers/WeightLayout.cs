using BDense.Kernels;

namespace BDense.Model;

/// <summary>
/// How a tensor of a checkpoint (PyTorch's order) lies in memory here. The one place that knows both: convolutions are OIHW there and
/// KRSC here; the rows of EDM's qkv projection are interleaved there, row head * 3D + d * 3 + {q,k,v} of D channels a head, and
/// {q,k,v} * C + head * D + d here; diffusers' q, k and v are three tensors there and one here, one after the other.
/// </summary>
/// <param name="InterleavedHeads">Heads of an interleaved qkv projection (weight or bias), 0 for everything else.</param>
/// <param name="IsMatrix">A 1x1 convolution that checkpoints have as [K,C].</param>
/// <param name="Parts">Tensors of as many rows that checkpoints have instead of one; 0 and 1 alike mean one.</param>
public readonly record struct WeightLayout(int InterleavedHeads = 0, bool IsMatrix = false, int Parts = 1)
{
    public static WeightLayout Matrix => new(0, IsMatrix: true);

    public static WeightLayout Interleaved(int heads) => new(heads);

    /// <summary>Extents of one part in the checkpoint: [K,R,S,C] becomes [K,C,R,S], a matrix [K,C]; all else stays.</summary>
    public int[] StoredShape(Shape shape)
    {
        int rows = shape[0] / Math.Max(1, Parts);
        return shape.Rank switch
        {
            4 when IsMatrix => [rows, shape[3]],
            4 => [rows, shape[3], shape[1], shape[2]],
            _ => [rows, .. shape.ToArray()[1..]],
        };
    }

    /// <summary>Values as they lie in memory to values as the checkpoint has them.</summary>
    public float[] ToStored(Shape shape, ReadOnlySpan<float> values)
    {
        var stored = new float[values.Length];
        Permutation p = new(shape, InterleavedHeads);
        for (int row = 0; row < p.Rows; row++)
        {
            var from = values.Slice(row * p.RowLength, p.RowLength);
            var to = stored.AsSpan(p.StoredRow(row) * p.RowLength, p.RowLength);
            for (int pixel = 0; pixel < p.Pixels; pixel++)
            {
                for (int c = 0; c < p.Channels; c++)
                    to[c * p.Pixels + pixel] = from[pixel * p.Channels + c];
            }
        }
        return stored;
    }

    /// <summary>The inverse of <see cref="ToStored"/>.</summary>
    public void FromStored(Shape shape, ReadOnlySpan<float> stored, Span<float> values)
    {
        Permutation p = new(shape, InterleavedHeads);
        for (int row = 0; row < p.Rows; row++)
        {
            var from = stored.Slice(p.StoredRow(row) * p.RowLength, p.RowLength);
            var to = values.Slice(row * p.RowLength, p.RowLength);
            for (int pixel = 0; pixel < p.Pixels; pixel++)
            {
                for (int c = 0; c < p.Channels; c++)
                    to[pixel * p.Channels + c] = from[c * p.Pixels + pixel];
            }
        }
    }

    private readonly struct Permutation(Shape shape, int heads)
    {
        public int Rows { get; } = shape[0];
        public int Pixels { get; } = shape.Rank == 4 ? shape[1] * shape[2] : 1;
        public int Channels { get; } = shape.Rank == 4 ? shape[3] : shape.Length / shape[0];
        public int RowLength => Pixels * Channels;

        public int StoredRow(int row)
        {
            if (heads == 0)
                return row;
            int channels = Rows / 3, perHead = channels / heads;
            int part = row / channels, head = row % channels / perHead, d = row % perHead;
            return head * 3 * perHead + d * 3 + part;
        }
    }
}
