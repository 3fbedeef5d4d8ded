using System.Diagnostics;
using System.Globalization;
using BDense.Kernels.Ilgpu;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace BDense.Benchmarks.Ladder;

/// <summary>The most multiply-adds that a device does: what a step's GFLOP/s are a share of.</summary>
/// <param name="Gflops">float32 on the ordinary units.</param>
/// <param name="TensorGflops">TF32 on tensor cores, without sparsity; null if there are none.</param>
/// <param name="Source">How this is known.</param>
internal sealed record Roof(double Gflops, double? TensorGflops, string Source)
{
    private const int Group = 256, Rounds = 512, PerRound = 32;

    /// <summary>From the device's properties on CUDA, else measured with a kernel that does nothing but multiply and add.</summary>
    public static Roof Of(Accelerator accelerator)
    {
        if (accelerator is CudaAccelerator cuda)
            return OfCuda(cuda.Architecture.Major, cuda.Architecture.Minor, cuda.NumMultiprocessors, cuda.ClockRate);
        return new(Measure(accelerator), null, "measured: a loop of 32 independent multiply-adds in registers, best of 10");
    }

    /// <param name="major">Of the compute capability.</param>
    /// <param name="minor">Of the compute capability.</param>
    /// <param name="multiprocessors">How many.</param>
    /// <param name="megahertz">The highest SM clock. ILGPU's ClockRate is in MHz; its documentation does not say so, an H200 did.</param>
    internal static Roof OfCuda(int major, int minor, int multiprocessors, double megahertz)
    {
        // Multiply-adds of a multiprocessor in a cycle: CUDA C++ programming guide, arithmetic instructions; NVIDIA's white papers for
        // TF32.
        var (simt, tensor) = (major, minor) switch
        {
            (8, 0) => (64, 512),
            (8, _) => (128, 128),
            (9, _) => (128, 1024),
            _ => (128, 0),
        };
        double cycles = multiprocessors * megahertz / 1e3;
        return new(2 * simt * cycles, tensor > 0 ? 2 * tensor * cycles : null,
            string.Create(CultureInfo.InvariantCulture,
                $"{multiprocessors} multiprocessors at {megahertz / 1e3:0.00} GHz, {simt} float32 and {tensor} TF32 multiply-adds "
                    + $"a cycle each"));
    }

    private static double Measure(Accelerator accelerator)
    {
        bool simulated = accelerator.AcceleratorType == AcceleratorType.CPU;
        int groups = simulated ? 1 : 64 * accelerator.NumMultiprocessors, rounds = simulated ? 16 : Rounds;
        using var stream = accelerator.CreateStream();
        using var result = accelerator.Allocate1D<float>(groups * Group);
        var kernel = accelerator.LoadStreamKernel<int, float, ArrayView<float>>(Kernel);
        double best = double.PositiveInfinity;
        for (int i = 0; i < 11; i++)
        {
            var watch = Stopwatch.StartNew();
            kernel((groups, Group), rounds, 0.999f, result.View);
            accelerator.Synchronize();
            // The first run compiles.
            if (i > 0)
                best = Math.Min(best, watch.Elapsed.TotalSeconds);
        }
        return 2.0 * PerRound * rounds * groups * Group / best / 1e9;
    }

    /// <summary>
    /// x = x s + s, 32 independent ones a thread, <paramref name="rounds"/> times: 64 FLOPs a round and no memory. Groups of 256.
    /// </summary>
    internal static void Kernel(int rounds, float s, ArrayView<float> result)
    {
        int t = Grid.IdxX * Group + ILGPU.Group.IdxX;
        var start = new Float4(t, t + 1, t + 2, t + 3);
        Float4 a = start, b = start, c = start, d = start, e = start, f = start, g = start, h = start;
        var add = new Float4(s, s, s, s);
        for (int i = 0; i < rounds; i++)
        {
            a = Next(s, a, add);
            b = Next(s, b, add);
            c = Next(s, c, add);
            d = Next(s, d, add);
            e = Next(s, e, add);
            f = Next(s, f, add);
            g = Next(s, g, add);
            h = Next(s, h, add);
        }
        result[t] =
            Float4.Sum(a) + Float4.Sum(b) + Float4.Sum(c) + Float4.Sum(d) + Float4.Sum(e) + Float4.Sum(f) + Float4.Sum(g) + Float4.Sum(h);
    }

    private static Float4 Next(float s, Float4 v, Float4 add) => new(v.X * s + add.X, v.Y * s + add.Y, v.Z * s + add.Z, v.W * s + add.W);
}
