using System.Collections.Concurrent;
using System.Collections.Frozen;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>A product of M x N results, each a sum of <paramref name="Steps"/> steps of 64 bytes.</summary>
/// <param name="M">Pixels; for wgrad output channels.</param>
/// <param name="N">Channels; for wgrad taps times channels.</param>
/// <param name="Steps">Steps of the sum.</param>
/// <param name="Operation">Which kernels compute it.</param>
/// <param name="Batch">So many of them.</param>
/// <param name="OnWarpgroups">Whether kernels for Hopper's own instructions take it, too.</param>
/// <param name="Taps">Of a convolution: so many parts of the sum, each of whole steps.</param>
internal readonly record struct TensorProblem(int M, int N, int Steps, TensorOperation Operation, int Batch = 1,
    bool OnWarpgroups = false, int Taps = 1)
{
    /// <summary>Steps as a tile's kernels take them: of 64 bytes, on warpgroups of 128.</summary>
    public int StepsOf(ITile tile) => tile is WarpgroupTile ? Taps * ((Steps / Taps + 1) / 2) : Steps;

    /// <summary>Whether a choice of tile decides about wgrad's kernels, whose operands have their sum outermost.</summary>
    public bool IsWgrad => Operation is TensorOperation.Wgrad or TensorOperation.ActivatedWgrad;

    /// <summary>Whether x has a prologue.</summary>
    public bool IsActivated => Operation is TensorOperation.ActivatedConvolution or TensorOperation.ActivatedWgrad;
}

/// <summary>The families of tensor-core kernels: forward and dgrad are convolutions.</summary>
internal enum TensorOperation
{
    /// <summary>Forward without a prologue, and dgrad.</summary>
    Convolution,

    /// <summary>Forward with a prologue.</summary>
    ActivatedConvolution,

    /// <summary>wgrad without a prologue.</summary>
    Wgrad,

    /// <summary>wgrad with a prologue.</summary>
    ActivatedWgrad,

    /// <summary>Matrix products.</summary>
    Product,
}

/// <summary>
/// Which tile, and into how many slices: the table, and the rule that picks from it where nothing was measured; and what
/// <c>bdense tune</c> may try besides (<see cref="TensorSearch"/>).
/// </summary>
internal static class TensorPlan
{
    /// <summary>A tile as the rule sees it.</summary>
    /// <param name="Tile">Which.</param>
    /// <param name="Resident">Groups that a multiprocessor holds (registers and shared memory; <c>bdense kernels</c> shows them).</param>
    /// <param name="Speed">Of a multiprocessor full of them, against the best: larger tiles load less for each product.</param>
    /// <param name="WgradResident">Groups of wgrad's kernels; 0: not for wgrad.</param>
    /// <param name="InProduct">Whether for matrix products.</param>
    /// <param name="ActivatedResident">Groups of the kernels with a prologue, in the worse of both precisions; 0: not for them.</param>
    public sealed record Row(ITile Tile, int Resident, double Speed, int WgradResident, bool InProduct, int ActivatedResident)
    {
        /// <summary>Whether the rule takes it for a problem.</summary>
        public bool Has(in TensorProblem p) => (Tile is ProductTile || p.OnWarpgroups) && p.Operation switch
        {
            TensorOperation.Convolution => true,
            TensorOperation.ActivatedConvolution => ActivatedResident > 0,
            TensorOperation.Wgrad => WgradResident > 0,
            TensorOperation.ActivatedWgrad => WgradResident > 0 && ActivatedResident > 0,
            _ => InProduct,
        };
    }

    /// <summary>Speeds are estimates from bytes loaded for each product, to be replaced by measurement.</summary>
    public static IReadOnlyList<Row> Rows { get; } =
    [
        new(new ProductTile(128, 256, 64, 64, 3), 1, 1.00, 0, true, 0),
        new(new ProductTile(128, 128, 64, 64, 3), 2, 0.96, 2, true, 0),
        new(new ProductTile(128, 128, 64, 32, 3), 1, 0.95, 1, false, 1),
        new(new ProductTile(128, 64, 64, 32, 4), 3, 0.80, 0, false, 0),
        new(new ProductTile(64, 128, 64, 32, 4), 3, 0.80, 3, false, 0),
        new(new ProductTile(64, 64, 32, 32, 4), 4, 0.65, 4, true, 3),
        new(new ProductTile(128, 32, 32, 32, 4), 4, 0.45, 0, false, 2),
        .. Warpgroups,
    ];

    /// <summary>
    /// Of Hopper: wgmma reaches the tensor cores' peak, of which mma.sync leaves a third (<c>bdense kernels --estimate</c>). Groups are 384
    /// or 256 threads; the larger fill a multiprocessor's shared memory and registers alone.
    /// </summary>
    private static IEnumerable<Row> Warpgroups =>
    [
        new(new WarpgroupTile(128, 256, 2, 4), 1, 1.50, 1, true, 0),
        new(new WarpgroupTile(128, 128, 2, 4), 1, 1.35, 1, true, 0),
        new(new WarpgroupTile(64, 128, 1, 4), 2, 1.15, 2, true, 0),
        new(new WarpgroupTile(128, 64, 2, 4), 2, 1.15, 2, true, 0),
    ];

    private static readonly FrozenDictionary<string, Row> s_byName = Rows.ToFrozenDictionary(row => row.Tile.Text);

    private static readonly ConcurrentDictionary<string, ITile> s_parsed = new(StringComparer.Ordinal);

    /// <summary>A choice's tile.</summary>
    public static ITile Find(string text) => s_parsed.GetOrAdd(text,
        static t => (ITile?)ProductTile.Parse(t) ?? WarpgroupTile.Parse(t) ?? throw new ArgumentException($"{t} is no tile", nameof(text)));

    /// <summary>Filling the pipeline and storing the result, in steps.</summary>
    private const int Overhead = 8;

    /// <summary>Scratch memory of the slices, in bytes.</summary>
    private const long MaxPartialBytes = 64L << 20;

    /// <summary>
    /// Bytes that the reduction of slices moves while one multiprocessor takes one step of a 128 x 128 tile: 3 TB/s against
    /// 2 TFLOP/s and 2^19 FLOPs, and the same ratio within a factor of two on every GPU with tensor cores.
    /// </summary>
    private const double BytesPerStep = 800e3;

    /// <summary>Of a wave of groups that are launched for nothing but the reduction, in the same unit: 3 microseconds.</summary>
    private const double ReductionSteps = 12;

    /// <summary>Slices that are allowed: every one has a step to do, and together they fit the scratch memory.</summary>
    public static int MaxSlices(in TensorProblem p) =>
        (int)Math.Max(1, Math.Min(Math.Min(p.Steps, p.IsWgrad ? 256 : 16), MaxPartialBytes / Math.Max(1, 4L * p.Batch * p.M * p.N)));

    /// <summary>What the rule chooses from, and what the autotuner times first.</summary>
    public static IEnumerable<TileChoice> Candidates(TensorProblem p, int sharedLimit)
    {
        foreach (var row in Rows.Where(row => row.Tile.SharedBytes <= sharedLimit && row.Has(p)))
        {
            int last = 0;
            // A persistent group sums to the end.
            int most = row.Tile is WarpgroupTile && p.Operation == TensorOperation.Product ? 1 : MaxSlices(p);
            for (int slices = 1; slices <= most; slices = Math.Max(slices + 1, slices * 5 / 4))
            {
                int real = RealSlices(p, row.Tile, slices);
                if (real != last)
                    yield return new TileChoice(row.Tile.Text, real);
                last = real;
            }
        }
    }

    /// <summary>As many as have work: 7 steps in 4 slices of 2.</summary>
    public static int RealSlices(in TensorProblem p, ITile tile, int slices)
    {
        int steps = p.StepsOf(tile), perSlice = (steps + slices - 1) / slices;
        return (steps + perSlice - 1) / perSlice;
    }

    /// <summary>
    /// The candidate with the least predicted time; of equals the first, so that the same device always gives the same bits.
    /// </summary>
    public static TileChoice Choose(in TensorProblem p, int multiprocessors, int sharedLimit)
    {
        var (best, least) = (default(TileChoice), double.MaxValue);
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
    /// multiprocessor with few groups waits for its memory: it is never faster than at six tenths of its groups. Behind slices there is
    /// their sum.
    /// </summary>
    public static double Time(in TensorProblem p, TileChoice choice, int multiprocessors)
    {
        var row = s_byName[choice.Tile];
        var tile = row.Tile;
        long groups = (long)p.Batch * ((p.M + tile.Rows - 1) / tile.Rows) * ((p.N + tile.Columns - 1) / tile.Columns) * choice.Slices;
        double group = tile.Rows * tile.Columns / 16384.0 / row.Speed * ((p.Steps + choice.Slices - 1) / choice.Slices + Overhead);
        int resident = p.IsActivated ? row.ActivatedResident : p.IsWgrad ? row.WgradResident : row.Resident;
        long perWave = (long)multiprocessors * resident, left = groups % perWave;
        double last = left == 0 ? 0 : Math.Max((left + multiprocessors - 1) / multiprocessors, 0.6 * resident);
        double sum = 4.0 * p.Batch * p.M * p.N * (choice.Slices + 2) / BytesPerStep;
        double reduction = p.IsWgrad ? sum : choice.Slices > 1 ? sum + ReductionSteps : 0;
        return group * (groups / perWave * resident + last) + reduction;
    }
}
