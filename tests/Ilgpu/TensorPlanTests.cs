using BDense.Kernels;
using BDense.Kernels.Ilgpu.Attention;
using BDense.Kernels.Ilgpu.Tiles;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Kernels.Ptx.Products;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>Where tensor-core kernels are chosen, and which.</summary>
internal sealed class TensorPlanTests
{
    private const int H200 = 227 << 10, Multiprocessors = 132;

    [TestCase(Precision.Bf16, 256, 64, true, 166912, Precision.Bf16)]
    [TestCase(Precision.Tf32, 256, 256, true, 166912, Precision.Tf32)]
    [TestCase(Precision.Tf32, 256, 256, true, 101376, Precision.Fp32)]
    [TestCase(Precision.Bf16, 256, 256, true, 101376, Precision.Bf16)]
    [TestCase(Precision.Bf16, 256, 96, true, 166912, Precision.Fp32)]
    [TestCase(Precision.Bf16, 9, 64, true, 166912, Precision.Fp32)]
    [TestCase(Precision.Bf16, 256, 64, false, 166912, Precision.Fp32)]
    [TestCase(Precision.Fp32, 256, 64, true, 166912, Precision.Fp32)]
    public void Attentions_gradients(Precision asked, int tokens, int headSize, bool aligned, int sharedLimit, Precision expected) =>
        Assert.That(AttentionPlan.Choose(asked, new(2, tokens, 3, headSize), aligned, backward: true, sharedLimit), Is.EqualTo(expected));

    [Test]
    public void Attention_needs_less_shared_memory_forward() =>
        Assert.That(AttentionPlan.Choose(Precision.Tf32, new(2, 256, 1, 256), aligned: true, backward: false, 101376),
            Is.EqualTo(Precision.Tf32));

    /// <summary>A map of 8x8 has too few tiles for every multiprocessor: its sum is split. A map of 32x32 has enough.</summary>
    [TestCase(16, 8, ExpectedResult = true)]
    [TestCase(128, 32, ExpectedResult = false)]
    public bool Small_maps_are_split(int batch, int side) =>
        TensorPlan.Choose(new(batch * side * side, 256, 9 * 8, TensorOperation.Convolution), Multiprocessors, H200).Slices > 1;

    /// <summary>The rule takes nothing that the search would refuse, on any device.</summary>
    [Test]
    public void The_table_is_allowed([Values] TensorOperation operation, [Values(99 << 10, H200)] int sharedLimit,
        [Values] bool onWarpgroups)
    {
        var p = new TensorProblem(512, 512, 64, operation, OnWarpgroups: onWarpgroups);
        Assert.That(TensorPlan.Candidates(p, sharedLimit), Is.Not.Empty.And.Unique
            .And.All.Matches<TileChoice>(choice => TensorSearch.Allows(p, choice, sharedLimit)));
    }

    /// <summary>From the rule's tile every tile that is allowed can be reached, by single steps that are allowed themselves.</summary>
    [Test]
    public void The_search_reaches_every_tile([Values] TensorOperation operation)
    {
        var p = new TensorProblem(512, 512, 64, operation);
        var seen = new HashSet<string>();
        var left = new Queue<TileChoice>(TensorPlan.Candidates(p, H200).Where(choice => choice.Slices == 1));
        while (left.TryDequeue(out var choice))
        {
            if (!seen.Add(choice.Tile))
                continue;
            foreach (var next in TensorSearch.Neighbours(p, choice, H200))
            {
                Assert.That(TensorSearch.Allows(p, next, H200), $"{choice} -> {next}");
                Assert.That(next, Is.Not.EqualTo(choice));
                left.Enqueue(next with { Slices = 1 });
            }
        }
        Assert.That(seen, Is.SupersetOf(TensorSearch.Tiles(operation, H200).Select(tile => tile.Text)));
        TestContext.Out.WriteLine($"{operation}: {seen.Count} tiles");
    }

    /// <summary>Hopper's own tiles lie beside each other, too; from those for every GPU one comes to them by the table alone.</summary>
    [Test]
    public void The_search_reaches_every_tile_of_warpgroups()
    {
        var p = new TensorProblem(512, 512, 64, TensorOperation.Convolution, OnWarpgroups: true);
        var seen = new HashSet<string>();
        var left = new Queue<string>(["128x256g2s4"]);
        while (left.TryDequeue(out string? tile))
        {
            if (!seen.Add(tile))
                continue;
            foreach (var next in TensorSearch.Neighbours(p, new(tile, 1), H200).Where(next => next.Slices == 1))
                left.Enqueue(next.Tile);
        }
        Assert.That(seen, Is.EquivalentTo(TensorSearch.WarpgroupTiles(H200).Select(tile => tile.Text)));
        TestContext.Out.WriteLine(string.Join(' ', seen));
    }

    /// <summary>Large products go to the tensor cores' full rate where the device has it.</summary>
    [TestCase(false, ExpectedResult = false)]
    [TestCase(true, ExpectedResult = true)]
    public bool Hopper_takes_warpgroups(bool onWarpgroups) => TensorPlan.Choose(
        new(4096, 4096, 128, TensorOperation.Product, OnWarpgroups: onWarpgroups), Multiprocessors, H200).Tile.Contains('g');

    [TestCase("128x128w64x32s3", ExpectedResult = true)]
    [TestCase("4x16", ExpectedResult = true)]
    [TestCase("128x128", ExpectedResult = false)]
    [TestCase("0x128w64x32s3", ExpectedResult = false)]
    [TestCase("128x128w64x32s3 ", ExpectedResult = false)]
    public bool What_names_a_tile(string text) => TileChoice.IsTile(text);

    /// <summary>A file of <c>bdense tune</c> may name any tile for any problem.</summary>
    [Test]
    public void A_portable_tile_is_none_for_tensor_cores() =>
        Assert.That(TensorSearch.Allows(new TensorProblem(512, 512, 64, TensorOperation.Convolution), new TileChoice("4x8", 1), H200),
            Is.False);

    [Test]
    public void Nothing_has_a_plan([Values] TensorOperation operation) =>
        Assert.That(TensorPlan.Choose(new(0, 512, 64, operation), Multiprocessors, H200).Slices, Is.Positive);

    /// <summary>Tiles without a kernel: a pass of copies that is not whole, more registers than there are, shared memory.</summary>
    [TestCase(256, 256, 64, 64, 3), TestCase(64, 32, 32, 32, 7), TestCase(128, 128, 128, 64, 3)]
    public void What_is_not_allowed(int rows, int columns, int warpRows, int warpColumns, int stages) => Assert.That(
        TensorSearch.Allows(TensorOperation.Convolution, new ProductTile(rows, columns, warpRows, warpColumns, stages), H200), Is.False);
}
