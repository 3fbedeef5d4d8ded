using System.Text.RegularExpressions;
using BDense.Cases;
using BDense.Cases.Ops;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Tests.Ilgpu.Emulator;
using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>
/// The float32 kernels that GPUs take, as the PTX that a driver would get, on a virtual GPU: whole operations, held to the oracle; and with
/// faults planted in that PTX, which must fail it.
/// </summary>
internal sealed partial class SharedTileEmulationTests
{
    private readonly IlgpuBackend _backend = (IlgpuBackend)DeviceCatalog.Open("ilgpu-cpu");

    [OneTimeTearDown]
    public void Close() => _backend.Dispose();

    /// <summary>
    /// A kernel and the operation that launches it; enough of a sum for two passes of the tiles' buffers, and a tail behind the last whole
    /// tile.
    /// </summary>
    private static IEnumerable<TestCaseData> Kernels()
    {
        var s = Conv2dShape.Same(2, 6, 6, 20, 12, 3);
        var fused = new FusedConv2dCases.Setting(s, false, false, Resampling.None, "ber", 0.75f, true, CaseSize.Small);
        var activated = fused with { Normalised = true, InputSilu = true };
        yield return Case("MatMulSharedTileKernel", MatMulCases.Of(1, 70, 36, 40, CaseSize.Small).First());
        yield return Case("ConvSharedTileKernel", Conv2dCases.Of(s, CaseSize.Small).First(c => c.Op == "Conv2d"));
        yield return Case("ConvSharedTileKernel", Conv2dCases.Of(s, CaseSize.Small).First(c => c.Op == "Conv2dDgrad"));
        yield return Case("WgradSharedTileKernel", Conv2dCases.Of(s, CaseSize.Small).First(c => c.Op == "Conv2dWgrad"));
        yield return Case("ConvSharedTileEpilogueKernel", FusedConv2dCases.Forward(fused));
        yield return Case("ConvSharedTileActivatedKernel", FusedConv2dCases.Forward(activated));
        yield return Case("WgradSharedTileActivatedKernel", FusedConv2dCases.Backward(activated).First());
        foreach (var (width, label) in new[] { (64, "2x7 heads 3x32"), (128, "1x65 heads 1x96"), (256, "1x33 heads 1x256") })
        {
            yield return Case($"AttentionShared{width}Kernel", CaseList.All.Single(c => c.Name == $"Attention {label}"));
            yield return Case($"AttentionSharedQueryGradient{width}Kernel",
                CaseList.All.Single(c => c.Name == $"AttentionBackward {label}"));
            yield return Case($"AttentionSharedKeyValueGradient{width}Kernel",
                CaseList.All.Single(c => c.Name == $"AttentionBackward {label}"));
        }
        static TestCaseData Case(string kernel, OpCase row) => new TestCaseData(kernel, row).SetArgDisplayNames(kernel, row.Name);
    }

    [TestCaseSource(nameof(Kernels))]
    public void Equals_the_oracle(string kernel, OpCase row) => Assert.That(Run(kernel, row, null), Is.Null);

    private static IEnumerable<TestCaseData> OnceEach() =>
        Kernels().Where(c => !Regex.IsMatch((string)c.Arguments[0]!, "128|256")).DistinctBy(c => c.Arguments[0]);

    /// <summary>The check is itself checked, kernel by kernel: faults in what this very shape reaches.</summary>
    [TestCaseSource(nameof(OnceEach))]
    public void Planted_faults_fail(string kernel, OpCase row)
    {
        Assert.That(Run(kernel, row, null), Is.Null, "without a fault");
        var reached = _device!.ReachedStores[kernel];
        Assert.That(reached, Is.Not.Empty);
        Fails("a missing barrier", Signs.Unordered, ptx => Barriers().Replace(ptx, ""));
        Fails("a swapped index", "expected",
            ptx => Change(ptx, reached.First(k => Pair().IsMatch(Stores().Matches(ptx)[k].Value)),
                store => Pair().Replace(store, "{$2, $1")));
        Fails("an unwritten tail", "got NaN", ptx => Change(ptx, reached[^1], _ => ""));
        Fails("a stale output", "got NaN", ptx => Stores().Replace(ptx, ""));

        void Fails(string fault, string sign, Func<string, string> plant)
        {
            bool planted = false;
            string? difference;
            try
            {
                difference = Run(kernel, row, ptx =>
                {
                    string faulty = plant(ptx);
                    planted |= faulty != ptx;
                    return faulty;
                });
            }
            catch (FindingException e)
            {
                difference = e.Message;
            }
            Assert.That(planted, fault);
            Assert.That(difference ?? "nothing was found", Does.Match(sign), fault);
        }
    }

    private static string Change(string ptx, int store, Func<string, string> change)
    {
        var match = Stores().Matches(ptx)[store];
        return ptx[..match.Index] + change(match.Value) + ptx[(match.Index + match.Length)..];
    }

    private EmulatedDevice? _device;

    private string? Run(string kernel, OpCase row, Func<string, string>? plant)
    {
        _device = new EmulatedDevice(name => name.Contains("Shared", StringComparison.Ordinal),
            (name, ptx) => name == kernel && plant is not null ? plant(ptx) : ptx);
        _backend.Pool.Trim();
        _backend.Tiling = Tiling.SharedAlways;
        _backend.Emulate(_device, Precision.Fp32, 48 << 10);
        string? difference = Comparison.Difference(_backend, row);
        Assert.That(_device.Ran, Does.Contain(kernel), "it ran on the virtual GPU");
        return difference;
    }

    [GeneratedRegex(@"bar\.sync\s+0;")]
    private static partial Regex Barriers();

    [GeneratedRegex(@"(@!?%p\d+\s+)?st\.global\.[^;]*;")]
    private static partial Regex Stores();

    [GeneratedRegex(@"\{(%f\d+),\s*(%f\d+)")]
    private static partial Regex Pair();
}
