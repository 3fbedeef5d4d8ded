using System.IO.Compression;
using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Training.Data;

/// <summary>
/// Images or latents as one array in .npz, .npy or .safetensors: N x C x H x W, N x H x W x C or N x H x W. Of the second and the
/// last extent of four, the smaller one is the channels; a tie is refused. uint8 becomes x / 127.5 - 1; floats are taken as they
/// are and should be about in [-1, 1] (latents: of about unit deviation).
/// </summary>
/// <remarks>
/// The array is the only one of rank 3 or 4, else the one named images, x, data, latents or arr_0. Labels, if any, are whole
/// numbers under labels, label, y or arr_1.
/// </remarks>
internal static class ArrayDataset
{
    /// <summary>A zip with a .npy file in it is an .npz, whatever its name.</summary>
    public static DatasetFormat Format { get; } = new(".npz, .npy or .safetensors arrays",
        source => source.IsZip ? HoldsArrays(source.Path)
            : source.Start.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x93, .. "NUMPY"u8])
                || (!source.IsFolder && source.HasExtension(".npy", ".npz", ".safetensors")),
        (source, options) => Open(source.Path, options));

    private static readonly string[] ImageNames = ["images", "x", "data", "latents", "arr_0"];
    private static readonly string[] LabelNames = ["labels", "label", "y", "arr_1"];

    // Far beyond any sensible image or latent, and below the 255 of images that someone forgot to scale.
    private const float MaxMagnitude = 100;

    private static Dataset Open(string path, DatasetOptions options)
    {
        var arrays = path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
            ? SafeTensors.Read(path).Tensors.ToDictionary(pair => pair.Key, pair => new NpyArray(pair.Value.Shape, pair.Value.Data))
            : Npz.Read(path);
        var (name, images) = FindImages(path, arrays);
        string label = $"{path}: {name}";
        int[] shape = images.Shape;
        var (channelAxis, channels, height, width) = Layout(label, shape);
        int[]? labels = FindLabels(path, arrays, shape[0]);

        int[] selection = DatasetBuilder.Select(shape[0], options.Limit);
        bool eightBit = images.Values is byte[];
        var builder = new DatasetBuilder(path, selection.Length, height, width, channels, eightBit, options);
        if (eightBit)
        {
            Fill<byte>((byte[])images.Values, builder.Put);
        }
        else
        {
            float[] values = images.ToSingle();
            CheckRange(label, values, options.OnNotice);
            Fill<float>(values, builder.Put);
        }
        return builder.Build(labels, selection);

        void Fill<T>(T[] values, Action<int, ReadOnlySpan<T>> put)
        {
            int plane = height * width, length = plane * channels;
            var image = new T[length];
            for (int i = 0; i < selection.Length; i++)
            {
                var source = values.AsSpan(selection[i] * length, length);
                if (channelAxis != 1)
                {
                    put(i, source);
                    continue;
                }
                for (int pixel = 0; pixel < plane; pixel++)
                {
                    for (int c = 0; c < channels; c++)
                        image[pixel * channels + c] = source[c * plane + pixel];
                }
                put(i, image);
            }
        }
    }

    private static bool HoldsArrays(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        return zip.Entries.Any(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal));
    }

    private static (string Name, NpyArray Array) FindImages(string path, IReadOnlyDictionary<string, NpyArray> arrays)
    {
        var candidates = arrays.Where(pair => pair.Value.Shape.Length is 3 or 4).ToList();
        if (candidates.Count == 1)
            return (candidates[0].Key, candidates[0].Value);
        foreach (string name in ImageNames)
        {
            if (arrays.TryGetValue(name, out var array) && array.Shape.Length is 3 or 4)
                return (name, array);
        }
        throw new BDenseException(candidates.Count == 0
            ? $"{path}: holds no array N x C x H x W, N x H x W x C or N x H x W"
            : $"{path}: holds {candidates.Count} arrays that could be images; name one of them {string.Join(", ", ImageNames)}");
    }

    private static (int Axis, int Channels, int Height, int Width) Layout(string label, int[] shape)
    {
        if (shape.Length == 3)
            return (3, 1, shape[1], shape[2]);
        if (shape[1] == shape[3])
            throw new BDenseException(
                $"{label}: {string.Join(" x ", shape)} could be N x C x H x W or N x H x W x C; the channels must be fewer than the rows");
        return shape[1] < shape[3] ? (1, shape[1], shape[2], shape[3]) : (3, shape[3], shape[1], shape[2]);
    }

    private static int[]? FindLabels(string path, IReadOnlyDictionary<string, NpyArray> arrays, int count)
    {
        string? name = LabelNames.FirstOrDefault(arrays.ContainsKey);
        if (name is null)
            return null;
        var array = arrays[name];
        if (array.Shape is not [var n] || n != count)
            throw new BDenseException($"{path}: {name} is {string.Join(" x ", array.Shape)}, expected {count} labels, one an image");
        var labels = new int[count];
        float[] values = array.ToSingle();
        for (int i = 0; i < count; i++)
        {
            if (!(values[i] >= 0 && values[i] < 1_000_000 && values[i] == MathF.Floor(values[i])))
                throw new BDenseException(
                    FormattableString.Invariant($"{path}: {name}: label {i} is {values[i]}; labels are whole numbers from 0"));
            labels[i] = (int)values[i];
        }
        return labels;
    }

    private static void CheckRange(string label, float[] values, Action<string>? onNotice)
    {
        float least = float.PositiveInfinity, most = float.NegativeInfinity;
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
                throw new BDenseException(FormattableString.Invariant($"{label}: holds {value}"));
            if (MathF.Abs(value) > MaxMagnitude)
                throw new BDenseException(
                    FormattableString.Invariant($"{label}: holds {value}; scale floats to about [-1, 1], or store 0 to 255 as uint8"));
            least = MathF.Min(least, value);
            most = MathF.Max(most, value);
        }
        // Half of what images of [-1, 1] span, and no zero mean: training goes on and learns the wrong contrast.
        if (least >= 0 && most is > 0 and <= 1)
            onNotice?.Invoke(
                Printable.Text(
                    $"{label}: the floats lie in [0, 1], and [-1, 1] is expected of images; if they are images, store 2 x - 1, or 0 to "
                        + $"255 as uint8"));
    }
}
