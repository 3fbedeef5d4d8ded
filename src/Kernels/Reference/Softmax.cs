using System.Numerics;

namespace BDense.Kernels.Reference;

/// <summary>Some rows a task: maximum, exponentials with their sum, quotient, all while the row is in the cache.</summary>
file unsafe struct SoftmaxJob : IJob
{
    public float* X, Y;
    public int Rows, Columns, RowsPerTask;

    public readonly void Run(int task)
    {
        int end = Math.Min((task + 1) * RowsPerTask, Rows);
        for (int row = task * RowsPerTask; row < end; row++)
            Row(X + (long)row * Columns, Y + (long)row * Columns, Columns);
    }

    private static void Row(float* x, float* y, int columns)
    {
        int lanes = Vector<float>.Count, i = 0;
        var top = new Vector<float>(float.NegativeInfinity);
        for (; i <= columns - lanes; i += lanes)
            top = Vector.Max(top, Vector.Load(x + i));
        float max = float.NegativeInfinity;
        for (int j = 0; j < lanes; j++)
            max = Math.Max(max, top[j]);
        for (; i < columns; i++)
            max = Math.Max(max, x[i]);

        var shift = new Vector<float>(max);
        var sums = Vector<float>.Zero;
        for (i = 0; i <= columns - lanes; i += lanes)
        {
            var e = Simd.Exp(Vector.Load(x + i) - shift);
            e.Store(y + i);
            sums += e;
        }
        double sum = Simd.SumLanes(sums);
        if (i < columns)
        {
            Simd.Store(Simd.Exp(Simd.Load(x + i, columns - i) - shift), y + i, columns - i);
            for (; i < columns; i++)
                sum += y[i];
        }
        float inverse = (float)(1 / sum);
        for (i = 0; i <= columns - lanes; i += lanes)
            (Vector.Load(y + i) * inverse).Store(y + i);
        for (; i < columns; i++)
            y[i] *= inverse;
    }
}

/// <summary>Some rows a task: the row's sum of dy y, then dx.</summary>
file unsafe struct SoftmaxBackwardJob : IJob
{
    public float* DY, Y, DX;
    public int Rows, Columns, RowsPerTask;

    public readonly void Run(int task)
    {
        int end = Math.Min((task + 1) * RowsPerTask, Rows);
        for (int row = task * RowsPerTask; row < end; row++)
            Row(DY + (long)row * Columns, Y + (long)row * Columns, DX + (long)row * Columns, Columns);
    }

    private static void Row(float* dy, float* y, float* dx, int columns)
    {
        int lanes = Vector<float>.Count, i = 0;
        var sums = Vector<float>.Zero;
        for (; i <= columns - lanes; i += lanes)
            sums = Vector.MultiplyAddEstimate(Vector.Load(dy + i), Vector.Load(y + i), sums);
        double sum = Simd.SumLanes(sums);
        for (; i < columns; i++)
            sum += (double)dy[i] * y[i];
        var dot = new Vector<float>((float)sum);
        for (i = 0; i <= columns - lanes; i += lanes)
            (Vector.Load(y + i) * (Vector.Load(dy + i) - dot)).Store(dx + i);
        for (; i < columns; i++)
            dx[i] = y[i] * (dy[i] - (float)sum);
    }
}

public sealed unsafe partial class ReferenceBackend
{
    protected override void SoftmaxCore(Tensor x, Tensor y)
    {
        var (rows, columns, perTask) = SoftmaxRows(x);
        Workers.Run(new SoftmaxJob { X = Pointer(x), Y = Pointer(y), Rows = rows, Columns = columns, RowsPerTask = perTask },
            (rows + perTask - 1) / perTask);
    }

    protected override void SoftmaxBackwardCore(Tensor dy, Tensor y, Tensor dx)
    {
        var (rows, columns, perTask) = SoftmaxRows(y);
        Workers.Run(new SoftmaxBackwardJob { DY = Pointer(dy), Y = Pointer(y), DX = Pointer(dx), Rows = rows, Columns = columns, RowsPerTask = perTask },
            (rows + perTask - 1) / perTask);
    }

    private static (int Rows, int Columns, int PerTask) SoftmaxRows(Tensor x) =>
        (x.Shape[0], x.Shape[1], Math.Max(1, Chunk.Length / Math.Max(1, x.Shape[1])));
}
