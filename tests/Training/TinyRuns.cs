using BDense.Kernels;
using BDense.Kernels.Reference;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;

namespace BDense.Tests.Training;

/// <summary>A network and a dataset small enough that a training step takes milliseconds.</summary>
internal sealed class TinyRuns(bool inMemory = false) : IDisposable
{
    public ReferenceBackend Backend { get; } = new(1);

    public TemporaryFolder Folder { get; } = new(inMemory);

    public static UNetConfig Config { get; } = new()
    {
        Resolution = 4,
        ModelChannels = 8,
        ChannelMultipliers = [1, 2],
        BlocksPerLevel = 1,
        AttentionResolutions = [2],
        EmbeddingMultiplier = 2,
        Dropout = 0.1f,
    };

    /// <summary>Two kinds of 4 x 4 images, light on one half and dark on the other, with some noise.</summary>
    public static Dataset Data { get; } = MakeData();

    public INetwork Teacher(ulong seed = 1, NetworkConfig? config = null) => new Network(Backend, config ?? Config, seed);

    /// <summary>A teacher that has learned something, and nothing on the backend but it.</summary>
    public INetwork TrainedTeacher(long steps, Prediction prediction = Prediction.Edm)
    {
        var network = Teacher(config: Config with { Prediction = prediction, Dropout = 0 });
        using var training = new TeacherTraining(network, Data, new TeacherOptions
        {
            Steps = steps,
            Batch = 32,
            LearningRate = 3e-3,
            Warmup = 5,
            EmaDecay = 0,
        });
        TrainingLoop.Run(training);
        return network;
    }

    /// <summary>All that a run leaves behind: weights, moments, average, state.</summary>
    public static IReadOnlyDictionary<string, byte[]> Files(string checkpoint) =>
        Directory.GetFiles(checkpoint).ToDictionary(f => Path.GetFileName(f), File.ReadAllBytes);

    public void Dispose()
    {
        Backend.Dispose();
        Folder.Dispose();
    }

    private static Dataset MakeData()
    {
        const int Count = 64, Length = 4 * 4 * 3;
        var images = new float[Count * Length];
        for (int i = 0; i < images.Length; i++)
        {
            int image = i / Length, x = i % Length / 3 % 4, y = i % Length / 12, c = i % 3;
            bool light = (image % 2 == 0 ? x : y) < 2;
            images[i] = (light ? 0.6f : -0.6f) * (c == 0 ? 1 : 0.5f) + 0.1f * (Philox.Uniform(new RandomKey(5, 1), i) - 0.5f);
        }
        return new Dataset("tiny", 4, 4, 3, images);
    }
}
