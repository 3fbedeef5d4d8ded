using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using BDense.Benchmarks.Ladder;
using BDense.Kernels.MachineCode;
using BDense.Tests.Ilgpu.Emulator;
using NUnit.Framework;

namespace BDense.Tests.Ladder;

/// <summary>The ladder's tensor-core steps without a GPU: a virtual GPU runs the very PTX that a driver would get.</summary>
internal sealed class LadderEmulationTests
{
    /// <summary>Eighths from -1 to 1, which TF32 holds exactly: then only the order of the sum may differ.</summary>
    private static float Eighth(Random random) => random.Next(-8, 9) / 8f;

    [TestCase(8), TestCase(9)]
    public void Gemm(int step)
    {
        var problem = Problems.Gemm(256, 128, 80, Eighth);
        Check(Steps.Gemm[step - 1], Ptx(Steps.Gemm[step - 1]), problem, steps: 5);
    }

    [TestCase(8), TestCase(9)]
    public void Convolution(int step)
    {
        var problem = Problems.Convolution(2, 8, 8, 32, 128, Eighth);
        Check(Steps.Convolution[step - 1], Ptx(Steps.Convolution[step - 1]), problem, steps: 18);
    }

    /// <summary>The check is itself checked.</summary>
    [TestCase(9, @"bar\.sync 0;", "", Signs.Unordered, TestName = "A missing barrier fails the pipelined step")]
    [TestCase(9, @"wait_group 1;", "wait_group 2;", Signs.Unordered, TestName = "A wait that is too short fails the pipelined step")]
    [TestCase(8, @"(st\.shared[^;]*;\s*\}[^}]*?)bar\.sync 0;(\s*[^}]*ld\.shared)", "$1$2", Signs.Unordered,
        TestName = "A missing barrier fails the tensor-core step")]
    [TestCase(8, @"\{acc8, acc9\};", "{acc9, acc8};", "element", TestName = "A swapped index fails the tensor-core step")]
    [TestCase(8, @"st\.global\.v2\.f32 \[%rd\d+\+96\], \{acc28", "mov.b32 at, 0; //", "element",
        TestName = "An unwritten column fails the tensor-core step")]
    public void Planted_faults_fail(int step, string code, string planted, string message)
    {
        string ptx = Ptx(Steps.Gemm[step - 1]), faulty = Regex.Replace(ptx, code, planted);
        Assert.That(faulty, Is.Not.EqualTo(ptx), "the fault was planted");
        Assert.That(() => Check(Steps.Gemm[step - 1], faulty, Problems.Gemm(128, 64, 80, Eighth), steps: 5),
            Throws.Exception.With.Message.Match(message));
    }

    private static string Ptx<TShape>(Step<TShape> step)
        where TShape : unmanaged => KernelCatalog.Ptx(step.Entry, GpuArchitecture.Find("sm_80"));

    private static void Check<TShape>(Step<TShape> step, string ptx, Problem<TShape> problem, int steps)
        where TShape : unmanaged
    {
        var result = new float[problem.ResultLength];
        result.AsSpan().Fill(float.NaN);
        byte[] bytes = MemoryMarshal.AsBytes<float>(result).ToArray();
        var memory = new DeviceMemory();
        byte[] Address(byte[] array) => BitConverter.GetBytes(memory.Add(array));
        var shape = problem.Shape;
        int groups = step.Groups(shape);
        long conflicts = EmulatedLaunch.Run(ptx, memory, groups, step.Entry.GroupSize, step.Entry.DynamicSharedBytes,
            MemoryMarshal.AsBytes(new Span<TShape>(ref shape)).ToArray(),
            Address(MemoryMarshal.AsBytes<float>(problem.Left).ToArray()), Address(MemoryMarshal.AsBytes<float>(problem.Right).ToArray()),
            Address(bytes));
        if (problem.Check(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), tensorCores: false, int.MaxValue) is { } wrong)
            throw new InvalidOperationException(wrong);
        // Loads are free of bank conflicts; of A's copies each eight threads write two rows whose first and last pieces share four banks.
        Assert.That(conflicts, Is.EqualTo(groups * steps * 2 * 32), "bank conflicts");
    }
}
