using System.Globalization;
using System.Security.Cryptography;
using BDense.Kernels;
using BDense.Training.Data;
using Microsoft.ML.OnnxRuntime;

namespace BDense.Training.Metrics;

/// <summary>
/// Features by a network from an ONNX file, run by ONNX Runtime on the CPU; with the Inception network of FID
/// (tools/export_inception_onnx.py) the distance over them is FID. Input: one array [N,C,H,W] of uint8 or float32 from 0 to 255;
/// output: the one named <c>features</c>, or the only one, [N,d] or [N,d,1,1] of float32.
/// </summary>
/// <remarks>
/// Images become 8-bit first, min(255, max(0, floor(127.5 x + 128))), as in EDM's own evaluation (Karras et al. 2022): a stored image
/// keeps its bytes. Grey images are repeated to three channels where the network takes three.
/// </remarks>
public sealed class OnnxFeatures : IImageFeatures
{
    private readonly string _path;
    private readonly InferenceSession _session;
    private readonly string _input, _output;
    private readonly int[] _extents;
    private readonly bool _takesBytes;

    /// <param name="path">An .onnx file.</param>
    /// <param name="threads">Of ONNX Runtime; 0 for one a core.</param>
    /// <exception cref="BDenseException">No such file, no ONNX network, one of another form, or ONNX Runtime is not installed.</exception>
    public OnnxFeatures(string path, int threads = 0)
    {
        _path = path;
        if (!File.Exists(path))
            throw new BDenseException($"{path}: no such file{(Directory.Exists(path) ? "; it is a folder" : "")}");
        Name = $"{Path.GetFileName(path)} (SHA-256 {Hash(path)})";
        _session = Open(path, threads);
        try
        {
            if (_session.InputMetadata.Count != 1)
                throw Unfit($"takes {_session.InputMetadata.Count} inputs, not one");
            (_input, var input) = _session.InputMetadata.First();
            _extents = input.Dimensions;
            _takesBytes = input.ElementType == typeof(byte);
            if (_extents.Length != 4 || !(_takesBytes || input.ElementType == typeof(float)))
                throw Unfit(
                    $"its input '{_input}' is [{Text(_extents)}] of {input.ElementType?.Name}, not [N, C, H, W] of uint8 or float32");
            _output = _session.OutputMetadata.ContainsKey("features") ? "features"
                : _session.OutputMetadata.Count == 1 ? _session.OutputMetadata.Keys.First()
                : throw Unfit($"has {_session.OutputMetadata.Count} outputs, none of them named 'features'");
            var output = _session.OutputMetadata[_output];
            if (output.ElementType != typeof(float) || output.Dimensions.Length is not (2 or 4))
                throw Unfit($"its output '{_output}' is [{Text(output.Dimensions)}] of {output.ElementType?.Name}, not [N, d] of float32");
            // The file need not say d; a run does.
            Dimension = output.Dimensions[1] > 0 ? output.Dimensions[1] : Probe();
        }
        catch
        {
            _session.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string DistanceName => "FID";

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <inheritdoc/>
    public float[] Compute(ReadOnlySpan<float> images, int height, int width, int channels)
    {
        int n = images.Length / (height * width * channels), takes = _extents[1] > 0 ? _extents[1] : channels == 1 ? 3 : channels;
        if (takes != channels && channels != 1)
            throw Unfit($"takes images of {takes} channels, not {channels}");
        if ((_extents[2] > 0 && _extents[2] != height) || (_extents[3] > 0 && _extents[3] != width))
            throw Unfit(
                $"takes images of {_extents[2]} x {_extents[3]} alone, not {height} x {width}; export it with free extents, "
                    + "resizing inside");
        if (_extents[0] > 0 && _extents[0] != n)
            throw Unfit($"takes {_extents[0]} images at once, not {n}; export it with a free first extent");
        byte[] bytes = ToBytes(images, n, height * width, channels, takes);
        return Run(bytes, [n, takes, height, width], n);
    }

    /// <summary>Frees the session.</summary>
    public void Dispose() => _session.Dispose();

    /// <summary>[N,H,W,C] in [-1,1] to [N,takes,H,W] in 0..255.</summary>
    internal static byte[] ToBytes(ReadOnlySpan<float> images, int n, int pixels, int channels, int takes)
    {
        var bytes = new byte[n * takes * pixels];
        for (int i = 0; i < n; i++)
        {
            for (int c = 0; c < takes; c++)
            {
                for (int p = 0; p < pixels; p++)
                    bytes[(i * takes + c) * pixels + p] =
                        (byte)Math.Clamp(MathF.Floor(images[(i * pixels + p) * channels + Math.Min(c, channels - 1)] * 127.5f + 128), 0,
                            255);
            }
        }
        return bytes;
    }

    private float[] Run(byte[] bytes, long[] shape, int n)
    {
        try
        {
            using var input = _takesBytes
                ? OrtValue.CreateTensorValueFromMemory(bytes, shape)
                : OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(bytes, b => (float)b), shape);
            using var options = new Microsoft.ML.OnnxRuntime.RunOptions();
            using var outputs = _session.Run(options, [_input], [input], [_output]);
            float[] features = outputs[0].GetTensorDataAsSpan<float>().ToArray();
            if (features.Length % n != 0 || (Dimension > 0 && features.Length != n * Dimension))
                throw Unfit($"gave {features.Length} numbers for {n} images, not {n} x {Dimension} features");
            return features;
        }
        catch (OnnxRuntimeException e)
        {
            throw Unfit($"failed on {n} images of {shape[1]} x {shape[2]} x {shape[3]}: {OneLine(e)}", e);
        }
    }

    private int Probe()
    {
        long[] shape = [.. _extents.Select((extent, axis) => extent > 0 ? (long)extent : axis switch { 0 => 1, 1 => 3, _ => 32 })];
        int n = (int)shape[0];
        return Run(new byte[shape.Aggregate(1L, (product, extent) => product * extent)], shape, n).Length / n;
    }

    internal static InferenceSession Open(string path, int threads)
    {
        try
        {
            using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            if (threads > 0)
                options.IntraOpNumThreads = threads;
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new BDenseException($"{path}: not an ONNX network that can be run: {OneLine(e)}", e);
        }
        catch (Exception e) when ((e as TypeInitializationException)?.InnerException is DllNotFoundException or EntryPointNotFoundException
            or BadImageFormatException || e is DllNotFoundException)
        {
            throw new BDenseException("ONNX Runtime's library is not beside this program: it was not built for this system", e);
        }
    }

    private BDenseException Unfit(string fault, Exception? inner = null) => new($"{_path}: {fault}", inner);

    // Enough to tell two files apart.
    private static string Hash(string path)
    {
        using var stream = DataFile.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream))[..16];
    }

    private static string Text(int[] extents) =>
        string.Join(", ", extents.Select(e => e > 0 ? e.ToString(CultureInfo.InvariantCulture) : "free"));

    // ONNX Runtime puts a path and a stack before the reason, or several lines after it.
    internal static string OneLine(OnnxRuntimeException e)
    {
        string line = e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[0].TrimEnd('.');
        return line.Length <= 200 ? line : line[..200] + " ...";
    }
}
