using BDense.Kernels.Ptx.Attention;

namespace BDense.Kernels.Ptx.Hopper;

/// <summary>What <see cref="WarpgroupAttentionKernel"/> is launched with.</summary>
internal struct WarpgroupAttentionArguments
{
    /// <summary>Of <see cref="WarpgroupAttentionKernel.Projections"/> and <see cref="WarpgroupAttentionKernel.Outputs"/>, where tensors
    /// are BF16; forward dy is not used.</summary>
    public TensorMap Projections, OutputGradient;

    /// <summary>As <see cref="AttentionKernel"/> takes it.</summary>
    public AttentionArguments Problem;
}

/// <summary>
/// Attention as <see cref="AttentionKernel"/> computes it, with the same statistics, on <c>wgmma</c> (Shah et al. 2024, the plain form). A
/// group has 128 tokens of one side as its own; its first warpgroup brings them, and the other side's in blocks. Two warpgroups multiply,
/// 64 own tokens each: scores from shared memory, then what is made of them, from registers, times a block's rows. Blocks go from the last
/// to the first, so that the one with columns that do not exist is outside of the loop. Grid: own tokens fastest, then heads, then samples.
/// 4 Tokens^2 d FLOPs a head forward, 6 or 8 a gradient. All sums in a fixed order.
/// </summary>
/// <param name="Head">d: 64, 128 or 256.</param>
/// <param name="Pass">What it computes.</param>
/// <param name="IsRounded">Whether qkv, y and their gradients are BF16 in memory, not float32.</param>
internal sealed record WarpgroupAttentionKernel(int Head, AttentionPass Pass, bool IsRounded) : IWrittenKernel
{
    /// <summary>Own tokens of a group.</summary>
    public const int Rows = 128;

    private const int Warpgroups = Rows / 64;

    // Of 504 registers that three warpgroups have a thread.
    private (int Copying, int Multiplying) Registers => IsRounded ? (24, 240) : Head == 64 ? (88, 208) : (72, 216);

    /// <inheritdoc/>
    public string Name => $"Warpgroup{(IsRounded ? "Rounded" : "")}Attention{(Pass == AttentionPass.Forward ? "" : Pass)}{Head}Bf16Kernel";

    /// <inheritdoc/>
    public string Target => "sm_90a";

    /// <inheritdoc/>
    public int Threads => (Warpgroups + 1) * WarpgroupTile.Warpgroup;

    /// <inheritdoc/>
    public int SharedBytes => MbarriersAt + (Stages + 1) * StageRing.MbarrierBytes;

    /// <summary>
    /// Tokens of the other side at a time. Beside sums of 256 channels there are no registers for more, if those who round need some.
    /// </summary>
    public int Block => Pass == AttentionPass.Forward ? Head <= 128 ? 128 : 64 : IsRounded || SumChannels < 256 ? 64 : 32;

    /// <summary>Blocks' operands in shared memory: as many as fit, four at most.</summary>
    private int Stages => Head == 256 && Pass.HasPairs() && Block == 64 ? 3 : 4;

    private int SumChannels => Head * (Pass == AttentionPass.KeyValueGradient ? 2 : 1);

    /// <summary>An own operand.</summary>
    public HeadMatrix Own => new(Rows, Head);

    /// <summary>An operand of a block.</summary>
    public HeadMatrix Other => new(Block, Head);

    /// <summary>Whether columns are queries, whose statistics come with a block.</summary>
    public bool HasColumnStatistics => !Pass.OwnQueries();

    /// <summary><c>wgmma</c> of a warpgroup and block: sums along the channels, then along the block's tokens.</summary>
    public int Products => (Pass.HasPairs() ? 2 : 1) * Other.ChannelSteps
        + (Pass == AttentionPass.KeyValueGradient ? 2 : 1) * Other.RowSteps;

    /// <summary>Of own operands, behind which the stages lie.</summary>
    public int OwnBytes => (Pass.HasPairs() ? 2 : 1) * Own.Bytes;

    private int StatisticsAt => OwnBytes + Stages * Other.Bytes;

    private int MbarriersAt => StatisticsAt + (HasColumnStatistics ? Stages * Block * SharedStatistics.Bytes : 0);

    /// <summary>qkv [N, Tokens, 3, Heads, d], BF16.</summary>
    public TensorBoxes Projections(long address, int samples, int tokens, int heads) => Own.Boxes(address, samples, tokens, 3, heads);

    /// <summary>dy [N, Tokens, Heads, d], BF16.</summary>
    public TensorBoxes Outputs(long address, int samples, int tokens, int heads) => Own.Boxes(address, samples, tokens, 1, heads);

    /// <summary>Where the statistics of a stage's queries lie.</summary>
    /// <param name="at">Of the group.</param>
    /// <param name="stage">Bytes from stage 0.</param>
    public Value<U32> StatisticsOf(AttentionPlaces at, Value<U32> stage) =>
        at.Shared + StatisticsAt + stage / (Other.Bytes / (Block * SharedStatistics.Bytes));

    /// <inheritdoc/>
    public WrittenKernel Write() => PtxWriter.Kernel<WarpgroupAttentionArguments>(Name, Target, Threads, SharedBytes, Body,
        // ptxas moves no registers of a kernel that could do with less than an even share, unless it knows the share (C7508).
        resident: 1);

    private void Body(PtxWriter w, PtxArguments<WarpgroupAttentionArguments> all)
    {
        var g = all.Within<AttentionArguments>();
        var (tokens, heads) = (g.Of(x => x.Tokens), g.Of(x => x.Heads));
        var tiles = w.Let((tokens + (Rows - 1)).As<U32>() / Rows);
        var rest = w.Let(w.Group() / tiles);
        var first = w.Let(((w.Group() - rest * tiles) * Rows).As<S32>());
        var n = w.Let((rest / heads.As<U32>()).As<S32>());
        var head = w.Let(rest.As<S32>() - n * heads);
        var blocks = w.Let((tokens + (Block - 1)).As<U32>() / Block).As<S32>();

        var shared = w.SharedOfLaunch();
        var own = new StageRing(w, w.Let(shared + MbarriersAt), 1, OwnBytes);
        var ring = new StageRing(w, w.Let(shared + (MbarriersAt + StageRing.MbarrierBytes)), Stages, Other.Bytes);
        own.Make(AttentionOperands.Fills(this), reads: 1);
        // Every warp tells that it has read a stage.
        ring.Make(AttentionOperands.Fills(this), reads: 4 * Warpgroups);
        var places = new AttentionPlaces(first, head, n, tokens, heads, blocks, shared);
        var warp = w.Warp();
        w.If(warp < 4, () =>
        {
            w.SetRegisters(Registers.Copying, more: false);
            w.If(IsRounded ? warp.Is(0) : warp < 4, () => new AttentionOperands(w, this, all, places).Bring(own.Begin(), ring.Begin()));
        });
        w.If(warp >= 4, () =>
        {
            w.SetRegisters(Registers.Multiplying, more: true);
            Multiply(w, g, places, new WarpgroupAttention(w, this, places, w.Let(warp - 4), own.Begin(), ring.Begin()));
        });
    }

    private void Multiply(PtxWriter w, PtxArguments<AttentionArguments> g, AttentionPlaces at, WarpgroupAttention products)
    {
        var lane = w.Let(w.Thread() % 32);
        var index = w.Let(w.Thread() / 32 - 4);
        var rows = new AttentionRows(w, w.Let(at.First + (index * 16 + lane / 4).As<S32>()), w.Let(at.Tokens));
        var scale = w.Let(g.Of(x => x.Scale) * 1.44269504f);
        var firstRow = w.Let((at.Sample * at.Heads + at.Head) * at.Tokens);
        if (Pass == AttentionPass.Forward)
        {
            var sums = products.Attend(scale);
            var logs = products.Softmax.Divide(g.Of(x => x.Scale), sums);
            rows.StoreColumn(logs, g.Of(x => x.LogSumExp) + firstRow.Wide(4), 0, lane);
            Store(sums, 0, parts: 1);
            return;
        }
        var (first, second) = products.Differ(scale, Pass.OwnQueries() ? rows.Statistics(g.Of(x => x.Statistics) + firstRow.Wide(8))
            : null);
        if (Pass.HasPairs())
        {
            foreach (var sum in first)
                w.Set(sum, sum * g.Of(x => x.Scale));
        }
        Store(first, Pass.Part(), parts: 3);
        if (second is not null)
            Store(second, 2, parts: 3);

        // Of q, k and v side by side, or of y, which has a third of their width.
        void Store(Register<F32>[] sums, int part, int parts)
        {
            int bytes = IsRounded ? 2 : 4;
            var width = w.Let(at.Heads * (bytes * Head));
            var pitch = w.Let(width * parts);
            rows.Store(sums, g.Of(x => x.Result) + (at.Sample * at.Tokens + rows.Upper).Wide(pitch)
                + (width * part + at.Head * (bytes * Head) + (lane % 4 * (2 * bytes)).As<S32>()).Long(), pitch, IsRounded);
        }
    }
}

/// <summary>Where a group's tokens are, and where its shared memory lies.</summary>
/// <param name="First">Own token.</param>
/// <param name="Head">Of the sample.</param>
/// <param name="Sample">Of the batch.</param>
/// <param name="Tokens">Of a sample.</param>
/// <param name="Heads">Of a sample.</param>
/// <param name="Blocks">Of the other side's tokens.</param>
/// <param name="Shared">Own operands; stages behind them.</param>
internal sealed record AttentionPlaces(Value<S32> First, Value<S32> Head, Value<S32> Sample, Value<S32> Tokens, Value<S32> Heads,
    Value<S32> Blocks, Value<U32> Shared);
