using BDense.Kernels;
using BDense.Model;

namespace BDense.Training;

/// <summary>Noise from a file and images into one, so that another implementation can start from the same numbers and be held to ours.</summary>
public static class GivenNoise
{
    /// <summary>The array's name in a file that holds several.</summary>
    public const string NoiseName = "noise", ImagesName = "images", LabelsName = "labels";

    /// <summary>Standard normal noise, [N,C,H,W] in the file, as [N,H,W,C].</summary>
    /// <param name="path">.npz with an array <c>noise</c>, or with one array alone; or .npy.</param>
    /// <param name="network">Whose size it must be of.</param>
    /// <exception cref="BDenseException">No such array, or one of another shape; names both.</exception>
    public static float[] Read(string path, UNetConfig network)
    {
        var arrays = Npz.Read(path);
        var array = arrays.TryGetValue(NoiseName, out var named) ? named : arrays.Count == 1 ? arrays.Values.Single()
            : throw new BDenseException($"{path} has {arrays.Count} arrays and none is named '{NoiseName}'");
        int c = network.ImageChannels, size = network.Resolution;
        if (array.Shape is not [> 0, var channels, var height, var width] || channels != c || height != size || width != size)
            throw new BDenseException($"{path}: the noise is {string.Join(" x ", array.Shape)}, the network takes N x {c} x {size} x {size}");
        return Transposed(array.ToSingle(), array.Shape[0], c, size * size);
    }

    /// <summary>Writes images [N,H,W,C] as <c>images</c>, [N,C,H,W] in float32, and the classes they were asked for as <c>labels</c>.</summary>
    /// <exception cref="BDenseException">The path cannot be written.</exception>
    public static void Write(string path, float[] images, UNetConfig network)
    {
        int c = network.ImageChannels, size = network.Resolution, n = images.Length / (c * size * size);
        var array = new NpyArray([n, c, size, size], Transposed(images, n, size * size, c));
        if (network.LabelCount == 0)
        {
            Npz.Write(path, (ImagesName, array));
            return;
        }
        long[] labels = [.. Enumerable.Range(0, n).Select(i => (long)(i % network.LabelCount))];
        Npz.Write(path, (ImagesName, array), (LabelsName, new NpyArray([n], labels)));
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
