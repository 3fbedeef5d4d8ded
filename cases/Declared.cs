using BDense.Kernels;

namespace BDense.Cases;

/// <summary>What a row's operation declares to cost.</summary>
public static class Declared
{
    /// <summary>Runs the row once and adds up what is declared; a row may call its operation several times.</summary>
    public static (OpCost Cost, int Calls) Of(Backend backend, OpCase row)
    {
        using var tensors = new CaseTensors(backend, row, row.Start());
        return Of(backend, () => row.Run(backend, tensors.Operands));
    }

    /// <summary>Of anything that runs on a backend.</summary>
    public static (OpCost Cost, int Calls) Of(Backend backend, Action run)
    {
        var cost = default(OpCost);
        int calls = 0;
        var before = backend.OnOp;
        backend.OnOp = (_, declared) => (cost, calls) = (cost + declared, calls + 1);
        try
        {
            run();
        }
        finally
        {
            backend.OnOp = before;
        }
        return (cost, calls);
    }
}
