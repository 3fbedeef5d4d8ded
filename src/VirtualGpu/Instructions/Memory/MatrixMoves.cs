using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>
/// ldmatrix: 1, 2 or 4 matrices of 8 rows of 8 values of 16 bits; lane l has the address of row l mod 8 of matrix l / 8. A row is 16 bytes,
/// and lane l gets values 2 (l mod 4) and the next of row l / 4 of each: a register's 128 bytes are the rows, one after the other. With
/// .trans the rows of the transposed matrix.
/// </summary>
/// <typeparam name="TOrder">Transposed or not.</typeparam>
internal unsafe readonly struct LoadMatrix<TOrder> : IMove
    where TOrder : IMatrixOrder
{
    public static AccessKind Kind => AccessKind.Read;

    public static int Bytes(Instruction i) => 16;

    /// <summary>The whole warp; the rows' addresses are those of the first lanes, who read them as far as races go.</summary>
    public static void Run(Warp w, Instruction i)
    {
        w.NeedWhole(i, w.Mask(i));
        MemoryAccess.Shared<LoadMatrix<TOrder>>(w, i, MatrixRows.Lanes(i));
    }

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        for (int m = 0; m < i.Vector.Length; m++)
        {
            ushort* to = (ushort*)(w.Registers + i.Vector[m]);
            for (int row = 0; row < 8; row++)
                Vector128.Load((ushort*)(addresses[8 * m + row] + toHost)).Store(to + 8 * row);
            TOrder.Arrange(to);
        }
    }
}

/// <summary>stmatrix: what <see cref="LoadMatrix{TOrder}"/> loads, stored.</summary>
/// <typeparam name="TOrder">Transposed or not.</typeparam>
internal unsafe readonly struct StoreMatrix<TOrder> : IMove
    where TOrder : IMatrixOrder
{
    public static AccessKind Kind => AccessKind.Write;

    public static int Bytes(Instruction i) => 16;

    /// <inheritdoc cref="LoadMatrix{TOrder}.Run"/>
    public static void Run(Warp w, Instruction i)
    {
        w.NeedWhole(i, w.Mask(i));
        MemoryAccess.Shared<StoreMatrix<TOrder>>(w, i, MatrixRows.Lanes(i));
    }

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        ushort* matrix = stackalloc ushort[64];
        for (int m = 0; m < i.Vector.Length; m++)
        {
            new ReadOnlySpan<ushort>(w.Registers + i.Vector[m], 64).CopyTo(new Span<ushort>(matrix, 64));
            TOrder.Arrange(matrix);
            for (int row = 0; row < 8; row++)
                Vector128.Load(matrix + 8 * row).Store((ushort*)(addresses[8 * m + row] + toHost));
        }
    }
}

internal static class MatrixRows
{
    /// <summary>Those that have a row's address.</summary>
    public static uint Lanes(Instruction i) => Warp.All >> (Warp.Lanes - 8 * i.Vector.Length);
}

/// <summary>How a matrix lies in registers.</summary>
internal unsafe interface IMatrixOrder
{
    /// <param name="matrix">8 x 8 values, in place.</param>
    static abstract void Arrange(ushort* matrix);
}

internal unsafe readonly struct RowsInOrder : IMatrixOrder
{
    public static void Arrange(ushort* matrix)
    {
    }
}

internal unsafe readonly struct Transposed : IMatrixOrder
{
    public static void Arrange(ushort* matrix)
    {
        Vector128<ushort> a = Vector128.Load(matrix), b = Vector128.Load(matrix + 8), c = Vector128.Load(matrix + 16),
            d = Vector128.Load(matrix + 24),
            e = Vector128.Load(matrix + 32), f = Vector128.Load(matrix + 40), g = Vector128.Load(matrix + 48),
            h = Vector128.Load(matrix + 56);
        // A perfect shuffle of the 64 values moves number n to 2n modulo 63: with 8 x 8, three of them move row and column to each other's
        // place.
        for (int round = 0; round < 3; round++)
            (a, b, c, d, e, f, g, h) = (Low(a, e), High(a, e), Low(b, f), High(b, f), Low(c, g), High(c, g), Low(d, h), High(d, h));
        a.Store(matrix);
        b.Store(matrix + 8);
        c.Store(matrix + 16);
        d.Store(matrix + 24);
        e.Store(matrix + 32);
        f.Store(matrix + 40);
        g.Store(matrix + 48);
        h.Store(matrix + 56);
    }

    /// <summary>One from each of the first halves in turn.</summary>
    private static Vector128<ushort> Low(Vector128<ushort> first, Vector128<ushort> second) =>
        Sse2.IsSupported ? Sse2.UnpackLow(first, second)
        : Vector128.Shuffle(Vector128.Create(first.GetLower(), second.GetLower()), Vector128.Create((ushort)0, 4, 1, 5, 2, 6, 3, 7));

    /// <summary>One from each of the second halves.</summary>
    private static Vector128<ushort> High(Vector128<ushort> first, Vector128<ushort> second) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(first, second)
        : Vector128.Shuffle(Vector128.Create(first.GetUpper(), second.GetUpper()), Vector128.Create((ushort)0, 4, 1, 5, 2, 6, 3, 7));
}
