using BDense.Kernels;

namespace BDense.Model.Layers;

/// <summary>
/// Rows of a qkv projection in checkpoints, of D channels a head and C in all; here they are always <see cref="Packed"/>.
/// </summary>
public enum QkvRows
{
    /// <summary>{q,k,v} * C + head * D + d: guided-diffusion's "new attention order".</summary>
    Packed,

    /// <summary>head * 3D + d * 3 + {q,k,v}: EDM.</summary>
    Interleaved,

    /// <summary>head * 3D + {q,k,v} * D + d: improved-diffusion, and guided-diffusion unless told otherwise.</summary>
    ByHead,
}

/// <summary>
/// How a tensor of a checkpoint (PyTorch's order) lies in memory here. The one place that knows both: convolutions are OIHW there and
/// KRSC here; the rows of a qkv projection may be in another order there (<see cref="QkvRows"/>); diffusers' q, k and v are three tensors
/// there and one here, one after the other.
/// </summary>
/// <param name="Heads">Heads of a qkv projection (weight or bias) whose rows are not packed, 0 for everything else.</param>
/// <param name="IsMatrix">A 1x1 convolution that checkpoints have as [K,C].</param>
/// <param name="Parts">Tensors of as many rows that checkpoints have instead of one; 0 and 1 alike mean one.</param>
public readonly record struct WeightLayout(int Heads = 0, bool IsMatrix = false, int Parts = 1)
{
    /// <summary>A 1x1 convolution that checkpoints have as [K,C].</summary>
    public static WeightLayout Matrix => new(0, IsMatrix: true);

    /// <summary>Order of the rows if there are heads.</summary>
    public QkvRows Rows { get; init; }

    /// <summary>A 1x1 convolution that checkpoints have as [K,C,1], PyTorch's Conv1d.</summary>
    public bool IsSequence { get; init; }

    /// <summary>A linear layer of one-hot rows that checkpoints have as [In,Out], PyTorch's Embedding.</summary>
    public bool IsTransposed { get; init; }

    /// <summary>A projection to queries, keys and values.</summary>
    /// <param name="heads">Heads.</param>
    /// <param name="rows">Order of its rows in checkpoints.</param>
    /// <param name="isSequence">Whether checkpoints have it as [K,C,1].</param>
    public static WeightLayout Qkv(int heads, QkvRows rows, bool isSequence) =>
        new(rows == QkvRows.Packed ? 0 : heads) { Rows = rows, IsSequence = isSequence };

    /// <summary>
    /// Extents of one part in the checkpoint: [K,R,S,C] becomes [K,C,R,S], a matrix [K,C], a sequence [K,C,1]; all else stays.
    /// </summary>
    public int[] StoredShape(Shape shape)
    {
        int rows = shape[0] / Math.Max(1, Parts);
        return shape.Rank switch
        {
            4 when IsMatrix => [rows, shape[3]],
            4 when IsSequence => [rows, shape[3], 1],
            2 when IsTransposed => [shape[1], shape[0]],
            4 => [rows, shape[3], shape[1], shape[2]],
            _ => [rows, .. shape.ToArray()[1..]],
        };
    }

    /// <summary>Values as they lie in memory to values as the checkpoint has them.</summary>
    public float[] ToStored(Shape shape, ReadOnlySpan<float> values)
    {
        var stored = new float[values.Length];
        if (IsTransposed)
        {
            Transpose(values, stored, shape[0], shape[1]);
            return stored;
        }
        Permutation p = new(shape, Heads, Rows);
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
        if (IsTransposed)
        {
            Transpose(stored, values, shape[1], shape[0]);
            return;
        }
        Permutation p = new(shape, Heads, Rows);
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

    private static void Transpose(ReadOnlySpan<float> from, Span<float> to, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                to[column * rows + row] = from[row * columns + column];
        }
    }

    private readonly struct Permutation(Shape shape, int heads, QkvRows order)
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
            return head * 3 * perHead + (order == QkvRows.Interleaved ? d * 3 + part : part * perHead + d);
        }
    }
}
