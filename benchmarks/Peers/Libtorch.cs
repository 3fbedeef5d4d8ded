using System.Runtime.InteropServices;
using BDense.Benchmarks.Comparison;
using BDense.Benchmarks.Workloads;
using TorchSharp;

namespace BDense.Peers;

/// <summary>libtorch's CPU operators (oneDNN, MKL) through TorchSharp, with as many threads as we have.</summary>
public sealed class Libtorch : IPeer
{
    public Libtorch(int threads)
    {
        Unavailable = WhyNot();
        if (Unavailable is null)
            torch.set_num_threads(threads);
    }

    public string Name => "libtorch";

    public string? Unavailable { get; }

    public bool Takes(Workload work) => true;

    public IEnumerable<Running> Start(Workload work) => work switch
    {
        Convolution w => TorchConvolution.Variants(w),
        GroupNormSilu w => TorchGroupNorm.Variants(w),
        SelfAttention w => TorchAttention.Variants(w),
        AdamEma w => TorchAdam.Variants(w),
        DenseTrajectoryLoss w => TorchTrajectoryLoss.Variants(w),
        TrainingStep w => TorchNetworks.Variants(w),
        Sampling w => TorchNetworks.Variants(w),
        MatrixProduct w => TorchMatrixProduct.Variants(w),
        _ => throw new NotSupportedException($"{work.Name} has no counterpart"),
    };

    public void Dispose() { }

    /// <summary>One line that says why libtorch cannot be loaded; null if it can.</summary>
    /// <remarks>Asks the system's loader first: TorchSharp, when it fails, copies 500 MB about and tells of that instead.</remarks>
    public static string? WhyNot()
    {
        try
        {
            foreach (string library in new[] { "torch_cpu", "LibTorchSharp" })
                NativeLibrary.Load(library, typeof(torch).Assembly, null);
            using var one = torch.ones(1);
            return one.item<float>() == 1f ? null : "libtorch is loaded but cannot count";
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            int at = e.Message.IndexOf("GLIBCXX_", StringComparison.Ordinal);
            string reason = at >= 0
                ? $"the system's libstdc++ is too old, it lacks "
                    + $"{new string([.. e.Message.Skip(at).TakeWhile(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.')])}"
                : e.Message.Split('\n')[0].Trim();
            return $"libtorch cannot be loaded: {reason}";
        }
    }
}
