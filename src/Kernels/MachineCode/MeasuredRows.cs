using System.Text.Json.Nodes;
using BDense.Kernels.Json;

namespace BDense.Kernels.MachineCode;

/// <summary>Times that were measured on a GPU, for the estimates' kernels: a result file of the benchmark verb <c>gpu</c>.</summary>
public static class MeasuredRows
{
    /// <summary>
    /// The benchmark's row that is one kernel's, at its estimate's workload. A kernel that has been rewritten since the last measurement
    /// has none until it is measured again, nor has one whose row is several kernels'; exchanging a convolution's weights, a hundredth of
    /// its time, is in its row.
    /// </summary>
    private static readonly Dictionary<string, string> s_rows = new()
    {
        ["ConvSharedTileKernel"] = "conv-forward 3x3 64x32x32x256 to 256 fp32",
        ["MatMulSharedTileKernel"] = "gemm 4096x4096x4096 fp32",
    };

    /// <summary>Milliseconds by kernel: of each row the fastest variant.</summary>
    /// <param name="path">ours.json.</param>
    /// <exception cref="BDenseException">The file cannot be read, or is none of the kind.</exception>
    public static IReadOnlyDictionary<string, double> Read(string path)
    {
        var rows = StrictJson.ReadObject(path)["rows"] as JsonArray
            ?? throw new BDenseException($"{path}: there is no array 'rows': give a file that the benchmark verb gpu wrote, ours.json");
        var times = new Dictionary<string, double>();
        foreach (var row in rows.OfType<JsonObject>())
        {
            string name = StrictJson.Convert<string>(row["name"], path, "name");
            if (row["milliseconds"] is null || s_rows.FirstOrDefault(pair => pair.Value == name).Key is not { } kernel)
                continue;
            double milliseconds = StrictJson.Convert<double>(row["milliseconds"], path, "milliseconds");
            times[kernel] = Math.Min(milliseconds, times.GetValueOrDefault(kernel, double.MaxValue));
        }
        return times;
    }
}
