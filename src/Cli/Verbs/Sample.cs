using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model;
using BDense.Training;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense sample</c>: a grid of images from a teacher with any solver, or from a student as it was distilled.</summary>
internal static class Sample
{
    public static Verb Verb(Ui ui)
    {
        var model = new Option<string>("--model") { Description = "A run folder, a checkpoint folder or a .safetensors file.", HelpName = "PATH", Required = true };
        var solver = new Option<string>("--solver") { Description = $"For a teacher: {string.Join(", ", Solvers.All.Select(s => s.Name))}.", HelpName = "NAME", DefaultValueFactory = _ => "dpmpp3m" };
        var steps = Numbers.Int("--steps", "For a teacher: solver steps. A student takes as many as it was distilled for.", 18, min: 1, max: Most.SolverSteps);
        var schedule = new Option<string>("--schedule") { Description = $"For a teacher: {string.Join(", ", Schedules.Names)}, or a file of 'bdense fit', which brings its steps and its solver.", HelpName = "NAME", DefaultValueFactory = _ => "polynomial" };
        var sigmaMin = Numbers.Real("--sigma-min", "For a teacher: the last noise level.", 0.006, min: 0, max: Most.Sigma);
        var sigmaMax = Numbers.Real("--sigma-max", "For a teacher: the first noise level.", 80, min: 0, max: Most.Sigma, above: true);
        var churn = Numbers.Real("--churn", "For heun: S_churn, fresh noise between steps; 0 for none.", 0, min: 0, max: Most.Sigma);
        var nfe = Numbers.OptionalInt("--nfe", "For a student of sfd-v: network evaluations, one of those it was distilled for.", min: 1, max: Most.Nfe);
        var threshold = Numbers.Real("--threshold", "Dynamic thresholding of the denoised image: the quantile, usually 0.995; 0 for none.", 0, min: 0, max: 1);
        var clip = new Option<bool>("--clip") { Description = "Clip the denoised image to [-1, 1] in every step, as progressive distillation samples." };
        var noise = new Option<string?>("--noise") { Description = "Standard normal noise to start from, in place of the seed's: .npz (array 'noise') or .npy, N x C x H x W.", HelpName = "FILE" };
        var raw = new Option<string?>("--raw") { Description = "Also write the images as they are, float32 N x C x H x W: .npz (array 'images').", HelpName = "FILE" };
        var folded = new Option<bool>("--folded") { Description = "For a student: sample through its folded heads, whatever --fuse says of folded-heads." };
        var fitted = new Option<bool>("--fitted") { Description = "For a student: with the steps that 'bdense fit' has fitted to its checkpoint." };
        var fuse = CommonOptions.Fuse();
        var graph = CommonOptions.Graph();
        var count = Numbers.Int("--count", "Images.", 64, min: 1, max: Most.Images);
        var batch = Numbers.Int("--batch", "Images at once; changes memory, and the images only with --churn.", 64, min: 1, max: Most.Batch);
        var output = CommonOptions.Out("PNG to write.", "samples.png");
        var seed = CommonOptions.Seed();
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("sample", "Samples images and writes a grid of them.")
        {
            model, solver, steps, schedule, sigmaMin, sigmaMax, churn, threshold, clip, nfe, folded, fitted, noise, raw, fuse, graph, count, batch, output, seed, device, threads, precision, json,
        };
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return new Verb(command, "bdense sample --model runs/teacher --solver heun --steps 18 --out teacher.png",
            "bdense sample --model runs/sfd-k4 --count 100 --out student.png");

        int Run(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            var fusions = Fusions.Parse(parse.GetValue(fuse)!);
            using var backend = parse.Open(device, threads, precision);
            string path = parse.GetValue(model)!, png = parse.GetValue(output)!;
            bool isStudent = Student.IsStudent(path);
            foreach (var option in isStudent ? new Option[] { solver, steps, schedule, sigmaMin, sigmaMax, churn } : [folded, fitted, nfe])
            {
                if (parse.GetResult(option) is { Implicit: false })
                {
                    throw new UsageException(isStudent
                        ? $"{option.Name} is for a teacher; {path} is a student and samples as it was distilled"
                        : $"{option.Name} is for a student; {path} is not one");
                }
            }

            double quantile = parse.GetValue(threshold);
            if (quantile != 0)
                Solvers.RequireQuantile(quantile);
            if (quantile != 0 && parse.GetValue(clip))
                throw new UsageException("--threshold and --clip are two ways for one thing; give one");
            if (parse.GetValue(fitted) && (quantile != 0 || parse.GetValue(clip) || parse.GetValue(folded)))
                throw new UsageException("--fitted steps are over all heads as they are; give it without --folded, --threshold and --clip");
            Sampler sampler;
            UNet network;
            int evaluations;
            double sigma;
            if (isStudent)
            {
                var student = Student.Load(backend, path, parse.GetValue(nfe), quantile > 0 ? quantile : parse.GetValue(clip) ? 0 : null, parse.GetValue(fitted));
                bool fold = parse.GetValue(folded);
                (network, evaluations, sigma) = (student.Network, student.Evaluations, student.StartSigma);
                sampler = (x, labels) => fold ? student.SampleFolded(x, labels, cancellation) : student.Sample(x, labels, cancellation: cancellation);
            }
            else
            {
                network = TrainedNetwork.Load(backend, path);
                if (network.Config.Branches > 1)
                    throw new BDenseException($"{path} has {network.Config.Branches} branches; sample it through its run folder, which knows their noise levels");
                var (method, grid) = SolverAndGrid(parse);
                double amount = parse.GetValue(churn);
                if (amount > 0 && method.Name != "heun")
                    throw new UsageException($"--churn is for --solver heun, not {method.Name}");
                (evaluations, sigma) = (method.Evaluations(grid.Length - 1), grid[0]);
                SolverFunction solve = quantile > 0 ? (d, x, t, o) => method.Run(Solvers.DynamicThreshold(d, quantile), x, t, o)
                    : parse.GetValue(clip) ? (d, x, t, o) => method.Run(Solvers.Clip(d), x, t, o) : method.Run;
                sampler = Sampling.With(network, solve, grid, new SolverOptions
                {
                    Churn = amount > 0 ? new Churn(amount, Key: new RandomKey(parse.GetValue(seed), ChurnStream)) : null,
                    Cancellation = cancellation,
                });
            }

            using var owned = network;
            network.Execution = parse.Execution(ui, backend, fusions, recompute: false, graph);
            float[]? given = parse.GetValue(noise) is { } file ? GivenNoise.Read(file, network.Config) : null;
            int length = network.Config.Resolution * network.Config.Resolution * network.Config.ImageChannels;
            if (given is not null && parse.GetResult(count) is { Implicit: false } && parse.GetValue(count) != given.Length / length)
                throw new UsageException($"--count {parse.GetValue(count)}: {parse.GetValue(noise)} has noise for {given.Length / length} images");
            int n = given is null ? parse.GetValue(count) : given.Length / length;
            var waited = backend.Waited;
            var clock = Stopwatch.StartNew();
            float[] images = ui.Stage("sample", n, report => Sampling.Generate(network, sampler, n, parse.GetValue(batch), parse.GetValue(seed), sigma,
                done => report(done, $"NFE {evaluations}"), cancellation, given));
            double seconds = clock.Elapsed.TotalSeconds;
            // Of a network evaluation; the host's part is what it did not wait for the device.
            double passes = Math.Max(1.0, (double)evaluations * ((n + parse.GetValue(batch) - 1) / parse.GetValue(batch))), step = 1000 * seconds / passes,
                host = step - (backend.Waited - waited).TotalMilliseconds / passes;
            var c = network.Config;
            ImageGrid.Write(png, c.Resolution, c.Resolution, c.ImageChannels,
                ImageGrid.Rows(images, images.Length / n, (int)Math.Ceiling(Math.Sqrt(n))));
            if (parse.GetValue(raw) is { } rawFile)
                GivenNoise.Write(rawFile, images, c);
            ui.Json(new { model = path, device = backend.Name, count = n, nfe = evaluations, seconds, imagesPerSecond = n / seconds, stepMilliseconds = step, hostMilliseconds = host, graph = network.Execution.Graph, @out = Path.GetFullPath(png) });
            ui.Line(string.Create(CultureInfo.InvariantCulture, $"{n} images at NFE {evaluations} in {seconds:0.0} s, {step:0.0} ms an evaluation, {host:0.0} of them the host's: {png}"));
            return 0;
        }

        (Solver, double[]) SolverAndGrid(ParseResult parse)
        {
            string on = parse.GetValue(schedule)!;
            if (!ScheduleFile.IsFile(on))
                return (Solvers.Find(parse.GetValue(solver)!), Schedules.Find(on, parse.GetValue(sigmaMin), parse.GetValue(sigmaMax)).Grid(parse.GetValue(steps) + 1));
            foreach (var option in new[] { sigmaMin, sigmaMax })
            {
                if (parse.GetResult(option) is { Implicit: false })
                    throw new UsageException($"{option.Name}: {on} has noise levels of its own");
            }
            return ScheduleFile.Read(on).Sampler(parse.GetResult(solver) is { Implicit: false } ? parse.GetValue(solver) : null, parse.GetResult(steps) is { Implicit: false } ? parse.GetValue(steps) : null);
        }
    }

    private const uint ChurnStream = 0x5A000002;
}
