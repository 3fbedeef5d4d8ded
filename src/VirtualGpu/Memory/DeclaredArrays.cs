namespace BDense.VirtualGpu.Memory;

/// <summary>The arrays of shared or local memory that a kernel declares, and nothing between them.</summary>
internal sealed unsafe class DeclaredArrays
{
    private readonly (string Name, ulong Start, ulong Bytes)[] _arrays;

    public DeclaredArrays(IReadOnlyList<(string Name, int Start, int Bytes)> arrays, int dynamicBytes)
    {
        _arrays = [.. arrays.Select(a => (a.Name, (ulong)a.Start, (ulong)(a.Bytes < 0 ? dynamicBytes : a.Bytes)))];
        End = _arrays.Select(a => (int)(a.Start + a.Bytes)).DefaultIfEmpty().Max();
    }

    /// <summary>Behind the last byte.</summary>
    public int End { get; }

    /// <summary>Those of some lanes whose accesses do not lie in one of the arrays.</summary>
    public uint Outside(ulong* addresses, uint lanes, Pattern pattern, int bytes)
    {
        foreach (var (_, start, length) in _arrays)
        {
            lanes &= ~LaneAddresses.Within(start, length, addresses, lanes, pattern, bytes);
            if (lanes == 0)
                break;
            pattern = Pattern.Scattered;
        }
        return lanes;
    }

    /// <summary>Whether some bytes lie wholly in one of them.</summary>
    public bool Contains(ulong address, ulong bytes)
    {
        foreach (var (_, start, length) in _arrays)
        {
            if (address >= start && address - start + bytes <= length)
                return true;
        }
        return false;
    }

    /// <summary>An address as a place in an array, for messages.</summary>
    public string Describe(ulong address)
    {
        var (name, start, length) = _arrays.Where(a => a.Start <= address).DefaultIfEmpty().MaxBy(a => a.Start);
        return name is null ? "before the first array" : address < start + length ? $"byte {address - start} of {name}"
            : $"{MemoryFaults.Bytes((long)(address - start - length))} behind the end of {name}, which has {length}";
    }
}
