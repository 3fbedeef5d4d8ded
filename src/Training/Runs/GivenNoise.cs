using BDense.Kernels;
using BDense.Model.Networks;
using BDense.Training.Data;

namespace BDense.Training.Runs;

/// <summary>Noise from a file, so that another implementation can start from the same numbers and be held to ours.</summary>
public static class GivenNoise
{
    /// <summary>The array's name in a file that holds several.</summary>
    public const string NoiseName = "noise", ImagesName = "images", LabelsName = "labels";

    /// <summary>Standard normal noise, [N,C,H,W] in the file, as [N,H,W,C], and the class of each where the file has them.</summary>
    /// <param name="path">.npz with an array <c>noise</c>, or with one array alone; with whole numbers <c>labels</c>, [N], too. Or
    /// .npy.</param>
    /// <param name="network">Whose size it must be of.</param>
    /// <exception cref="BDenseException">No such array, or one of another shape; names both.</exception>
    public static (float[] Noise, int[]? Labels) Read(string path, NetworkConfig network)
    {
        var all = Npz.Read(path);
        var arrays = all.Where(a => a.Key != LabelsName).ToDictionary();
        var array = arrays.TryGetValue(NoiseName, out var named) ? named : arrays.Count == 1 ? arrays.Values.Single()
            : throw new BDenseException($"{path} has {arrays.Count} arrays and none is named '{NoiseName}'");
        int c = network.ImageChannels, size = network.Resolution;
        if (array.Shape is not [> 0, var channels, var height, var width] || channels != c || height != size || width != size)
            throw new BDenseException(
                $"{path}: the noise is {string.Join(" x ", array.Shape)}, the network takes N x {c} x {size} x {size}");
        return (Transposed(array.ToSingle(), array.Shape[0], c, size * size),
            all.TryGetValue(LabelsName, out var labels) ? Classes(path, labels, array.Shape[0], network.LabelCount) : null);
    }

    private static int[] Classes(string path, NpyArray labels, int n, int classes)
    {
        if (classes == 0)
            throw new BDenseException($"{path} has {LabelsName}, and the network has no classes");
        if (labels.Shape is not [var count] || count != n)
            throw new BDenseException($"{path}: the {LabelsName} are {string.Join(" x ", labels.Shape)}, not one for each of {n} noises");
        return [.. labels.ToSingle().Select(label => label >= 0 && label < classes && label == Math.Floor(label) ? (int)label
            : throw new BDenseException(FormattableString.Invariant($"{path}: a label is {label}, not a class from 0 to {classes - 1}")))];
    }

    /// <summary>[N,rows,columns] to [N,columns,rows].</summary>
    internal static float[] Transposed(float[] x, int n, int rows, int columns)
    {
        var y = new float[x.Length];
        for (int i = 0; i < n; i++)
        {
            int at = i * rows * columns;
            for (int r = 0; r < rows; r++)
            {
                for (int c = 0; c < columns; c++)
                    y[at + c * rows + r] = x[at + r * columns + c];
            }
        }
        return y;
    }
}
