using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>One file of CIFAR-10's python version: a pickled dictionary of labels (a list) and data (uint8, N x 3072, planes).</summary>
internal static class Cifar10Pickle
{
    /// <param name="label">Names the file in messages.</param>
    /// <param name="file">Its bytes; the planes are parts of it.</param>
    /// <param name="rowBytes">Bytes of an image, 3072.</param>
    /// <returns>Label (as stored, to be checked) and planes of each image.</returns>
    /// <exception cref="BDenseException">Another pickle, damaged, or one that asks for more than these files need.</exception>
    public static IEnumerable<(long Label, ReadOnlyMemory<byte> Planes)> Read(string label, ReadOnlyMemory<byte> file, int rowBytes)
    {
        if (Pickle.Read(label, file) is not Dictionary<string, object?> batch)
            throw new BDenseException($"{label}: the pickle holds no dictionary, as CIFAR-10's does");
        if (batch.ContainsKey("fine_labels"))
            throw new BDenseException($"{label}: CIFAR-100, by its fine_labels; CIFAR-10 can be read");
        if (!batch.TryGetValue("data", out object? data) || data is not PickledArray { Shape.Length: 2 } images
            || images.Shape[1] != rowBytes)
            throw new BDenseException($"{label}: the pickle has no data of N x {rowBytes} bytes, as CIFAR-10's has");
        int count = images.Shape[0];
        if (!batch.TryGetValue("labels", out object? given) || given is not List<object?> labels || labels.Count != count)
            throw new BDenseException($"{label}: the pickle has no list of {count} labels, one an image");
        return labels.Select((value, i) => value is long number
            ? (number, images.Data.Slice(i * rowBytes, rowBytes))
            : throw new BDenseException($"{label}: label {i} is not a whole number"));
    }
}
