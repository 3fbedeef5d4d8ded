using BDense.Kernels;

namespace BDense.Training.Runs;

/// <summary>
/// Which random numbers are for what. Every draw of training is named by (seed, stream, step): nothing is carried from step to
/// step, so that a run resumed at any step draws what it would have drawn.
/// </summary>
internal static class RandomStreams
{
    private const uint Sigmas = 0x7A000001, Noise = 0x7A000002, Dropout = 0x7A000003, Nodes = 0x7A000004, Latents = 0x7A000005,
        Choices = 0x7A000006;

    public static RandomKey ForSigmas(ulong seed, long step) => At(seed, Sigmas, step);

    public static RandomKey ForNoise(ulong seed, long step) => At(seed, Noise, step);

    public static RandomKey ForNodes(ulong seed, long step) => At(seed, Nodes, step);

    public static RandomKey ForLatents(ulong seed, long step) => At(seed, Latents, step);

    public static RandomKey ForChoices(ulong seed, long step) => At(seed, Choices, step);

    public static RandomKey ForDropout(ulong seed, long step) => At(seed, Dropout, step);

    // 2^40 blocks a step: more than any step draws, its dropout layers included.
    private static RandomKey At(ulong seed, uint stream, long step) => new(seed, stream, (ulong)step << 40);
}
