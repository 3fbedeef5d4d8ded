using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu.Convolution;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Weights as tensor cores copy them: padded, rounded, exchanged for dgrad. They are kept with the weights, and made again only when those
/// have changed: a frozen teacher's and a sampler's are made once, a trained network's once a step.
/// </summary>
/// <remarks>
/// Under capture a form that must be made is made in the graph. One that is up to date is not, and so the graph's replays have it refreshed
/// first (<see cref="CapturedValues"/>): whatever changed the weights between two replays, the graph itself or anybody else, is seen by
/// their version.
/// </remarks>
public sealed partial class IlgpuBackend
{
    /// <summary>A form of a convolution's weights, which begin at an offset of their storage.</summary>
    private readonly record struct WeightForm(int Offset, int K, int Taps, int C, Precision Precision, bool IsExchanged);

    private sealed class KeptWeights(Tensor values, Storage weights, Action<Tensor> make) : IKeptValues, IDisposable
    {
        private long _version = -1;

        public Tensor Values => values;

        /// <summary>Makes them anew if the weights have changed; says whether it did.</summary>
        public bool Refresh()
        {
            if (_version == weights.Version)
                return false;
            make(values);
            _version = weights.Version;
            return true;
        }

        void IKeptValues.Refresh() => Refresh();

        public void Forget() => _version = -1;

        public void Dispose() => values.Dispose();
    }

    /// <summary>Weights that are kept, or made for one use.</summary>
    private readonly record struct WeightLease(Tensor Values, bool IsOnce) : IDisposable
    {
        public void Dispose()
        {
            if (IsOnce)
                Values.Dispose();
        }
    }

    /// <inheritdoc/>
    public override long KeptWeightBytes(int k, int taps, int c, bool trained)
    {
        if (Precision == Precision.Fp32)
            return 0;
        bool asTheyAre = Precision == Precision.Tf32 && ConvolutionPlan.Padded(Precision, c) == c;
        return (asTheyAre ? 0 : Bytes(false)) + (trained ? Bytes(true) : 0);

        long Bytes(bool isExchanged) => (long)sizeof(float) * ShapeOf(new WeightForm(0, k, taps, c, Precision, isExchanged)).Length;
    }

    /// <summary>A convolution's weights [K,R,S,C] as the kernels of a precision copy them, for forward or (exchanged) for dgrad.</summary>
    private WeightLease Weights(Precision precision, in Conv2dShape s, Tensor w, bool isExchanged)
    {
        if (!isExchanged && precision == Precision.Tf32 && ConvolutionPlan.Padded(precision, s.C) == s.C)
            return new WeightLease(w, IsOnce: false);
        var form = new WeightForm(w.Offset, s.K, s.R * s.S, s.C, precision, isExchanged);
        // What a graph's arena lends is another tensor the next time.
        if (w.Storage.Arena is not null)
        {
            var once = new WeightLease(Empty(ShapeOf(form)), IsOnce: true);
            Make(form, w, once.Values);
            return once;
        }
        var forms = ((DeviceStorage)w.Storage).Kept;
        if (!forms.TryGetValue(form, out var kept))
            forms.Add(form, kept = Keep(form, w));
        bool made = kept.Refresh();
        Captured?.Use(kept, made);
        return new WeightLease(kept.Values, IsOnce: false);
    }

    private KeptWeights Keep(WeightForm form, Tensor w)
    {
        var (storage, shape) = (w.Storage, w.Shape);
        // Not a graph's, though it may be the first to ask.
        using var outside = Pool.Enter(null);
        return new KeptWeights(Empty(ShapeOf(form)), storage, values =>
        {
            // The handle that first asked may be gone; the weights are not, as long as their forms are kept.
            storage.References++;
            using var weights = new Tensor(this, storage, form.Offset, shape);
            Make(form, weights, values);
        });
    }

    private static Shape ShapeOf(in WeightForm form)
    {
        int channels = ConvolutionPlan.Padded(form.Precision, form.IsExchanged ? form.K : form.C);
        int rows = (form.IsExchanged ? form.C : form.K) * form.Taps;
        return new Shape(rows, form.Precision == Precision.Bf16 ? channels / 2 : channels);
    }

    private void Make(in WeightForm form, Tensor w, Tensor values)
    {
        if (form.IsExchanged)
            Exchange(form.Precision, w, form.K, form.Taps, form.C, values);
        else
            FillFactors(form.Precision, w, form.C, values);
    }
}
