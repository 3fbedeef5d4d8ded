using BDense.Kernels.MachineCode;

namespace BDense.Cases.Checking;

/// <summary>A kernel before any GPU: it compiles to PTX, and where ptxas is on PATH, its machine code has no spills.</summary>
public static class KernelChecks
{
    /// <summary>On every architecture that there is an assembler for.</summary>
    /// <param name="kernel">The C# method's name; <see cref="KernelCatalog.Names"/> has it.</param>
    public static IReadOnlyList<Finding> Of(string kernel) => [.. GpuArchitecture.All.SelectMany(architecture => Of(kernel, architecture))];

    /// <summary>On one architecture.</summary>
    public static IReadOnlyList<Finding> Of(string kernel, GpuArchitecture architecture)
    {
        try
        {
            return Of(KernelCatalog.Rows([kernel], [architecture])[0]);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // ILGPU's compiler has exceptions of many kinds; the innermost names what it does not know.
            var cause = e;
            while (cause.InnerException is { } inner)
                cause = inner;
            string message = cause.Message.Split('\n')[0].Trim();
            bool assembler = message.StartsWith("ptxas", StringComparison.Ordinal);
            return [new(kernel, assembler ? Check.MachineCode : Check.Ptx, $"{kernel}, {architecture.Name}: {message}")];
        }
    }

    /// <summary>Of figures that are there; none where ptxas is not.</summary>
    public static IReadOnlyList<Finding> Of(KernelRow row)
    {
        if (row.Registers is null)
            return [];
        List<string> wrong = [];
        if (row.Spills > 0)
            wrong.Add($"{row.Spills} bytes of registers spilled");
        if (row.Stack > 0)
            wrong.Add($"{row.Stack} bytes of stack: an array that the kernel indexes");
        if (row.Whole?.Local > 0)
            wrong.Add($"{row.Whole.Local} loads and stores of local memory");
        if (!(row.Occupancy > 0))
            wrong.Add($"no group of {row.GroupSize} threads fits a multiprocessor");
        return [.. wrong.Select(text => new Finding(row.Name, Check.MachineCode, $"{row.Name}, {row.Architecture}: {text}"))];
    }
}
