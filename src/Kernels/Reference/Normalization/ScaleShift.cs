using BDense.Kernels.Reference.Convolution;

namespace BDense.Kernels.Reference;

/// <summary>y = act(scale x + shift); a task is a block of one sample's pixels.</summary>
file unsafe struct ScaleShiftJob : IJob
{
    public float* X, ScaleShift, Y;
    public int Pixels, C, PixelsPerTask, TasksPerSample;
    public bool Silu;

    public readonly void Run(int task)
    {
        int n = task / TasksPerSample, first = task % TasksPerSample * PixelsPerTask, count = Math.Min(PixelsPerTask, Pixels - first);
        long at = (((long)n * Pixels) + first) * C;
        float* scale = ScaleShift + ((long)n * 2 * C);
        if (Silu)
            ConvolutionInput.ScaleShiftPixels<ScaledSilu>(X + at, Y + at, C, count, C, scale);
        else
            ConvolutionInput.ScaleShiftPixels<Scaled>(X + at, Y + at, C, count, C, scale);
    }
}

public unsafe partial class ReferenceBackend
{
    private protected override void ScaleShiftCore(Tensor x, Tensor scaleShift, bool silu, Tensor y)
    {
        int n = scaleShift.Shape[0], channels = scaleShift.Shape[1] / 2;
        if (x.Length == 0)
            return;
        // A block's columns are gone down one after the other: within the first-level cache.
        int pixels = x.Length / (n * channels), perTask = Math.Max(1, 4096 / channels), tasks = (pixels + perTask - 1) / perTask;
        Workers.Run(new ScaleShiftJob
        {
            X = Pointer(x),
            ScaleShift = Pointer(scaleShift),
            Y = Pointer(y),
            Pixels = pixels,
            C = channels,
            PixelsPerTask = perTask,
            TasksPerSample = tasks,
            Silu = silu,
        }, n * tasks);
    }
}
