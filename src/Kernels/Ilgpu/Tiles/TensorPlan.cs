namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>
/// The tiles that there are: rows by columns of the result (by warps, where there are two of a size); T a group's on tensor cores, P a
/// thread's of the portable kernels.
/// </summary>
internal enum TileName
{
    T128x256,
    T128x128,
    T128x128x4,
    T128x64,
    T64x128,
    T64x64,
    T128x32,
    P4x16,
    P4x8,
    P4x4,
}

/// <summary>What a tensor-core kernel is launched with.</summary>
/// <param name="Tile">The tile of a group.</param>
/// <param name="Slices">wgrad: parts of the sum that different groups add up; 1 elsewhere.</param>
internal readonly record struct TensorChoice(TileName Tile, int Slices);

/// <summary>A product of M x N results, each a sum of <paramref name="Steps"/> steps of 64 bytes.</summary>
/// <param name="M">Pixels; for wgrad output channels.</param>
/// <param name="N">Channels; for wgrad taps times channels.</param>
/// <param name="Steps">Steps of the sum.</param>
/// <param name="Operation">Which kernels compute it.</param>
/// <param name="Batch">So many of them.</param>
internal readonly record struct TensorProblem(int M, int N, int Steps, TensorOperation Operation, int Batch = 1)
{
    /// <summary>Whether the sum is over pixels and may be sliced.</summary>
    public bool IsWgrad => Operation is TensorOperation.Wgrad or TensorOperation.ActivatedWgrad;

    /// <summary>Whether x has a prologue.</summary>
    public bool IsActivated => Operation is TensorOperation.ActivatedConvolution or TensorOperation.ActivatedWgrad;
}

/// <summary>The families of tensor-core kernels: forward and dgrad are convolutions.</summary>
internal enum TensorOperation
{
    Convolution,
    ActivatedConvolution,
    Wgrad,
    ActivatedWgrad,
    Product,
}

/// <summary>
/// Which tile, and into how many slices: the table, and the rule that picks from it where nothing was measured (<c>bdense tune</c>).
/// </summary>
internal static class TensorPlan
{
    /// <summary>A tile as the rule sees it.</summary>
    /// <param name="Name">Which.</param>
    /// <param name="Rows">Of the result.</param>
    /// <param name="Columns">Of the result.</param>
    /// <param name="Resident">Groups that a multiprocessor holds (registers and shared memory; <c>bdense kernels</c> shows them).</param>
    /// <param name="Speed">Of a multiprocessor full of them, against the best: larger tiles load less for each product.</param>
    /// <param name="SharedBytes">Of a group.</param>
    /// <param name="WgradResident">Groups of wgrad's kernels; 0 where there are none.</param>
    /// <param name="InProduct">Whether matrix products have.</param>
    /// <param name="ActivatedResident">Groups of the kernels with a prologue, in the worse of both precisions; 0 where there are
    /// none.</param>
    public readonly record struct Row(TileName Name, int Rows, int Columns, int Resident, double Speed, int SharedBytes, int WgradResident,
        bool InProduct, int ActivatedResident)
    {
        public bool Has(in TensorProblem p) => p.Operation switch
        {
            // Odd channel counts are stored one by one, which the narrow tile alone does.
            TensorOperation.Convolution => p.N % 2 == 0 || Columns == 32,
            TensorOperation.ActivatedConvolution => ActivatedResident > 0 && (p.N % 2 == 0 || Columns == 32),
            TensorOperation.Wgrad => WgradResident > 0,
            TensorOperation.ActivatedWgrad => WgradResident > 0 && ActivatedResident > 0,
            _ => InProduct,
        };
    }

    /// <summary>Speeds are estimates from bytes loaded for each product, to be replaced by measurement.</summary>
    public static IReadOnlyList<Row> Tiles { get; } =
    [
        new(TileName.T128x256, 128, 256, 1, 1.00, 72 << 10, 0, true, 0),
        new(TileName.T128x128x4, 128, 128, 2, 0.96, 48 << 10, 2, true, 0),
        new(TileName.T128x128, 128, 128, 2, 0.95, 48 << 10, 1, false, 1),
        new(TileName.T128x64, 128, 64, 3, 0.80, 48 << 10, 0, false, 0),
        new(TileName.T64x128, 64, 128, 3, 0.80, 48 << 10, 3, false, 0),
        new(TileName.T64x64, 64, 64, 4, 0.65, 32 << 10, 4, true, 3),
        new(TileName.T128x32, 128, 32, 4, 0.45, 40 << 10, 0, false, 3),
    ];

    /// <summary>Filling the pipeline and storing the result, in steps.</summary>
    private const int Overhead = 8;

    /// <summary>Scratch memory of wgrad's slices, in bytes.</summary>
    private const long MaxPartialBytes = 64L << 20;

    /// <summary>
    /// Bytes that the reduction of wgrad's slices moves while one multiprocessor takes one step of a 128 x 128 tile: 3 TB/s against
    /// 2 TFLOP/s and 2^19 FLOPs, and the same ratio within a factor of two on every GPU with tensor cores.
    /// </summary>
    private const double BytesPerStep = 800e3;

    public static Row Find(TileName name) => Tiles.First(t => t.Name == name);

    /// <summary>Slices that are allowed: every one has a step to do, and together they fit the scratch memory.</summary>
    public static int MaxSlices(in TensorProblem p) =>
        (int)Math.Max(1, Math.Min(Math.Min(p.Steps, 256), MaxPartialBytes / (4L * p.M * p.N)));

    /// <summary>The candidates of a problem on a device, for the rule and for the autotuner.</summary>
    public static IEnumerable<TensorChoice> Candidates(TensorProblem p, int sharedLimit)
    {
        foreach (var tile in Tiles.Where(t => t.SharedBytes <= sharedLimit && t.Has(p)))
        {
            int last = 0;
            for (int slices = 1; slices <= (p.IsWgrad ? MaxSlices(p) : 1); slices = Math.Max(slices + 1, slices * 5 / 4))
            {
                // As many as have work: 7 steps in 4 slices of 2.
                int perSlice = (p.Steps + slices - 1) / slices, real = (p.Steps + perSlice - 1) / perSlice;
                if (real != last)
                    yield return new TensorChoice(tile.Name, real);
                last = real;
            }
        }
    }

    /// <summary>
    /// The candidate with the least predicted time; of equals the first, so that the same device always gives the same bits.
    /// </summary>
    public static TensorChoice Choose(in TensorProblem p, int multiprocessors, int sharedLimit)
    {
        var (best, least) = (default(TensorChoice), double.MaxValue);
        foreach (var choice in Candidates(p, sharedLimit))
        {
            double time = Time(p, choice, multiprocessors);
            if (time < least)
                (best, least) = (choice, time);
        }
        return best;
    }

    /// <summary>
    /// Predicted time, in steps of one 128 x 128 tile on one multiprocessor: full waves of resident groups, and a last one in which a
    /// multiprocessor with few groups waits for its memory: it is never faster than at six tenths of its groups.
    /// </summary>
    public static double Time(in TensorProblem p, TensorChoice choice, int multiprocessors)
    {
        var tile = Find(choice.Tile);
        long groups = (long)p.Batch * ((p.M + tile.Rows - 1) / tile.Rows) * ((p.N + tile.Columns - 1) / tile.Columns) * choice.Slices;
        double group = tile.Rows * tile.Columns / 16384.0 / tile.Speed * ((p.Steps + choice.Slices - 1) / choice.Slices + Overhead);
        int resident = p.IsActivated ? tile.ActivatedResident : p.IsWgrad ? tile.WgradResident : tile.Resident;
        long perWave = (long)multiprocessors * resident, left = groups % perWave;
        double last = left == 0 ? 0 : Math.Max((left + multiprocessors - 1) / multiprocessors, 0.6 * resident);
        double reduction = p.IsWgrad ? 4.0 * p.M * p.N * (choice.Slices + 2) / BytesPerStep : 0;
        return group * (groups / perWave * resident + last) + reduction;
    }
}
