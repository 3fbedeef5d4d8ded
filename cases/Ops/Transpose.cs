using static BDense.Cases.Operand;

namespace BDense.Cases.Ops;

/// <summary>Rows and columns of blocks exchanged.</summary>
public static class TransposeCases
{
    /// <summary>Of every size.</summary>
    public static IEnumerable<OpCase> Rows()
    {
        (int Rows, int Columns, int Block, CaseSize Size)[] shapes =
        [
            (1, 1, 1, CaseSize.Tiny), (3, 5, 1, CaseSize.Tiny), (4, 6, 3, CaseSize.Tiny), (64, 12, 16, CaseSize.Small),
            (257, 31, 5, CaseSize.Small), (1024, 1024, 4, CaseSize.Large),
        ];
        foreach (var (rows, columns, block, size) in shapes)
        {
            yield return new("Transpose", $"{rows}x{columns}x{block}",
                [In("x", new(rows, columns, block)), Out("y", new(columns, rows, block))],
                (b, t) => b.Transpose(t[0], t[1]),
                d =>
                {
                    for (int i = 0; i < rows; i++)
                        for (int j = 0; j < columns; j++)
                            for (int e = 0; e < block; e++)
                                d[1][(j * rows + i) * block + e] = d[0][(i * columns + j) * block + e];
                })
            { Size = size, Tolerance = Tolerance.Exact };
        }
    }
}
