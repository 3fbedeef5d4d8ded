using System.Runtime.CompilerServices;
using ILGPU;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>
/// Sixteen sums that lie side by side. A processor's compiler makes two vectors of eight floats of them; four rows are the eight vectors in
/// flight that cover the time of an addition. Named fields and no array, as in <see cref="Float4"/>.
/// </summary>
internal struct Row16
{
    public Float4 V0, V1, V2, V3;

    /// <summary>row += s v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddScaled(float s, Row16 v)
    {
        Float4.AddScaled(ref V0, s, v.V0);
        Float4.AddScaled(ref V1, s, v.V1);
        Float4.AddScaled(ref V2, s, v.V2);
        Float4.AddScaled(ref V3, s, v.V3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Row16 Load(ArrayView<Float4> x, int from)
    {
        Row16 row;
        row.V0 = x[from];
        row.V1 = x[from + 1];
        row.V2 = x[from + 2];
        row.V3 = x[from + 3];
        return row;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(ArrayView<Float4> y, int to)
    {
        y[to] = V0;
        y[to + 1] = V1;
        y[to + 2] = V2;
        y[to + 3] = V3;
    }
}
