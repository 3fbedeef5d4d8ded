using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BDense.Cli.Terminal;
using BDense.Kernels;
using BDense.Model.Autodiff;
using BDense.Model.Checkpoints;
using BDense.Training.Runs;
using BDense.Training.Samplers;

namespace BDense.Cli.Verbs;

/// <summary><c>bdense sample</c>: a grid of images from a teacher with any solver, or from a student as it was distilled.</summary>
internal static class Sample
{
    public static Verb Verb(Ui ui)
    {
        var model = new Option<string>("--model")
        {
            Description = "A run folder, a checkpoint folder or a .safetensors file.",
            HelpName = "PATH",
            Required = true,
        };
        var noise = new Option<string?>("--noise")
        {
            Description = "Standard normal noise to start from, in place of the seed's: .npz (array 'noise') or .npy, N x C x H x W.",
            HelpName = "FILE",
        };
        var raw = new Option<string?>("--raw")
        {
            Description = "Also write the images as they are, float32 N x C x H x W, while they are made: .npz (array 'images'; of a "
                + "class-conditional network 'labels' too) or .npy.",
            HelpName = "FILE",
        };
        var fuse = CommonOptions.Fuse();
        var graph = CommonOptions.Graph();
        var count = Numbers.Int("--count", "Images.", 64, min: 1, max: Most.Images);
        var batch = Numbers.Int("--batch", "Images at once; changes memory, not the images.", 64, min: 1, max: Most.Batch);
        var output =
            CommonOptions.Out(
                $"A PNG with a grid of the first {SampleFiles.GridImages} images; or, for each as a PNG of its own, a folder with / at "
                    + $"the end, or a name with a number as %05d.", "samples.png");
        var (group, draw) = (new SamplerGroup(), new DrawGroup());
        var device = CommonOptions.Device();
        var threads = CommonOptions.Threads();
        var precision = CommonOptions.Precision();
        var json = CommonOptions.Json();
        var command = new Command("sample", "Samples images and writes them: a grid, single pictures, raw numbers.")
        {
            model,
        };
        group.AddTo(command);
        draw.AddTo(command);
        foreach (var option in new Option[] { noise, raw, fuse, graph, count, batch, output, device, threads, precision, json })
            command.Options.Add(option);
        command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
        return new Verb(command, "bdense sample --model runs/teacher --preset edm --out teacher.png",
            "bdense sample --model runs/teacher --solver dpmpp3m --steps 12 --seeds 0-63 --out teacher.png",
            "bdense sample --model runs/sfd-k4 --count 50000 --out pictures/ --raw images.npz",
            "bdense sample --model export/k4 --out student.png");

        int Run(ParseResult parse, CancellationToken cancellation)
        {
            ui.JsonOnly = parse.GetValue(json);
            var fusions = Fusions.Parse(parse.GetValue(fuse)!);
            using var backend = parse.Open(device, threads, precision);
            string path = parse.GetValue(model)!, png = parse.GetValue(output)!;
            var pictures = PictureName.Parse(png);
            PictureName.RequirePng(png);
            if (parse.GetValue(raw) is { } arrays)
                PictureName.RequireArray(arrays);
            foreach (string place in new[] { pictures is null ? png : null, parse.GetValue(raw) }.OfType<string>())
                AtomicFile.RequirePlace(place);
            if (pictures is not null)
                AtomicFile.ClearDead(pictures.Folder);
            var (draws, seeded) = draw.Read(parse, count);
            using var saved = SavedSampler.Load(backend, path, group.Read(parse, [path]), cancellation: cancellation);
            var (network, evaluations) = (saved.Network, saved.Evaluations);
            network.Execution = parse.Execution(ui, backend, fusions, recompute: false, graph);
            var (given, labels) = parse.GetValue(noise) is { } file ? GivenNoise.Read(file, network.Config) : (null, null);
            if (given is not null && draws.Seeds is not null)
                throw new UsageException("--seeds and --noise both say what the images are made from; give one");
            if (labels is not null && draws.Class is not null)
                throw new UsageException($"--class: {parse.GetValue(noise)} has labels of its own");
            draws = draws with { Noise = given, Classes = labels };
            draws.RequireClasses(network, path);
            int length = network.Config.Resolution * network.Config.Resolution * network.Config.ImageChannels;
            if (given is not null && parse.GetResult(count) is { Implicit: false } && parse.GetValue(count) != given.Length / length)
                throw new UsageException(
                    $"--count {parse.GetValue(count)}: {parse.GetValue(noise)} has noise for {given.Length / length} images");
            int n = seeded ?? (given is null ? parse.GetValue(count) : given.Length / length);
            int atOnce = Math.Min(n, parse.GetValue(batch));
            MemoryNeeds.Require(backend, MemoryNeeds.OfSampling(network.Config, atOnce, backend),
                $"sampling {atOnce} images at once",
                "a smaller --batch");
            var size = (network.Config.Resolution, network.Config.Resolution, network.Config.ImageChannels);
            var waited = backend.Waited;
            var clock = Stopwatch.StartNew();
            ui.Stage("sample", n, report =>
            {
                var images = Sampling.Stream(network, saved.Sampler, draws, n, parse.GetValue(batch), saved.Sigma,
                    done => report(done, $"NFE {evaluations}"), cancellation);
                if (parse.GetValue(raw) is { } rawFile)
                    images = images.Raw(rawFile, n, size);
                // Last: a picture that fails leaves the numbers.
                images = pictures is null ? images.Grid(png, size) : images.Pictures(pictures, size);
                images(_ => { });
                return n;
            });
            double seconds = clock.Elapsed.TotalSeconds;
            // Of a network evaluation; the host's part is what it did not wait for the device.
            double passes = Math.Max(1.0, (double)evaluations * ((n + parse.GetValue(batch) - 1) / parse.GetValue(batch))),
                step = 1000 * seconds / passes,
                host = step - (backend.Waited - waited).TotalMilliseconds / passes;
            string arguments =
                $"{group.Arguments(saved.Options)} {draw.Arguments(draws, n)}"
                    + $"{(given is null ? "" : $" --noise {SamplerGroup.Quoted(parse.GetValue(noise)!)}")}";
            ui.Json(new
            {
                model = path,
                device = backend.Name,
                count = n,
                nfe = evaluations,
                method = saved.Title,
                sampler = RunJson.ToNode(saved.Options),
                sigmas = saved.Grid,
                seed = draws.Seeds is null ? draws.Seed : (ulong?)null,
                seeds = draws.Seeds?.Text,
                @class = draws.Class,
                noise = parse.GetValue(noise),
                arguments,
                seconds,
                imagesPerSecond = n / seconds,
                stepMilliseconds = step,
                hostMilliseconds = host,
                graph = network.Execution.Graph,
                @out = Path.GetFullPath(png),
                raw = parse.GetValue(raw) is { } written ? Path.GetFullPath(written) : null,
            });
            ui.Line(string.Create(CultureInfo.InvariantCulture,
                $"{n} images at NFE {evaluations} in {seconds:0.0} s, {step:0.0} ms an evaluation, {host:0.0} of them the host's: {png}"));
            ui.Line($"{saved.Title}: {arguments}");
            if (pictures is null && n > SampleFiles.GridImages)
                ui.Line($"the grid shows the first {SampleFiles.GridImages}; --out FOLDER/ writes each, --raw FILE.npz the numbers");
            return 0;
        }
    }
}
