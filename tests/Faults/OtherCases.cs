using System.Text;
using System.Text.Json;
using BDense.Benchmarks.Gpu;
using BDense.Experiments;
using BDense.Experiments.Paper;
using BDense.Kernels;
using BDense.Kernels.Ilgpu.Tuning;
using BDense.Model.Autodiff;
using BDense.Tests.Metrics;
using BDense.Tests.Training;
using BDense.Training.Data;
using BDense.Training.Distillation;
using BDense.Training.Distillation.Methods.Sfd;
using BDense.Training.Metrics;
using BDense.Training.Runs;
using BDense.Training.Schedules;

namespace BDense.Tests.Faults;

/// <summary>Schedules, references and states of evaluations, noise, ONNX, kept results, tuning, benchmarks, and text in options.</summary>
internal static class OtherCases
{
    private static readonly double[] Errors = [0.5, 0.25];

    public static IReadOnlyList<ReaderCase> All { get; } =
    [
        Schedule("schedule of gits", new ScheduleFile(ScheduleFile.Gits, "ipndm", [80, 10, 1, 0.006], Source: "a fit")),
        Schedule("schedule of amed-fixed",
            new ScheduleFile(ScheduleFile.AmedFixed, ScheduleFile.AmedFixed, [80, 10, 1], [0.4, 0.5], [1, 0.9])),
        new("reference statistics", SampleFormat.Zip, folder =>
        {
            string file = folder["ref.npz"];
            ReferenceStatistics.Write(file, Collected(), "features", "data", (4, 4, 3));
            return new Sample(file, () => _ = ReferenceStatistics.Read(file).Sample?.Count);
        }),
        new("state of an evaluation", SampleFormat.Zip, folder =>
        {
            string file = folder["state.npz"];
            var options = new CollectOptions { Subject = "a model", StateFile = file, Batch = 4 };
            using var features = new TwoFeatures();
            float[] Images(int first, int n) => [.. Enumerable.Range(first, n * 48).Select(i => i % 7 * 0.1f)];
            FeatureCollection.Of(features, Images, (4, 4, 3), 8, options);
            return new Sample(file, () =>
            {
                // Nothing is left to do, and so nothing is written.
                var whole = FeatureCollection.Of(new TwoFeatures(), Images, (4, 4, 3), 8, options);
                _ = whole.Statistics.Covariance();
            });
        }),
        new("given noise", SampleFormat.Zip, folder =>
        {
            string file = folder["noise.npz"];
            Npz.Write(file, ("noise", new NpyArray([2, 3, 4, 4], new float[2 * 48])));
            return new Sample(file, () => _ = GivenNoise.Read(file, TinyRuns.Config));
        }),
        // A session takes some milliseconds to make.
        new("ONNX features", SampleFormat.Binary, folder =>
        {
            string file = folder.Write("x.onnx", TinyOnnx.ChannelMeans());
            return new Sample(file, () =>
            {
                using var features = new OnnxFeatures(file, 1);
                _ = features.Compute(new float[2 * 48], 4, 4, 3);
            });
        }) { Mutations = 150 },
        new("ONNX distance", SampleFormat.Binary, folder =>
        {
            string file = folder.Write("x.onnx", TinyOnnx.SquaredDistance());
            return new Sample(file, () =>
            {
                using var distance = new PerceptualLoss(file);
                _ = distance.Compute(new float[48], new float[48], new Shape(1, 4, 4, 3));
            });
        }) { Mutations = 150 },
        new("tuned tiles", SampleFormat.Json, folder =>
        {
            string file = folder["tune.json"];
            new TuningTable { [new("wgrad", Kernels.Precision.Bf16, 256, 2304, 2048, 9)] = new("128x128w64x32s3", 7) }.Write(file, "a GPU");
            return new Sample(file, () => _ = TuningTable.Read(file));
        }),
        new("cell of a study", SampleFormat.Json, folder =>
        {
            var plain = StudyVariant.All.First(v => v.IsBaseline);
            var other = StudyVariant.All.First(v => v.Baseline == plain.Name && !v.IsBaseline);
            StudyCell Cell(StudyVariant v) =>
                new(v.Name, v.Of(new SfdOptions { Batch = 2, Updates = 2 }, 1), Errors, Errors, Errors, Errors, Errors, double.NaN);
            string file = Record(folder, Cell(other));
            return new Sample(file,
                () => _ = BranchStudyResults.Tabulate(StudyVariant.All,
                    [Cell(plain), StudyCell.Read(file, StudyCell.NameOf(other.Name, 1), Errors.Length)]));
        }),
        new("stage of a reproduction", SampleFormat.Json, folder =>
        {
            string file = Record(folder, new MeasuredCell(new SfdOptions().Resolve(), Errors, Errors, 0.5, 12));
            return new Sample(file, () => RunJson.FromNode<MeasuredCell>(RunJson.Read(file), file).Require(Errors.Length, file));
        }),
        new("rows of a comparison", SampleFormat.Json, folder =>
        {
            var dims = new Dictionary<string, int> { ["m"] = 8, ["n"] = 8, ["k"] = 8 };
            var run = new GpuRun(GpuInputs.Quick(1), GpuTimer.Quick,
                [new GpuRow("a", GpuRows.ConvForward, "tf32", dims),
                    new GpuRow("b", GpuRows.TrainingStep, "tf32", dims, JsonSerializer.SerializeToElement(1))]);
            string file = folder.Write("rows.json", JsonSerializer.SerializeToUtf8Bytes(run, GpuReport.Json));
            return new Sample(file, () => _ = GpuRun.Read(file).Rows.Select(row => row["m"]).ToList());
        }),
        new("results of a comparison", SampleFormat.Json, folder =>
        {
            GpuResult result = new("a", "eager", 1, 1, 1, 60, 100, new Dictionary<string, float[]> { ["y"] = [1, 2] },
                null) { HostMilliseconds = 2, Clock = [1, 2] };
            GpuRow[] rows = [new("a", GpuRows.ConvForward, "tf32", new Dictionary<string, int> { ["m"] = 8 })];
            var report = new GpuReport(new Dictionary<string, string> { ["rerun"] = "x" }, [result, result with { Variant = "graph" }]);
            string file = folder.Write("ours.json", JsonSerializer.SerializeToUtf8Bytes(report, GpuReport.Json));
            return new Sample(file, () => _ = JoinCommand.Rows(rows, GpuReport.Read(file), report));
        }),
        Text("branch weights", "exponential:0.5,-1.25", text => BranchWeights.Parse(text).At([3.0, 2, 1], 0.5)),
        Text("fixed branch weights", "fixed:0.5,0.25", text => BranchWeights.Parse(text).At([3.0, 2, 1], 0.5)),
        Text("names of fusions", "usual,-adam", text => Fusions.Parse(text)),
        Text("numbers of evaluations", "2,3,4,5", text => Distill.ParseNfe(text)),
        Text("given noise levels", "given:80,10,1,0.006", text => ScheduleCatalog.Find(text).Grid(7)),
        Text("variants of a study", "quadrature,annealed", text => StudyVariant.Parse(text)),
    ];

    private static ReaderCase Schedule(string name, ScheduleFile schedule) => new(name, SampleFormat.Json, folder =>
    {
        string file = folder["schedule.json"];
        schedule.Write(file);
        return new Sample(file, () =>
        {
            var (solver, grid) = ScheduleFile.Read(file).Sampler(null, null);
            _ = solver.Evaluations(grid.Length - 1, false);
        });
    });

    /// <summary>What an option's text is read by.</summary>
    private static ReaderCase Text(string name, string text, Func<string, object> read) => new(name, SampleFormat.Text, folder =>
    {
        string file = folder.Write("text", Encoding.UTF8.GetBytes(text));
        return new Sample(file, () => read(File.ReadAllText(file)));
    });

    private static string Record<T>(TemporaryFolder folder, T record) =>
        folder.Write("record.json", Encoding.UTF8.GetBytes(RunJson.ToText(RunJson.ToNode(record))));

    private static FeatureCollection Collected()
    {
        var collection = new FeatureCollection(2);
        collection.Add([1, 2, 3, 5, 8, 13]);
        return collection;
    }

    /// <summary>The mean and the largest value of an image.</summary>
    private sealed class TwoFeatures : IImageFeatures
    {
        public string Name => "two";

        public string DistanceName => "distance";

        public int Dimension => 2;

        public float[] Compute(ReadOnlySpan<float> images, int height, int width, int channels)
        {
            var features = new List<float>();
            for (int length = height * width * channels; images.Length > 0; images = images[length..])
                features.AddRange(images[..length].ToArray().Average(), images[..length].ToArray().Max());
            return [.. features];
        }

        public void Dispose()
        {
        }
    }
}
