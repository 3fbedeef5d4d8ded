namespace BDense.Kernels.Tracing;

// Each operation the same way: known operands are computed with, others are read before the result takes its place.
public sealed partial class TracingBackend
{
    private protected override void Conv2dCore(in Conv2dShape s, Tensor x, Tensor w, Tensor? bias, Tensor y)
    {
        if (IsKnown(x, w, bias))
        {
            Mark(y, null);
            base.Conv2dCore(s, x, w, bias, y);
            return;
        }
        var (from, weight) = (Batched(x), Known(w, "a convolution's weights"));
        var offset = bias is null ? null : Known(bias, "a convolution's biases");
        _recorder!.Add(new ConvolutionStep(Written(y), s, from, weight, offset));
    }

    private protected override void GroupNormCore(in GroupNormShape s, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y,
        Tensor stats, Tensor? moments)
    {
        if (IsKnown(x, gamma, beta, scaleShift))
        {
            Mark(y, null);
            base.GroupNormCore(s, x, gamma, beta, scaleShift, y, stats, moments);
            return;
        }
        var (from, scale, shift) = (Batched(x), Known(gamma, "a normalisation's scales"), Known(beta, "a normalisation's shifts"));
        var own = scaleShift is null ? null : Batched(scaleShift);
        _recorder!.Add(new GroupNormStep(Written(y), s, from, scale, shift, own));
        NotComputed(stats);
    }

    private protected override void AttentionCore(in AttentionShape s, Tensor qkv, Tensor y, Tensor lse)
    {
        if (IsKnown(qkv))
        {
            Mark(y, null);
            base.AttentionCore(s, qkv, y, lse);
            return;
        }
        var from = Batched(qkv);
        _recorder!.Add(new AttentionStep(Written(y), s, from));
        NotComputed(lse);
    }

    private protected override void LinearCombinationCore(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        if (IsKnown([.. x]))
        {
            Mark(y, null);
            base.LinearCombinationCore(c, x, y);
            return;
        }
        var terms = AllBatched(x);
        _recorder!.Add(new CombinationStep(Written(y), c.ToArray(), terms));
    }

    private protected override void LinearCombinationPerSampleCore(Tensor c, ReadOnlySpan<Tensor> x, Tensor y)
    {
        if (IsKnown([c, .. x]))
        {
            Mark(y, null);
            base.LinearCombinationPerSampleCore(c, x, y);
            return;
        }
        var (coefficients, terms) = (Batched(c), AllBatched(x));
        // What it calls samples may be parts of one: then known coefficients differ from part to part.
        _recorder!.Add(coefficients is TraceConstant known && known.Values.Length == x.Length
            ? new CombinationStep(Written(y), known.Values, terms) : new SampleCombinationStep(Written(y), coefficients, terms));
    }

    private protected override void BroadcastAddCore(Tensor x, Tensor e, Tensor y)
    {
        if (IsKnown(x, e))
        {
            Mark(y, null);
            base.BroadcastAddCore(x, e, y);
            return;
        }
        var (from, embedding) = (Batched(x), Batched(e));
        _recorder!.Add(new BroadcastAddStep(Written(y), from, embedding));
    }

    private protected override void ScaleShiftCore(Tensor x, Tensor scaleShift, bool silu, Tensor y)
    {
        if (IsKnown(x, scaleShift))
        {
            Mark(y, null);
            base.ScaleShiftCore(x, scaleShift, silu, y);
            return;
        }
        var (from, factors) = (Batched(x), Batched(scaleShift));
        _recorder!.Add(new ScaleShiftStep(Written(y), from, factors, silu));
    }

    private protected override void ConcatCore(Tensor a, Tensor b, Tensor y)
    {
        if (IsKnown(a, b))
        {
            Mark(y, null);
            base.ConcatCore(a, b, y);
            return;
        }
        var (first, second) = (Batched(a), Batched(b));
        _recorder!.Add(new ConcatStep(Written(y), first, second));
    }

    private protected override void SplitCore(Tensor y, Tensor a, Tensor b)
    {
        if (IsKnown(y))
        {
            Mark(a, null);
            Mark(b, null);
            base.SplitCore(y, a, b);
            return;
        }
        var from = Batched(y);
        _recorder!.Add(new ChannelsStep(Written(a), from, 0, a.Shape[-1]));
        _recorder!.Add(new ChannelsStep(Written(b), from, a.Shape[-1], b.Shape[-1]));
    }

    private protected override void SiluCore(Tensor x, Tensor y)
    {
        if (IsKnown(x))
        {
            Mark(y, null);
            base.SiluCore(x, y);
            return;
        }
        var from = Batched(x);
        _recorder!.Add(new SiluStep(Written(y), from));
    }

    private protected override void ClampCore(Tensor x, float low, float high, Tensor y)
    {
        if (IsKnown(x))
        {
            Mark(y, null);
            base.ClampCore(x, low, high, y);
            return;
        }
        var from = Batched(x);
        _recorder!.Add(new ClampStep(Written(y), from, low, high));
    }

    private protected override void MultiplyCore(Tensor a, Tensor b, Tensor y)
    {
        if (IsKnown(a, b))
        {
            Mark(y, null);
            base.MultiplyCore(a, b, y);
            return;
        }
        var (first, second) = (Batched(a), Batched(b));
        _recorder!.Add(new MultiplyStep(Written(y), first, second));
    }

    private protected override void DownsampleCore(Tensor x, Tensor y, float factor)
    {
        if (IsKnown(x))
        {
            Mark(y, null);
            base.DownsampleCore(x, y, factor);
            return;
        }
        var from = Batched(x);
        _recorder!.Add(new ResampleStep(Written(y), from, Resampling.Down, factor));
    }

    private protected override void UpsampleCore(Tensor x, Tensor y, float factor)
    {
        if (IsKnown(x))
        {
            Mark(y, null);
            base.UpsampleCore(x, y, factor);
            return;
        }
        var from = Batched(x);
        _recorder!.Add(new ResampleStep(Written(y), from, Resampling.Up, factor));
    }

    private protected override void EmbeddingCore(Tensor t, Tensor frequencies, Tensor y, bool sinFirst)
    {
        if (IsKnown(t, frequencies))
        {
            Mark(y, null);
            base.EmbeddingCore(t, frequencies, y, sinFirst);
            return;
        }
        var (number, known) = (Batched(t), Known(frequencies, "frequencies"));
        _recorder!.Add(new EmbeddingStep(Written(y), number, known, sinFirst));
    }

    /// <summary>Each state is a combination of x_0 and the heads, with coefficients that all samples share.</summary>
    private protected override void TrajectoryStatesCore(in TrajectoryShape s, Tensor x0, Tensor heads, Tensor skip, Tensor map,
        Tensor states)
    {
        if (IsKnown(x0, heads, skip, map))
        {
            Mark(states, null);
            base.TrajectoryStatesCore(s, x0, heads, skip, map, states);
            return;
        }
        if (!IsKnown(skip, map))
            throw new BDenseException("a trajectory map depends on an input, which cannot be recorded");
        float[] skips = ((TraceConstant)Batched(skip)).Values, rows = ((TraceConstant)Batched(map)).Values;
        var (start, all) = (Batched(x0), Batched(heads));
        int k = s.Branches;
        var head = new TraceOperand[k];
        for (int j = 0; j < k; j++)
        {
            var value = _recorder!.NewValue(s.State);
            _recorder!.Add(new ChannelsStep(value, all, j * s.C, s.C));
            head[j] = new TraceRead(value, s.State);
        }
        for (int b = 0; b < k; b++)
        {
            // Chained heads make a triangular map: what is 0 of it is not written down.
            int[] used = [.. Enumerable.Range(0, k).Where(j => rows[b * k + j] != 0)];
            using var state = states.View(b * s.State.Length, s.State);
            _recorder!.Add(new CombinationStep(Written(state), [skips[b], .. used.Select(j => rows[b * k + j])],
                [start, .. used.Select(j => head[j])]));
        }
    }

    private protected override void FillCore(Tensor y, float value)
    {
        Mark(y, null);
        base.FillCore(y, value);
    }

    private TraceOperand[] AllBatched(ReadOnlySpan<Tensor> x)
    {
        var operands = new TraceOperand[x.Length];
        for (int i = 0; i < x.Length; i++)
            operands[i] = Batched(x[i]);
        return operands;
    }

    /// <summary>What only a backward pass would read: a value that no step makes.</summary>
    private void NotComputed(Tensor y) => Mark(y, _recorder!.NewValue(y.Shape));
}
