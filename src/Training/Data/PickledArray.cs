using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>A NumPy array of uint8 out of a pickle: made empty by _reconstruct, then given its state, as NumPy does it.</summary>
internal sealed class PickledArray
{
    /// <summary>Extents, outermost first; empty until <see cref="Build"/>.</summary>
    public int[] Shape { get; private set; } = [];

    /// <summary>The values, 0 to 255, row-major: a part of the file's bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; private set; }

    /// <summary>numpy.core.multiarray._reconstruct(ndarray, (0,), 'b').</summary>
    public static PickledArray Reconstruct(object?[] arguments) =>
        arguments is [PickledName { Name: PickledName.Array }, object?[], ReadOnlyMemory<byte>]
        ? new PickledArray() : throw new BDenseException("_reconstruct is asked for something else than a plain array");

    /// <summary>The state (version, shape, type, Fortran order, bytes).</summary>
    public void Build(object? state)
    {
        if (state is not object?[] parts || parts is not [long, object?[] extents, PickledType, bool isFortran, ReadOnlyMemory<byte> data])
            throw new BDenseException("an array's state is not (version, shape, type, order, bytes)");
        if (isFortran)
            throw new BDenseException("the array is in Fortran order");
        long count = 1;
        var shape = new int[extents.Length];
        for (int i = 0; i < shape.Length; i++)
        {
            // Each extent and their product stay below 2^31, so that the product cannot overflow.
            if (extents[i] is not (long and >= 0L and <= int.MaxValue))
                throw new BDenseException("an extent of the array is not a number of 0 to 2^31");
            shape[i] = (int)(long)extents[i]!;
            count = Math.Min(count * shape[i], int.MaxValue);
        }
        if (count != data.Length)
            throw new BDenseException($"the array of {string.Join(" x ", shape)} has {data.Length} bytes");
        (Shape, Data) = (shape, data);
    }
}

/// <summary>NumPy's dtype out of a pickle; uint8 is the only one that is read.</summary>
internal sealed class PickledType
{
    /// <summary>numpy.dtype('u1', 0, 1).</summary>
    public static PickledType Of(object?[] arguments)
    {
        if (arguments is not [ReadOnlyMemory<byte> code, long, long])
            throw new BDenseException("dtype is not called as dtype(code, 0, 1)");
        return code.Span.SequenceEqual("u1"u8) ? new PickledType()
            : throw new BDenseException($"the array's elements are '{Pickle.Text(code)}'; uint8 ('u1') can be read");
    }
}

/// <summary>One of the three things of NumPy that a pickle may name: no other is looked up, none is called.</summary>
internal sealed record PickledName(string Name)
{
    public const string Array = "numpy.ndarray", Type = "numpy.dtype", Reconstruct = "numpy.core.multiarray._reconstruct";

    public object Call(object?[] arguments) => Name switch
    {
        Reconstruct => PickledArray.Reconstruct(arguments),
        Type => PickledType.Of(arguments),
        _ => throw new BDenseException($"{Name} is called, which is refused"),
    };
}
