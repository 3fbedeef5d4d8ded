using System.Globalization;
using BDense.Kernels;
using BDense.Model.Checkpoints;
using BDense.Training.Pictures;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Training.Watching;

/// <summary>
/// Pictures of what a training has come to: every so many iterations a grid of images from the same noise, of the averaged weights where
/// an average is kept; of a network with classes, all of them in turn.
/// </summary>
/// <remarks>
/// A picture is <c>samples/000500.png</c> in the run's folder, the same bytes that <c>bdense sample --model RUN --seed S --count N</c>
/// writes while the run's newest checkpoint is of as many iterations. (A checkpoint's folder is sampled with the weights as they are, not
/// with <c>ema.safetensors</c>.) Noise is drawn as sampling draws it, from no stream of the training.
/// </remarks>
/// <param name="Every">Iterations between two pictures, 1 or more.</param>
/// <param name="Count">Images of a picture, 1 to <see cref="SampleFiles.GridImages"/>.</param>
/// <param name="Seed">Of their noise.</param>
/// <param name="Batch">Images at once.</param>
public sealed record SampleGrids(long Every, int Count, ulong Seed, int Batch)
{
    /// <summary>In the run's folder.</summary>
    public const string FolderName = "samples";

    /// <summary>The file's name of a picture.</summary>
    public static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{step:000000}.png");

    /// <summary>Removes the pictures beyond so many iterations: a run that goes on from there makes them anew.</summary>
    internal static void Begin(RunFolder folder, long step)
    {
        string path = Path.Combine(folder.FullName, FolderName);
        foreach (string file in Directory.Exists(path) ? Directory.GetFiles(path, "*.png") : [])
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out long made)
                && made > step)
                AtomicFile.Delete(file);
        }
    }

    /// <summary>The picture after so many iterations, if it is time for one.</summary>
    /// <exception cref="BDenseException">A sample is not finite, or the picture cannot be written.</exception>
    internal void At(ITraining training, RunFolder folder, long step)
    {
        if (step % Every != 0)
            return;
        using var network = AveragedNetwork.Of(training);
        var config = network.Config;
        var maker = training.Sampler(network);
        float[] images = Sampling.Generate(network, maker.Run, ImageDraws.Of(Seed), Count, Math.Min(Count, Batch), maker.Sigma);
        int length = images.Length / Count, columns = (int)Math.Ceiling(Math.Sqrt(Count));
        byte[] png = ImageGrid.Png(config.Resolution, config.Resolution, config.ImageChannels, ImageGrid.Rows(images, length, columns));
        AtomicFile.Write(Path.Combine(folder.Part(FolderName), NameOf(step)), stream => stream.Write(png), makeFolders: false);
    }
}
