using System.Runtime.CompilerServices;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>
/// A thread's part of a product: 8 rows by 8 columns, 64 sums in 64 registers. Rows R0 to R7, each in a left and a right half. Named fields
/// and no array, since ILGPU keeps an array that a loop indexes in local memory.
/// </summary>
internal struct Tile8x8
{
    public Float4 R0L, R0R, R1L, R1R, R2L, R2R, R3L, R3R, R4L, R4R, R5L, R5R, R6L, R6R, R7L, R7R;

    /// <summary>tile[i][j] += a[i] b[j]: 16 values read, 64 multiply-adds.</summary>
    /// <param name="top">a[0..3]</param>
    /// <param name="bottom">a[4..7]</param>
    /// <param name="left">b[0..3]</param>
    /// <param name="right">b[4..7]</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddOuter(Float4 top, Float4 bottom, Float4 left, Float4 right)
    {
        Float4.AddScaled(ref R0L, top.X, left);
        Float4.AddScaled(ref R0R, top.X, right);
        Float4.AddScaled(ref R1L, top.Y, left);
        Float4.AddScaled(ref R1R, top.Y, right);
        Float4.AddScaled(ref R2L, top.Z, left);
        Float4.AddScaled(ref R2R, top.Z, right);
        Float4.AddScaled(ref R3L, top.W, left);
        Float4.AddScaled(ref R3R, top.W, right);
        Float4.AddScaled(ref R4L, bottom.X, left);
        Float4.AddScaled(ref R4R, bottom.X, right);
        Float4.AddScaled(ref R5L, bottom.Y, left);
        Float4.AddScaled(ref R5R, bottom.Y, right);
        Float4.AddScaled(ref R6L, bottom.Z, left);
        Float4.AddScaled(ref R6R, bottom.Z, right);
        Float4.AddScaled(ref R7L, bottom.W, left);
        Float4.AddScaled(ref R7R, bottom.W, right);
    }
}
