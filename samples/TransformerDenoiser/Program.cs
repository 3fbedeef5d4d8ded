// A network of one's own from configuration to picture: registered, trained, saved, loaded, distilled to two heads, sampled.
// dotnet run -c Release --project samples/TransformerDenoiser [PICTURE.png]
using BDense.Kernels;
using BDense.Kernels.Devices;
using BDense.Model.Checkpoints;
using BDense.Model.Networks;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Runs;
using BDense.Training.Samplers;
using BDense.TransformerDenoiser;

if (args.Length > 1 || args is [['-', ..]])
{
    Console.Error.WriteLine("usage: TransformerDenoiser [PICTURE.png]");
    return 2;
}
string picture = args.Length > 0 ? args[0] : "transformer.png";
try
{
    // From here on checkpoints that say "family": "transformer" can be loaded.
    NetworkCatalog.Register<TransformerConfig>(TransformerConfig.Name);
    using var backend = DeviceCatalog.Open("auto");
    var data = Dataset.Open(path: null, new DatasetOptions(Limit: 1024));

    using var network = new Network(backend, new TransformerConfig { Resolution = data.Height }, seed: 1);
    var trained = Train(new TeacherTraining(network, data, new TeacherOptions
    {
        Steps = 400,
        Batch = 16,
        LearningRate = 2e-3,
        EmaDecay = 0,
    }));
    Console.WriteLine(
        $"{network.Parameters.Count:N0} parameters on {backend.Name}, {trained.Step} updates, loss {trained.FinalLoss:0.000}");

    string file = Path.ChangeExtension(picture, ".safetensors");
    Checkpoint.Save(file, network);
    using var teacher = Checkpoint.Load(backend, file);
    Console.WriteLine($"{file}: saved, and loaded as {teacher.Config.Family}");

    // SFD with the dense supervision of two branches: each student step learns both halves of the teacher's.
    var how = new SfdOptions { Branches = 2, Nfe = 2, Updates = 60, Batch = 16 };
    using var student = DistillationMethods.NewStudent(teacher, how);
    var distilled = Train(DistillationMethods.Create(student, teacher, data, how));
    Console.WriteLine($"a student of {student.Config.Branches} heads, {distilled.Step} iterations, loss {distilled.FinalLoss:0.000}");

    var sampler = Student.Of(student, how);
    var size = (data.Height, data.Width, data.Channels);
    Sampling.Stream(student, (x, labels, _) => sampler.Sample(x, labels), ImageDraws.Of(seed: 1), count: 16, batch: 16, sampler.StartSigma)
        .Grid(picture, size)(_ => { });
    Console.WriteLine($"{picture}: 16 images in {sampler.Evaluations} evaluations each, the two heads folded into one");
    return 0;
}
catch (BDenseException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

static RunResult Train(ITraining training)
{
    using (training)
        return TrainingLoop.Run(training);
}
