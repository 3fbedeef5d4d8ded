using System.Text.Json;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>Where operands of wgmma lie in registers, by NVIDIA's own tables: see the resource's first line.</summary>
internal static class WarpgroupFragments
{
    private static readonly JsonElement Tables = Read();

    /// <summary>
    /// Row and column of D for a thread of the warpgroup and one of its values; 64 columns are in the table, wider products go on likewise,
    /// 8 columns every 4 values.
    /// </summary>
    public static (int Row, int Column) Accumulator(bool narrow, int thread, int value)
    {
        var (row, column) = Place(narrow ? "SM90_64x64x16_F32BF16BF16.C" : "SM90_64x64x8_F32TF32TF32.C", thread, value % 32);
        return (row, column + value / 32 * 64);
    }

    /// <summary>Row and k of A for a thread and one of its values: 8 in BF16, 4 in TF32.</summary>
    public static (int Row, int Column) Fragment(bool narrow, int thread, int value) =>
        Place(narrow ? "SM90_64x64x16_F32BF16BF16_RS.A" : "SM90_64x64x8_F32TF32TF32_RS.A", thread, value);

    private static (int Row, int Column) Place(string table, int thread, int value)
    {
        var place = Tables.GetProperty(table)[thread][value];
        return (place[0].GetInt32(), place[1].GetInt32());
    }

    private static JsonElement Read()
    {
        using var stream = typeof(WarpgroupFragments).Assembly.GetManifestResourceStream("warpgroup-fragments")!;
        return JsonDocument.Parse(stream).RootElement;
    }
}
