using System.Runtime.InteropServices;

namespace BDense.Kernels.Reference.Convolution;

/// <summary>Packed copies of the weights in one storage, kept from call to call for as long as nothing writes to the storage.</summary>
/// <remarks>
/// A copy is kept from the second use of the same values on, or from the first if the values before them were used more than once:
/// sampling, a frozen teacher and accumulated micro-batches pack once an update, while plain training, which uses each
/// weight once an update and direction, keeps nothing and needs no more memory. Copies lie outside the pool and go with their storage.
/// </remarks>
internal sealed class KeptPacks
{
    private readonly Dictionary<Key, KeptPack> _packs = [];

    /// <summary>The entry of this way of packing, with this use counted; <paramref name="version"/> is the storage's.</summary>
    public unsafe KeptPack Find(in PackWeights pack, long version)
    {
        var key = new Key((nint)pack.W, pack.K, pack.R, pack.S, pack.C, pack.Transposed, pack.TapsR, pack.TapsS, pack.FirstR, pack.FirstS,
            pack.Stride, pack.Winograd);
        if (!_packs.TryGetValue(key, out var kept))
            _packs.Add(key, kept = new KeptPack());
        kept.Use(version);
        return kept;
    }

    public void Clear()
    {
        foreach (var kept in _packs.Values)
            kept.Free();
        _packs.Clear();
    }

    /// <summary>All that the order of a packed copy depends on.</summary>
    private readonly record struct Key(nint W, int K, int R, int S, int C, bool Transposed, int TapsR, int TapsS, int FirstR, int FirstS,
        int Stride, bool Winograd);
}

/// <summary>One weight packed in one way, if it is kept.</summary>
internal sealed unsafe class KeptPack
{
    private float* _pointer;
    private long _version = -1;
    private int _uses, _usesBefore;

    /// <summary>Whether it pays to keep a copy of the present values.</summary>
    public bool IsKept => _uses > 1 || _usesBefore > 1;

    /// <summary>The copy holds the present values.</summary>
    public bool IsPacked { get; set; }

    /// <summary>One more use of the values of this version.</summary>
    public void Use(long version)
    {
        if (version != _version)
        {
            (_version, _usesBefore, _uses) = (version, _uses, 0);
            IsPacked = false;
        }
        _uses = Math.Min(_uses + 1, 2);
        if (!IsKept)
            Free();
    }

    /// <summary>Memory for the copy, the same from call to call.</summary>
    public float* Reserve(int floats)
    {
        if (_pointer is null)
            _pointer = (float*)NativeMemory.AlignedAlloc((nuint)floats * sizeof(float), 64);
        return _pointer;
    }

    public void Free()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        IsPacked = false;
    }
}
