namespace BDense.Kernels.Ptx.Products;

/// <summary>What a group computes of a product on tensor cores.</summary>
internal interface ITile
{
    /// <summary>Rows of the result.</summary>
    int Rows { get; }

    /// <summary>Columns of the result.</summary>
    int Columns { get; }

    /// <summary>Shared memory of a group.</summary>
    int SharedBytes { get; }

    /// <summary>As names of kernels and files have it.</summary>
    string Text { get; }
}
