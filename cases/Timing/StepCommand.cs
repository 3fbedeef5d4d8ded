using System.CommandLine;
using System.Globalization;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Kernels.Profiling;
using BDense.Model.Autodiff;

namespace BDense.Cases.Timing;

/// <summary>A pass that can be run with fusions and without.</summary>
/// <param name="tape">Records it; its <see cref="Tape.Execution"/> says which fusions are on.</param>
/// <param name="input">
/// The next input: of normal numbers, the same in every run, kept from run to run and wanting a gradient. Called in the same order each
/// time.
/// </param>
/// <param name="rows">How many of the data's rows: many on a device, few in a simulation.</param>
/// <returns>The last value, whose gradient starts the way back.</returns>
public delegate Variable StepPass(Tape tape, Func<Shape, Variable> input, int rows);

/// <summary>
/// The verb <c>step</c>: a pass forward and backward with fusions and without: operations, declared and counted bytes, the most memory at
/// once, time.
/// </summary>
public static class StepCommand
{
    private const int RowsOnDevice = 16384, RowsInSimulation = 96;

    /// <summary>Parses, runs and prints a line for each set of fusions.</summary>
    /// <param name="args">Behind the verb.</param>
    /// <param name="own">The project's fusions, which <c>--fuse</c> can name beside BDense's.</param>
    /// <param name="pass">What is run.</param>
    /// <returns>Exit code: 0; 1 where the device is not there or fails; 2 for a wrong option or name.</returns>
    public static int Run(string[] args, Fusion[] own, StepPass pass)
    {
        var device = new Option<string>("--device")
        {
            Description = $"{DeviceCatalog.Specs}.",
            HelpName = "DEVICE",
            DefaultValueFactory = _ => "auto",
        };
        var fuse = new Option<string?>("--fuse")
        {
            Description = $"Fusions that are on, of {string.Join(", ", own.Select(fusion => fusion.Name))} and BDense's; a minus before "
                + "a name switches it off. Without this option: all of them, then all but the project's own.",
            HelpName = "NAMES",
        };
        var rows = new Option<int?>("--rows")
        {
            Description = $"Rows of data; by default {RowsOnDevice}, in a simulation {RowsInSimulation}.",
            HelpName = "N",
            CustomParser = result => new NumberRule<int>(1, int.MaxValue).Read("--rows", result.Tokens, result.AddError),
        };
        var root = new RootCommand("Runs a pass forward and backward, with fusions and without.") { device, fuse, rows };
        root.SetAction((parse, cancellation) => Task.FromResult(OpsCommand.Guarded("step", () =>
        {
            string[] texts = parse.GetValue(fuse) is { } text ? [text]
                : ["all", "all," + string.Join(',', own.Select(fusion => "-" + fusion.Name))];
            var sets = Array.ConvertAll(texts, t => Fusions.Parse(t, own));
            using var backend = DeviceCatalog.Open(parse.GetValue(device)!);
            Console.WriteLine($"{backend.Name}: {backend.Description}");
            bool simulated = Profiler.IsOn(backend) || backend.Name == "ilgpu-cpu";
            foreach (var set in sets)
            {
                cancellation.ThrowIfCancellationRequested();
                string on = string.Join(", ", own.Select(fusion => $"{(set.Has(fusion) ? "" : "no ")}{fusion.Name}"));
                Console.WriteLine(
                    $"{on}: {Figures(backend, set, pass, parse.GetValue(rows) ?? (simulated ? RowsInSimulation : RowsOnDevice))}");
            }
            return 0;
        })));
        return OpsCommand.Invoke("step", root, args);
    }

    private static string Figures(Backend backend, Fusions fusions, StepPass pass, int rows)
    {
        using var inputs = new Inputs(backend);
        void Once()
        {
            using var tape = new Tape(backend, recording: true) { Execution = new(fusions) };
            inputs.Restart();
            var y = pass(tape, shape => tape.Input(inputs.Next(shape), requiresGradient: true), rows);
            tape.Backward(y, inputs.Next(y.Shape));
        }
        Once();
        long before = backend.Pool.CurrentBytes;
        backend.Pool.ResetPeak();
        var (cost, operations) = Declared.Of(backend, Once);
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{operations} operations, {cost.Bytes / 1e6:0.0} MB declared, {(backend.Pool.PeakBytes - before) / 1e6:0.0} MB at once "
                + $"beside the inputs");
        return Profiler.IsOn(backend)
            ? string.Create(CultureInfo.InvariantCulture,
                $"{text}, {Profiler.On(backend).Run("step", Once).MemoryBytes / 1e6:0.0} MB counted from and to memory")
            : string.Create(CultureInfo.InvariantCulture, $"{text}, {RunTimes.Measure(Once, backend.Synchronize, 0.5).Median:0.000} ms");
    }

    /// <summary>Tensors that are made in the first run and found again in the next.</summary>
    private sealed class Inputs(Backend backend) : IDisposable
    {
        private readonly List<Tensor> _all = [];
        private int _next;

        public void Restart() => _next = 0;

        public Tensor Next(Shape shape)
        {
            if (_next == _all.Count)
            {
                _all.Add(backend.Empty(shape));
                backend.RandomNormal(new RandomKey(1, (uint)_next), _all[_next]);
            }
            return _all[_next++];
        }

        public void Dispose() => _all.ForEach(tensor => tensor.Dispose());
    }
}
