using BDense.Kernels.Ptx.Hopper;
using BDense.Kernels.Ptx.Products;

namespace BDense.Kernels.Ilgpu.Tuning;

/// <summary>What a product is launched with.</summary>
/// <param name="Tile">
/// On tensor cores a group's (<see cref="ProductTile.Text"/>, for Hopper <see cref="WarpgroupTile.Text"/>); of the portable kernels a
/// thread's, pixels by channels (<see cref="PortableTile"/>).
/// </param>
/// <param name="Slices">Parts of the sum that different groups add up.</param>
internal readonly record struct TileChoice(string Tile, int Slices)
{
    /// <summary>Whether a file's text names a tile.</summary>
    public static bool IsTile(string text) =>
        PortableTile.All.Contains(text) || ProductTile.Parse(text) is not null || WarpgroupTile.Parse(text) is not null;

    /// <summary>128x128w64x32s3 / 4</summary>
    public override string ToString() => Slices == 1 ? Tile : $"{Tile} / {Slices}";
}

/// <summary>Pixels by channels that a thread of the portable convolutions computes.</summary>
internal static class PortableTile
{
    /// <summary>Four pixels, and 16, 8 or 4 channels.</summary>
    public const string Channels16 = "4x16", Channels8 = "4x8", Channels4 = "4x4";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Channels16, Channels8, Channels4];
}
