using System.CommandLine;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels.Devices;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense devices</c>: what there is, and why something that is installed was refused.</summary>
internal static class DevicesVerb
{
    public static Verb Verb(Ui ui)
    {
        var json = CommonOptions.Json();
        var command = new Command("devices", "Lists the devices, and why something that is installed cannot be used.") { json };
        command.SetAction(parse =>
        {
            ui.JsonOnly = parse.GetValue(json);
            var devices = DeviceCatalog.List();
            var cudaDriver = DeviceCatalog.CudaDriver();
            ui.Json(new { devices, cudaDriver });
            ui.Table(["device", "name", "memory", "usable"], devices.Select(d => new[]
            {
                d.Spec, d.Name, d.MemoryBytes > 0 ? (d.MemoryBytes / 1073741824.0).ToString("0.0 GiB", CultureInfo.InvariantCulture) : "",
                d.IsUsable ? "yes" : "no",
            }));
            foreach (var refused in devices.Where(d => !d.IsUsable))
                ui.Line($"{refused.Spec}: {refused.Refusal}");
            if (cudaDriver is not null)
                ui.Line($"CUDA driver: {cudaDriver}");
        });
        return new Verb(command, "bdense devices", "bdense devices --json");
    }
}
