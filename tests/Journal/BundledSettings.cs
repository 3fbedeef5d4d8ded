using System.Runtime.CompilerServices;

namespace BDense.Tests.Journal;

/// <summary>
/// Hands tests.runsettings to the bundled test program (tools/gpu-bundle), as <c>dotnet test</c> does by the project's property. Without
/// it the adapter runs the whole assembly where a filter selects more than 2,000 tests. <c>--settings FILE</c> goes before it.
/// </summary>
internal static class BundledSettings
{
    /// <summary>Read by Microsoft.Testing.Extensions.VSTestBridge.</summary>
    private const string Variable = "TESTINGPLATFORM_VSTESTBRIDGE_RUNSETTINGS_FILE";

    [ModuleInitializer]
    internal static void Set()
    {
        string file = Path.Combine(AppContext.BaseDirectory, "tests.runsettings");
        if (Environment.GetEnvironmentVariable(Variable) is null && File.Exists(file))
            Environment.SetEnvironmentVariable(Variable, file);
    }
}
