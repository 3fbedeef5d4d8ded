using BDense.Kernels.Tracing;
using BDense.Model.Networks;

namespace BDense.Onnx;

/// <summary>A network where its operations are written down.</summary>
public static class TracedNetwork
{
    /// <summary>The same network again, with equal values and constants; a folded one as the plain network that it stands for.</summary>
    /// <param name="backend">Where to.</param>
    /// <param name="network">On any backend; it stays as it is.</param>
    /// <returns>The caller disposes it.</returns>
    public static INetwork Copy(TracingBackend backend, INetwork network)
    {
        using var plain = network is FoldedNetwork folded ? folded.Clone() : null;
        var source = plain ?? network;
        var copy = new Network(backend, source.Config, seed: null);
        copy.Parameters.Values.Upload(source.Parameters.Values.ToArray());
        foreach (var (mine, theirs) in copy.Constants.Zip(source.Constants))
            theirs.Values.CopyTo(mine.Values, 0);
        copy.ConstantsChanged();
        return copy;
    }
}
