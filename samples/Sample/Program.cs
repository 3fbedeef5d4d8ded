// Samples a picture from whatever is given: a run's folder (of a teacher or of a student), a checkpoint's, or a .safetensors file.
// dotnet run -c Release --project samples/Sample MODEL [PICTURE.png]
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Training.Samplers;

if (args.Length is < 1 or > 2 || args[0].StartsWith('-'))
{
    Console.Error.WriteLine("usage: Sample MODEL [PICTURE.png], where MODEL is a run's folder, a checkpoint's, or a .safetensors file");
    return 2;
}
string picture = args.Length > 1 ? args[1] : "sample.png";
try
{
    using var backend = DeviceCatalog.Open("auto");
    // A student samples as it was distilled; a teacher with a solver, here DPM-Solver++(3M).
    var options = SavedSampler.IsStudent(args[0]) ? new SamplerOptions() : new SamplerOptions { Solver = "dpmpp3m", Steps = 12 };
    using var model = SavedSampler.Load(backend, args[0], options);

    // Image i depends on the seed and i alone, not on the batch.
    var draws = ImageDraws.Of(seed: 1);
    var c = model.Network.Config;
    Sampling.Stream(model.Network, model.Sampler, draws, count: 16, batch: 16, model.Sigma)
        .Grid(picture, (c.Resolution, c.Resolution, c.ImageChannels))(_ => { });
    Console.WriteLine(
        $"{picture}: 16 images of {c.Resolution} x {c.Resolution} x {c.ImageChannels}; {model.Title}, {model.Evaluations} evaluations");
    return 0;
}
catch (BDenseException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
