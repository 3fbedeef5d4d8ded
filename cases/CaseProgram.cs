using BDense.Cases.Timing;
using BDense.Model.Autodiff;

namespace BDense.Cases;

/// <summary>The whole program of a project with operations of its own: <c>check</c>, <c>ops</c> and <c>step</c>.</summary>
public static class CaseProgram
{
    private const string Usage = """
        usage: VERB [options]
          check   whether the operations are right on a device: oracle, NaN, finite differences, PTX, machine code
          ops     how long they take: GB/s, GFLOP/s, share of the measured roof
          step    a pass with the project's fusions and without: bytes, memory, time
        each takes --device; VERB --help lists the rest
        """;

    /// <summary>Runs a verb.</summary>
    /// <param name="args">The program's.</param>
    /// <param name="cases">What is checked and timed.</param>
    /// <param name="own">Fusions that <c>--fuse</c> names.</param>
    /// <param name="pass">What <c>step</c> runs.</param>
    /// <returns>The exit code: 0; 1 for a failure or a finding; 2 for a wrong verb, option or name.</returns>
    public static int Run(string[] args, CaseSet cases, Fusion[] own, StepPass pass)
    {
        switch (args)
        {
            case ["check", .. var options]:
                return OpsCommand.Run(["--check", .. options], cases);
            case ["ops", .. var options]:
                // A name is asked for, or all are meant.
                return OpsCommand.Run(options is [['-', ..], ..] or [] ? ["*", .. options] : options, cases);
            case ["step", .. var options]:
                return StepCommand.Run(options, own, pass);
            default:
                bool asked = args is ["--help" or "-h"];
                (asked ? Console.Out : Console.Error).WriteLine(Usage);
                return asked ? 0 : 2;
        }
    }
}
