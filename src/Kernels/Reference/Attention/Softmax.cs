using System.Runtime.CompilerServices;

namespace BDense.Kernels.Reference;

/// <summary>Some rows a task: maximum, exponentials with their sum, quotient, all while the row is in the cache.</summary>
file unsafe struct SoftmaxJob : IWideJob
{
    public float* X, Y;
    public int Rows, Columns, RowsPerTask;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int end = Math.Min((task + 1) * RowsPerTask, Rows);
        for (int row = task * RowsPerTask; row < end; row++)
            Row<TLanes, V>(X + (long)row * Columns, Y + (long)row * Columns, Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<TLanes, V>(float* x, float* y, int columns)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int lanes = TLanes.Count, i = 0;
        var top = TLanes.Broadcast(float.NegativeInfinity);
        for (; i <= columns - lanes; i += lanes)
            top = TLanes.Greater(top, TLanes.Load(x + i));
        float max = TLanes.Greatest(top);
        for (; i < columns; i++)
            max = MathF.Max(max, x[i]);

        // A NaN need not win the maximum: its exponential reaches the sum.
        var shift = TLanes.Broadcast(max);
        V sums = default;
        for (i = 0; i <= columns - lanes; i += lanes)
        {
            var e = LaneMath.Exp<TLanes, V>(TLanes.Subtract(TLanes.Load(x + i), shift));
            TLanes.Store(e, y + i);
            sums = TLanes.Add(sums, e);
        }
        double sum = TLanes.WideSum(sums);
        if (i < columns)
        {
            LaneMath.Store<TLanes, V>(LaneMath.Exp<TLanes, V>(TLanes.Subtract(LaneMath.Load<TLanes, V>(x + i, columns - i), shift)), y + i,
                columns - i);
            for (; i < columns; i++)
                sum += y[i];
        }
        float inverse = (float)(1 / sum);
        var factor = TLanes.Broadcast(inverse);
        for (i = 0; i <= columns - lanes; i += lanes)
            TLanes.Store(TLanes.Multiply(TLanes.Load(y + i), factor), y + i);
        for (; i < columns; i++)
            y[i] *= inverse;
    }
}

/// <summary>Some rows a task: the row's sum of dy y, then dx.</summary>
file unsafe struct SoftmaxBackwardJob : IWideJob
{
    public float* DY, Y, DX;
    public int Rows, Columns, RowsPerTask;

    public readonly void Run<TLanes, V>(int task)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int end = Math.Min((task + 1) * RowsPerTask, Rows);
        for (int row = task * RowsPerTask; row < end; row++)
            Row<TLanes, V>(DY + (long)row * Columns, Y + (long)row * Columns, DX + (long)row * Columns, Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<TLanes, V>(float* dy, float* y, float* dx, int columns)
        where TLanes : struct, IMathLanes<V>
        where V : unmanaged
    {
        int lanes = TLanes.Count, i = 0;
        V sums = default;
        for (; i <= columns - lanes; i += lanes)
            sums = TLanes.MultiplyAdd(TLanes.Load(dy + i), TLanes.Load(y + i), sums);
        double sum = TLanes.WideSum(sums);
        for (; i < columns; i++)
            sum += (double)dy[i] * y[i];
        var dot = TLanes.Broadcast((float)sum);
        for (i = 0; i <= columns - lanes; i += lanes)
            TLanes.Store(TLanes.Multiply(TLanes.Load(y + i), TLanes.Subtract(TLanes.Load(dy + i), dot)), dx + i);
        for (; i < columns; i++)
            dx[i] = y[i] * (dy[i] - (float)sum);
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void SoftmaxCore(Tensor x, Tensor y)
    {
        var (rows, columns, perTask) = SoftmaxRows(x);
        RunWide(new SoftmaxJob { X = Pointer(x), Y = Pointer(y), Rows = rows, Columns = columns, RowsPerTask = perTask },
            (rows + perTask - 1) / perTask);
    }

    private protected override void SoftmaxBackwardCore(Tensor dy, Tensor y, Tensor dx)
    {
        var (rows, columns, perTask) = SoftmaxRows(y);
        RunWide(new SoftmaxBackwardJob
        {
            DY = Pointer(dy),
            Y = Pointer(y),
            DX = Pointer(dx),
            Rows = rows,
            Columns = columns,
            RowsPerTask = perTask,
        },
            (rows + perTask - 1) / perTask);
    }

    private static (int Rows, int Columns, int PerTask) SoftmaxRows(Tensor x) =>
        (x.Shape[0], x.Shape[1], Math.Max(1, Chunk.Length / Math.Max(1, x.Shape[1])));
}
