namespace BDense.Kernels.Ptx.Attention;

/// <summary>What <see cref="AttentionKernel"/> is launched with.</summary>
internal struct AttentionArguments
{
    /// <summary>Addresses: packed projections [N, Tokens, 3, Heads, d], dy and y [N, Tokens, Heads, d], pairs of log-sum-exp and delta a
    /// query, log-sum-exp, and y or dqkv.</summary>
    public long Qkv, Dy, Statistics, LogSumExp, Result;

    /// <summary>Of a sample.</summary>
    public int Tokens, Heads;

    /// <summary>1 / sqrt(d)</summary>
    public float Scale;
}

/// <summary>
/// Attention on tensor cores: y_i = sum_j p_ij v_j with p_ij = exp(q_i . k_j / sqrt(d) - lse_i), and its gradients with ds_ij = p_ij (dy_i
/// . v_j - delta_i): dq_i = sum_j ds_ij k_j / sqrt(d), dk_j = sum_i ds_ij q_i / sqrt(d), dv_j = sum_i p_ij dy_i. A group has 64 tokens of
/// one side as its own, four warps of 16; the others come in blocks, float32 through registers and rounded into shared memory, one operand
/// while the other is multiplied. Scores and weights never leave the registers. Grid: blocks of 64 tokens fastest, so that neighbours read
/// the same keys and values; then heads, then samples. 4 Tokens^2 d FLOPs a head forward, 6 or 8 a gradient. All sums in a fixed order.
/// </summary>
/// <param name="Head">d: 32, 64, 128 or 256.</param>
/// <param name="Shape">TF32 or BF16.</param>
/// <param name="Pass">What it computes.</param>
/// <param name="IsRounded">Whether qkv, y and their gradients are BF16 in memory; for BF16 alone. Statistics are float32.</param>
internal sealed record AttentionKernel(int Head, MmaShape Shape, AttentionPass Pass, bool IsRounded = false) : IWrittenKernel
{
    /// <inheritdoc/>
    public string Name => $"Tensor{(IsRounded ? "Rounded" : "")}Attention{(Pass == AttentionPass.Forward ? "" : Pass)}"
        + $"{Head}{Shape.Name}Kernel";

    /// <inheritdoc/>
    public int Threads => HeadTile.Threads;

    /// <inheritdoc/>
    public int SharedBytes => ((HasPairs ? 2 : 1) * HeadTile.Rows + 2 * Block) * Pitch;

    /// <summary>The passes that make all gradients: at heads of 256 no registers are left for dk and dv together.</summary>
    public static IReadOnlyList<AttentionPass> Backward(int head) => head == 256
        ? [AttentionPass.QueryGradient, AttentionPass.KeyGradient, AttentionPass.ValueGradient]
        : [AttentionPass.QueryGradient, AttentionPass.KeyValueGradient];

    /// <summary>Tokens of the other side at a time.</summary>
    private int Block => Head switch { <= 64 => 64, 128 => 32, _ => 16 };

    private bool OwnQueries => Pass.OwnQueries();

    private bool HasPairs => Pass.HasPairs();

    /// <summary>
    /// Whether a block is on its way while the one before is multiplied. Beside dk's sums of 256 channels there are no registers for one of
    /// float32 that becomes BF16.
    /// </summary>
    private bool FetchesAhead => Pass != AttentionPass.KeyGradient || IsRounded || Shape == MmaShape.Tf32;

    private int Pitch => Head * Shape.ValueBytes + 16;

    /// <inheritdoc/>
    public WrittenKernel Write() => PtxWriter.Kernel<AttentionArguments>(Name, "sm_80", Threads, SharedBytes, Body);

    private void Body(PtxWriter w, PtxArguments<AttentionArguments> g)
    {
        var (head, shape, pass) = (Head, Shape, Pass);
        var tile = new HeadTile(w, shape, head, Block, IsRounded);
        var warp = new AttentionWarp(w, shape, tile, head, IsRounded);
        int bytes = IsRounded ? 2 : 4;
        var (tokens, heads) = (g.Of(x => x.Tokens), g.Of(x => x.Heads));
        var blocks = w.Let((tokens + (HeadTile.Rows - 1)).As<U32>() / HeadTile.Rows);
        var rest = w.Let(w.Group() / blocks);
        var first = w.Let(((w.Group() - rest * blocks) * HeadTile.Rows).As<S32>());
        var n = w.Let((rest / heads.As<U32>()).As<S32>());
        var of = w.Let(rest.As<S32>() - n * heads);
        var (lane, index) = (w.Let(w.Thread() % 32), w.Let(w.Thread() / 32));
        var shared = w.SharedOfLaunch();

        // q, k and v side by side in qkv; y and dy have a third of its width.
        var width = w.Let(heads * (bytes * head));
        HeadRows Packed(Register<S64> tensor, int part) =>
            new(w.Let(tensor + (n * tokens * 3 + part).Wide(width) + of.Wide(bytes * head)), w.Let(width * 3));
        HeadRows Output(Register<S64> tensor) => new(w.Let(tensor + (n * tokens).Wide(width) + of.Wide(bytes * head)), width);
        var (qkv, dy) = (g.Of(x => x.Qkv), g.Of(x => x.Dy));
        HeadRows own = Packed(qkv, OwnQueries ? 0 : 1), others = Packed(qkv, OwnQueries ? 1 : 0);
        var second = OwnQueries ? Packed(qkv, 2) : Output(dy);

        var rows = new AttentionRows(w, w.Let(first + (index * 16 + lane / 4).As<S32>()), tokens);
        var statistics = w.Let(g.Of(x => x.Statistics) + ((n * heads + of) * tokens).Wide(8));
        var scale = w.Let(g.Of(x => x.Scale) * 1.44269504f);
        var sums = warp.NewSums();
        if (!HasPairs)
        {
            tile.LoadOwn(own, first, tokens, shared);
            Attend(w, tile, warp, others, second, tokens, shared, index, lane, scale, statistics, sums);
        }
        else
        {
            tile.LoadOwn(own, first, tokens, shared);
            tile.LoadOwn(OwnQueries ? Output(dy) : Packed(qkv, 2), first, tokens, shared + HeadTile.Rows * Pitch);
        }
        var secondSums = pass == AttentionPass.KeyValueGradient ? warp.NewSums() : null;
        if (HasPairs)
            Differ(w, tile, warp, others, second, tokens, shared, index, lane, scale, statistics, rows, sums, secondSums);

        var result = g.Of(x => x.Result);
        void Store(Register<F32>[] values, HeadRows to) =>
            warp.Store(values, to.First + rows.Upper.Wide(to.Pitch) + (warp.FirstChannel(lane) * bytes).Long(), to.Pitch, rows);
        if (pass == AttentionPass.Forward)
        {
            var logs = warp.Softmax.Divide(g.Of(x => x.Scale), sums);
            rows.StoreColumn(logs, g.Of(x => x.LogSumExp), (n * heads + of) * tokens, lane);
            Store(sums, Output(result));
            return;
        }
        if (HasPairs)
        {
            foreach (var sum in sums)
                w.Set(sum, sum * g.Of(x => x.Scale));
        }
        Store(sums, Packed(result, pass.Part()));
        if (secondSums is not null)
            Store(secondSums, Packed(result, 2));
    }

    /// <summary>y for own queries, dv for own keys: weights, times the other side's second operand.</summary>
    private void Attend(PtxWriter w, HeadTile tile, AttentionWarp warp, HeadRows others, HeadRows values, Value<S32> tokens,
        Value<U32> shared,
        Value<U32> index, Value<U32> lane, Value<F32> scale, Value<S64> statistics, Register<F32>[] sums)
    {
        Value<U32> first = shared + HeadTile.Rows * Pitch, second = first + Block * Pitch;
        tile.Fetch(others, 0, tokens);
        tile.Place(first);
        w.For(0, tokens, at =>
        {
            tile.Fetch(values, at, tokens);
            // The scores' operands are there, for all warps; and all have read the values that are replaced.
            w.Barrier();
            warp.Scores(shared + tile.Left(index, lane), first + tile.Right(lane));
            tile.Place(second);
            var column = w.Let(at + (lane % 4 * 2).As<S32>());
            // The same for all warps: none parts.
            w.If(at + Block > tokens, () => warp.Softmax.Mask(tokens - column));
            if (OwnQueries)
                warp.Softmax.Shrink(sums, warp.Softmax.Softmax(scale, warp.Softmax.Scores));
            else
                warp.Softmax.WeighColumns(scale, new ColumnStatistics(w, statistics, column, tokens));
            // The values are there; and all have read the keys that are replaced.
            w.Barrier();
            // Behind the last block its last row again and again, from the cache.
            tile.Fetch(others, at + Block, tokens);
            warp.Add(sums, second + tile.Values(lane), weights: !OwnQueries);
            tile.Place(first);
        }, Block);
    }

    /// <summary>dq for own queries; dk for own keys, and dv with it.</summary>
    private void Differ(PtxWriter w, HeadTile tile, AttentionWarp warp, HeadRows others, HeadRows othersSecond, Value<S32> tokens,
        Value<U32> shared,
        Value<U32> index, Value<U32> lane, Value<F32> scale, Value<S64> statistics, AttentionRows rows, Register<F32>[] sums,
        Register<F32>[]? secondSums)
    {
        Value<U32> ownSecond = shared + HeadTile.Rows * Pitch, first = shared + 2 * HeadTile.Rows * Pitch, second = first + Block * Pitch;
        Register<F32>[] logs = [], deltas = [];
        if (OwnQueries)
            (logs, deltas) = rows.Statistics(statistics);
        tile.Fetch(others, 0, tokens);
        tile.Place(first);
        w.For(0, tokens, at =>
        {
            var column = w.Let(at + (lane % 4 * 2).As<S32>());
            var columns = new ColumnStatistics(w, statistics, column, tokens);
            if (FetchesAhead)
                tile.Fetch(othersSecond, at, tokens);
            // The first operand of the block is there, for all warps.
            w.Barrier();
            warp.Scores(shared + tile.Left(index, lane), first + tile.Right(lane));
            if (!FetchesAhead)
                tile.Fetch(othersSecond, at, tokens);
            tile.Place(second);
            w.If(at + Block > tokens, () => warp.Softmax.Mask(tokens - column));
            if (OwnQueries)
                warp.Softmax.WeighRows(scale, logs);
            else
                warp.Softmax.WeighColumns(scale, columns);
            // The second operand is there.
            w.Barrier();
            if (FetchesAhead)
                tile.Fetch(others, at + Block, tokens);
            if (secondSums is not null)
                warp.Add(secondSums, second + tile.Values(lane), weights: true);
            warp.Scores(ownSecond + tile.Left(index, lane), second + tile.Right(lane));
            if (OwnQueries)
                warp.Softmax.DifferRows(deltas, warp.Softmax.Scores);
            else
                warp.Softmax.DifferColumns(columns, warp.Softmax.Scores);
            warp.Add(sums, first + tile.Values(lane), weights: false);
            // All have read the block.
            w.Barrier();
            if (!FetchesAhead)
                tile.Fetch(others, at + Block, tokens);
            tile.Place(first);
        }, Block);
    }
}
