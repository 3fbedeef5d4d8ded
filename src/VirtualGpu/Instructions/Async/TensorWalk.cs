using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Async;

/// <summary>From bytes of a box, as they lie in shared memory before any swizzle, to addresses of the tensor.</summary>
internal readonly unsafe struct TensorWalk
{
    private readonly TensorMap _map;

    /// <summary>Of the box's first element; may lie outside of the tensor.</summary>
    private readonly long[] _first;

    private readonly int _rowBytes;

    public TensorWalk(TensorMap map, Warp w, Instruction i, int lane)
    {
        _map = map;
        _first = [.. i.Bulk!.Coordinates.Select(register => (long)((int*)(w.Registers + register))[lane])];
        _rowBytes = map.Count(0) * map.ElementBytes;
    }

    /// <summary>
    /// The address of a byte, and how many follow it both in shared and in global memory; address 0 for bytes that lie outside of the
    /// tensor.
    /// </summary>
    public (ulong Address, int Bytes) Run(int offset, int most)
    {
        int element = _map.ElementBytes, inRow = offset % _rowBytes, row = offset / _rowBytes;
        ulong address = _map.Address;
        bool inside = true;
        for (int k = 1; k < _map.Rank; k++)
        {
            long at = _first[k] + (long)(row % _map.Count(k)) * _map.Steps[k];
            row /= _map.Count(k);
            inside &= at >= 0 && at < _map.Extents[k];
            address += (ulong)(at * _map.Strides[k]);
        }
        int most0 = Math.Min(most, _rowBytes - inRow);
        long column = _first[0] + (long)(inRow / element) * _map.Steps[0];
        if (_map.Steps[0] > 1)
            most0 = Math.Min(most0, element);
        if (!inside || column >= _map.Extents[0])
            return (0, most0);
        if (column < 0)
            return (0, _map.Steps[0] > 1 ? element : (int)Math.Min(most0, -column * element));
        return (address + (ulong)(column * element), (int)Math.Min(most0, (_map.Extents[0] - column) * element));
    }

    /// <summary>What arrives from outside of the tensor.</summary>
    public void Fill(Span<byte> bytes)
    {
        bytes.Clear();
        if (!_map.FillsWithNaN)
            return;
        // The type's quiet NaN, all of whose exponent's bits and the first of its fraction's are set.
        for (int k = _map.ElementBytes - 1; k < bytes.Length; k += _map.ElementBytes)
            (bytes[k], bytes[k - 1]) = (0x7F, _map.Type == 6 ? (byte)0 : _map.ElementBytes == 8 ? (byte)0xF8 : (byte)0xC0);
        for (int k = 1; _map.Type == 6 && k < bytes.Length; k += 2)
            bytes[k] = 0x7E;
    }
}
