using System.Globalization;
using System.Text.RegularExpressions;
using BDense.Kernels;
using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Ptx.Products;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>
/// What the assembler makes of tensor-core kernels: their main loops are products, ldmatrix and copies, and nothing else.
/// </summary>
[Category(MachineCodeTests.Ptxas)]
internal sealed class TensorMachineCodeTests
{
    [OneTimeSetUp]
    public void HasAssembler() =>
        Assume.That(KernelCatalog.AssemblerVersion, Is.Not.Null, "ptxas is not on PATH; it comes with the CUDA toolkit");

    private static IEnumerable<string> Names => KernelCatalog.Names.Where(name => name.StartsWith("Tensor", StringComparison.Ordinal));

    [Test]
    public void Convolutions_are_products_and_asynchronous_copies()
    {
        foreach (var (row, of, activated) in Multiplying("Convolution", "Dgrad"))
        {
            var (tile, loop) = (of.Tile, row.MainLoop!);
            Assert.That(loop.Ffma, Is.EqualTo(activated ? ActivationFfma(row, tile.Rows) : 0), row.Name);
            Assert.That(loop.Ldgsts, Is.EqualTo((activated ? tile.Columns : tile.Rows + tile.Columns) * 4 / row.GroupSize), row.Name);
            Assert.That(loop.Sts, Is.EqualTo(activated ? tile.Rows * 4 / row.GroupSize : 0), "16 bytes a store");
            Assert.That(loop.Lds, Is.Zero, "fragments come by ldmatrix");
            Holds(row, tile, activated ? of.ActivatedResident : of.Resident);
        }
    }

    [Test]
    public void Wgrads_are_products_and_asynchronous_copies()
    {
        foreach (var (row, of, activated) in Multiplying("Wgrad"))
        {
            var tile = of.Tile;
            Assert.That(row.MainLoop!.Ldgsts, Is.EqualTo((activated ? tile.Rows : tile.Rows + tile.Columns) * 4 / row.GroupSize), row.Name);
            Holds(row, tile, activated ? of.ActivatedResident : of.WgradResident);
        }
    }

    [Test]
    public void Products_are_products_and_asynchronous_copies()
    {
        foreach (var (row, of, _) in Multiplying("Product"))
        {
            Assert.That(row.MainLoop!.Ldgsts, Is.EqualTo((of.Tile.Rows + of.Tile.Columns) * 4 / row.GroupSize), row.Name);
            Holds(row, of.Tile, of.Resident);
        }
    }

    /// <summary>Kernels whose names have one of these words, on all architectures; a warp's products are all in its loop.</summary>
    private static IEnumerable<(KernelRow Row, TensorPlan.Row Of, bool IsActivated)> Multiplying(params string[] words)
    {
        string[] names = [.. Names.Where(name => words.Any(word => name.Contains(word, StringComparison.Ordinal)))];
        Assert.That(names, Is.Not.Empty);
        foreach (var row in KernelCatalog.Rows(names, GpuArchitecture.All))
        {
            var of = TensorPlan.Rows.Single(r => row.Name.Contains(r.Tile.Text, StringComparison.Ordinal));
            Assert.That(row.MainLoop!.Hmma, Is.EqualTo(of.Tile.Rows * of.Tile.Columns / 64 / (row.GroupSize / 32)), row.Name);
            Assert.That(row.MainLoop.Lds, Is.EqualTo(row.MainLoop.Lds128), "four values a load, or ldmatrix");
            yield return (row, of, row.Name.Contains("Activated", StringComparison.Ordinal));
        }
    }

    /// <summary>
    /// Both products of a block on tensor cores, with one multiply-add a score between them, for its exponent. Blocks come 16 bytes at a
    /// time in every step of the way.
    /// </summary>
    [Test]
    public void Attention_is_products_and_a_softmax()
    {
        string[] names = [.. Names.Where(name => name.Contains("Attention", StringComparison.Ordinal)
            && !name.Contains("Statistics", StringComparison.Ordinal))];
        Assert.That(names, Is.Not.Empty);
        foreach (var row in KernelCatalog.Rows(names, GpuArchitecture.All))
        {
            var (pass, head, bf16) = Regex.Match(row.Name, @"^Tensor(?:Rounded)?Attention([A-Za-z]*)(\d+)(Tf32|Bf16)Kernel$").Groups switch
            {
                var g => (g[1].Value, int.Parse(g[2].ValueSpan, CultureInfo.InvariantCulture), g[3].Value == "Bf16"),
            };
            int block = head <= 64 ? 64 : 4096 / head, products = pass switch
            {
                "" or "ValueGradient" => 2,
                "KeyValueGradient" => 4,
                _ => 3,
            };
            var loop = row.MainLoop!;
            Assert.That(loop.Hmma, Is.EqualTo(products * block * head / (bf16 ? 128 : 64)), row.Name);
            Assert.That(loop.Ffma, Is.EqualTo(block / 2), row.Name);
            Assert.That(loop.Lds, Is.EqualTo(loop.Lds128), "four values a load, or ldmatrix");
            int values = row.Name.Contains("Rounded", StringComparison.Ordinal) ? 8 : 4;
            Assert.That(loop.Ldg128, Is.EqualTo(2 * block * head / values / row.GroupSize), "two operands' blocks");
            Assert.That(loop.Local, Is.Zero, row.Name);
            Assert.That(row.SharedBytes, Is.EqualTo(AttentionPlan.TensorSharedBytes(bf16 ? Precision.Bf16 : Precision.Tf32, head,
                backward: pass is not ("" or "ValueGradient"))));
        }
    }

    private static void Holds(KernelRow row, ITile tile, int resident)
    {
        Assert.That(row.MainLoop!.Local, Is.Zero, row.Name);
        Assert.That(row.SharedBytes, Is.EqualTo(tile.SharedBytes), row.Name);
        Assert.That(row.Occupancy, Is.GreaterThanOrEqualTo(resident * row.GroupSize / 2048.0),
            $"{row.Name}: as many groups as the plan counts on");
    }

    /// <summary>
    /// Multiply-adds of a thread's activations in a step of 64 bytes: two a value, scale x + shift and SiLU's exponent. The product itself
    /// would need half the length of the tile's other side as many.
    /// </summary>
    private static int ActivationFfma(KernelRow row, int width) =>
        2 * width * (row.Name.Contains("Bf16", StringComparison.Ordinal) ? 32 : 16) / row.GroupSize;
}
