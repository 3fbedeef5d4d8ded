using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Driver;

/// <content>Tensor maps, for bulk copies.</content>
public sealed unsafe partial class VirtualDriver
{
    private const int MostBox = 256, MostStep = 8;

    private const ulong MostExtent = 1UL << 32, MostStride = 1UL << 40;

    /// <summary>
    /// Writes a map's 128 bytes. What does not hold is CUDA_ERROR_INVALID_VALUE: the map is at a multiple of 64; the tensor at a multiple
    /// of 16; strides, in bytes and without the innermost, are
    /// multiples of 16 below 2^40; extents are 1 to 2^32; a box has 1 to 256 elements in each dimension, the innermost a multiple of 16
    /// bytes and no more than the swizzle covers; element
    /// strides are 1 to 8; NaN fills floats only.
    /// </summary>
    /// <param name="map">CUtensorMap.</param>
    /// <param name="type">CUtensorMapDataType.</param>
    /// <param name="rank">1 to 5.</param>
    /// <param name="address">Of the tensor.</param>
    /// <param name="extents">Innermost first.</param>
    /// <param name="strides">rank - 1 of them.</param>
    /// <param name="box">Elements of a tile.</param>
    /// <param name="steps">Element strides; the innermost dimension's is ignored, as without interleaving it has none.</param>
    /// <param name="interleave">0; others are CUDA_ERROR_NOT_SUPPORTED here.</param>
    /// <param name="swizzle">0 none, 1 to 3 of 32, 64 and 128 bytes.</param>
    /// <param name="promotion">Into the second-level cache, 0 to 3: without effect.</param>
    /// <param name="fill">1: elements outside of the tensor are NaN.</param>
    public CudaResult cuTensorMapEncodeTiled(byte* map, int type, uint rank, ulong address, ulong* extents, ulong* strides, uint* box,
        uint* steps, int interleave, int swizzle,
        int promotion, int fill) => Call(() =>
    {
        Require(_devices.Any(device => device.Gpu.Model.Major >= 9), CudaResult.NotSupported);
        Require(map != null && (nint)map % TensorMap.Alignment == 0 && extents != null && box != null && steps != null
            && (strides != null || rank == 1));
        Require(TensorMap.BytesOf(type) > 0 && rank is >= 1 and <= TensorMap.MostRank && address % 16 == 0 && address != 0);
        Require(interleave is >= 0 and <= 2 && swizzle is >= 0 and <= 3 && promotion is >= 0 and <= 3 && fill is 0 or 1
            && (fill == 0 || TensorMap.IsFloat(type)));
        Require(interleave == 0, CudaResult.NotSupported);
        long[] allExtents = new long[rank], allStrides = new long[rank];
        int[] boxes = new int[rank], allSteps = new int[rank];
        for (int k = 0; k < rank; k++)
        {
            Require(extents[k] is >= 1 and <= MostExtent && box[k] is >= 1 and <= MostBox && steps[k] is >= 1 and <= MostStep);
            Require(k == 0 || (strides[k - 1] % 16 == 0 && strides[k - 1] < MostStride));
            (allExtents[k], allStrides[k]) = ((long)extents[k], k == 0 ? TensorMap.BytesOf(type) : (long)strides[k - 1]);
            (boxes[k], allSteps[k]) = ((int)box[k], k == 0 ? 1 : (int)steps[k]);
        }
        var made = new TensorMap
        {
            Address = address,
            Type = type,
            Extents = allExtents,
            Strides = allStrides,
            Box = boxes,
            Steps = allSteps,
            Swizzle = (TensorSwizzle)swizzle,
            FillsWithNaN = fill == 1,
        };
        int row = boxes[0] * made.ElementBytes;
        Require(row % 16 == 0 && (made.Swizzle == TensorSwizzle.None || row <= made.Span));
        made.Write(new Span<byte>(map, TensorMap.Bytes));
        return CudaResult.Success;
    });
}
