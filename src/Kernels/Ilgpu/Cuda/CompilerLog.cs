using System.Diagnostics;
using ILGPU.Runtime;

namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>
/// Loads a kernel and, where the driver's PTX compiler refuses it, throws with the compiler's words: ILGPU writes them to
/// <see cref="Trace"/> and throws no more than "a PTX JIT compilation failed".
/// </summary>
internal static class CompilerLog
{
    private const int KeptLines = 40;

    /// <param name="kernel">The kernel's name, for the message.</param>
    /// <param name="load">Loads it.</param>
    /// <exception cref="BDenseException">The device's driver refuses the kernel.</exception>
    public static T Load<T>(string kernel, Func<T> load)
    {
        using var listener = new Listener();
        Trace.Listeners.Add(listener);
        try
        {
            return load();
        }
        catch (AcceleratorException e)
        {
            string error = DeviceFault.NameOf(e);
            string said = listener.Text();
            // A fault of an earlier launch may surface here and has nothing to do with this kernel's text.
            throw DeviceFault.IsSticky(error) ? new DeviceFaultException($"while {kernel} was loaded", error, e, VirtualCuda.LastFinding)
                : new BDenseException($"{kernel} does not load: {error}: {e.Message}{(said.Length > 0 ? "; compiler: " + said : "")}", e);
        }
        finally
        {
            Trace.Listeners.Remove(listener);
        }
    }

    /// <summary>Keeps the last lines; the kernel's whole PTX comes first and is thousands of lines.</summary>
    private sealed class Listener : TraceListener
    {
        private readonly Queue<string> _lines = new();
        private string _begun = "";

        public override bool IsThreadSafe => false;

        public override void Write(string? message) => _begun += message;

        public override void WriteLine(string? message)
        {
            // ILGPU hands on the whole buffer of 1,024 bytes, zeros and all.
            foreach (string line in (_begun + message).Replace("\0", "", StringComparison.Ordinal)
                .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (line.EndsWith("loading failed:", StringComparison.OrdinalIgnoreCase))
                    _lines.Clear();
                else
                    _lines.Enqueue(line);
                if (_lines.Count > KeptLines)
                    _lines.Dequeue();
            }
            _begun = "";
        }

        public string Text()
        {
            if (_begun.Length > 0)
                WriteLine("");
            return string.Join(Environment.NewLine, _lines);
        }
    }
}
