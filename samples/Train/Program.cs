// Trains a small teacher on the built-in images. Run again it goes on from its last checkpoint.
// dotnet run -c Release --project samples/Train [FOLDER]
using System.Text.Json.Nodes;
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Runs;

if (args.Length > 1 || args is [['-', ..]])
{
    Console.Error.WriteLine("usage: Train [FOLDER]");
    return 2;
}
try
{
    using var backend = DeviceCatalog.Open("auto");
    var data = Dataset.Open(path: null, new DatasetOptions(Limit: 1024));
    var config = NetworkCatalog.FindUNet("demo") with { ModelChannels = 16 };
    var options = new TeacherOptions { Steps = 200, Batch = 16, EmaDecay = 0.98 };

    // What a resumed run must have in common with the one before.
    var asked = new JsonObject { ["kind"] = "train", ["network"] = JsonNode.Parse(config.ToJson()), ["teacher"] = RunJson.ToNode(options) };
    var folder = RunFolder.Open(args.Length > 0 ? args[0] : "runs/sample", asked.WithData(data), resume: true);

    using var network = new Network(backend, config, options.Seed);
    using var training = new TeacherTraining(network, data, options);
    var result = TrainingLoop.Run(training, folder, new LoopOptions { CheckpointEvery = 100 });
    Console.WriteLine($"{data.Count} images from {data.Name}; {network.Parameters.Count:N0} parameters on {backend.Name}");
    Console.WriteLine($"{result.Checkpoint}: {result.Step} updates, loss {result.FinalLoss:0.000}, {result.ImagesPerSecond:0} images/s");
    return 0;
}
catch (BDenseException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
