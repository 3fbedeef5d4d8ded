namespace BDense.Kernels.Reference.MatMul;

/// <summary>One matrix product inside a task: C[m,n] = alpha sum_k A[m,k] B[k,n] (+ C), with B packed into panels.</summary>
/// <remarks>
/// A[m,k] lies at A[m RowPitch + k DepthPitch]: either pitch may be 1, so A and its transpose are both read where they lie. The depth
/// goes in steps of 512: a panel of B (32 KiB) is read in order, for which the L2 cache is fast enough. Sums between steps lie in C.
/// </remarks>
internal unsafe struct RowProduct
{
    private const int MaxDepth = 512;

    public float* A, B, C;
    public int RowPitch, DepthPitch, CPitch, Rows, Columns, Depth;
    public float Alpha;
    public bool Accumulate;

    public readonly void Run(in MicroKernels kernels) => Run(kernels, 0, kernels.Panels(Columns));

    /// <summary>Only the panels from <paramref name="first"/> to before <paramref name="end"/>.</summary>
    public readonly void Run(in MicroKernels kernels, int first, int end)
    {
        int* aRows = stackalloc int[MicroKernels.MaxRows];
        int* cRows = stackalloc int[MicroKernels.MaxRows];
        for (int i = 0; i < MicroKernels.MaxRows; i++)
            cRows[i] = i * CPitch;
        int zero = 0;
        Tile tile;
        tile.From = 0;
        tile.FromScale = 1f;
        tile.ARows = aRows;
        tile.YRows = cRows;
        tile.AStep = DepthPitch;
        tile.AOuter = tile.BOuter = &zero;
        tile.Outer = 1;
        tile.Bias = null;
        tile.Alpha = Alpha;
        int steps = (Depth + MaxDepth - 1) / MaxDepth, step = (Depth + steps - 1) / steps;
        for (int k = 0; k < Depth; k += step)
        {
            tile.Inner = Math.Min(step, Depth - k);
            tile.Accumulate = Accumulate || k > 0;
            for (int panel = first; panel < end; panel++)
            {
                int start = kernels.PanelStart(panel), width = kernels.PanelWidth(panel, Columns), tileRows = kernels.Rows(width);
                tile.B = B + ((long)start * Depth) + ((long)k * width);
                tile.BStep = width;
                tile.ColumnCount = Math.Min(width, Columns - start);
                for (int i = 0; i < Rows; i += tileRows)
                {
                    tile.RowCount = Math.Min(tileRows, Rows - i);
                    for (int j = 0; j < tileRows; j++)
                        aRows[j] = Math.Min(j, tile.RowCount - 1) * RowPitch;
                    tile.A = A + ((long)i * RowPitch) + ((long)k * DepthPitch);
                    tile.Y = C + ((long)i * CPitch) + start;
                    kernels.Run(&tile, width);
                }
            }
        }
    }
}
