using System.CommandLine;
using BDense.Cli.Terminal;
using BDense.Kernels;

namespace BDense.Cli.Verbs.Datasets;

/// <summary><c>bdense data sources</c>: where published datasets come from, under which licence, and what to type for each.</summary>
internal static class Sources
{
    public static Verb Verb(Ui ui)
    {
        var name = new Argument<string?>("NAME")
        {
            Description = $"One of {string.Join(", ", PublishedDataset.All.Select(d => d.Name))}; all without it.",
            DefaultValueFactory = _ => null,
        };
        var json = CommonOptions.Json();
        var command = new Command("sources", "Says where published datasets come from, their size and licence, and what to type.")
        {
            name, json,
        };
        command.SetAction(parse => Run(ui, parse.GetValue(name), parse.GetValue(json)));
        return new Verb(command, "bdense data sources", "bdense data sources ffhq");
    }

    public static void Run(Ui ui, string? name, bool json)
    {
        ui.JsonOnly = json;
        PublishedDataset[] shown = name is null ? [.. PublishedDataset.All] : [PublishedDataset.Find(name)];
        ui.Json(new { datasets = shown });
        foreach (var dataset in shown)
        {
            ui.Line($"{dataset.Name}: {dataset.What}");
            ui.Line($"  from     {dataset.Address}");
            ui.Line($"  size     {dataset.Size}");
            ui.Line($"  licence  {dataset.Licence}");
            foreach (var (i, line) in dataset.Commands.Index())
                ui.Line($"  {(i == 0 ? "type" : "    ")}     {line}");
            if (dataset.Note is { } note)
                ui.Line($"  note     {note}");
        }
        ui.Line("bdense downloads nothing itself. EDM's reference statistics for FID: https://nvlabs-fi-cdn.nvidia.com/edm/fid-refs/");
    }
}

/// <summary>A dataset that others publish. None of it is ours to give: an address, and what to type.</summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="What">Its images and classes.</param>
/// <param name="Address">Where to get it.</param>
/// <param name="Size">Of what is to be downloaded.</param>
/// <param name="Licence">As its authors state it.</param>
/// <param name="Commands">From the download to the first training.</param>
/// <param name="Note">What to know besides.</param>
internal sealed record PublishedDataset(string Name, string What, string Address, string Size, string Licence, string[] Commands,
    string? Note = null)
{
    private const string Toronto = "https://www.cs.toronto.edu/~kriz/", Digits = "https://ossci-datasets.s3.amazonaws.com/mnist/";

    public static IReadOnlyList<PublishedDataset> All { get; } =
    [
        new("cifar10", "CIFAR-10, 50,000 images of 32 x 32 in 10 classes", $"{Toronto}cifar.html", "162 MB (binary version)",
            "none stated; its page asks to cite Krizhevsky 2009, Learning multiple layers of features from tiny images",
            [
                $"curl -O {Toronto}cifar-10-binary.tar.gz",
                "bdense train --data cifar-10-binary.tar.gz --network edm-cifar10 --flip --out runs/cifar10",
            ],
            "MD5 c32a1d4ab5d03f1284b67883e8d87530; the python version (163 MB) is read too"),
        new("mnist", "MNIST, 60,000 digits of 28 x 28, grey, in 10 classes",
            $"http://yann.lecun.com/exdb/mnist/, PyTorch's copy at {Digits}",
            "10 MB", "CC BY-SA 3.0 by Keras' documentation; its own page states none",
            [
                $"curl --create-dirs --output-dir mnist -O {Digits}train-images-idx3-ubyte.gz",
                $"curl --create-dirs --output-dir mnist -O {Digits}train-labels-idx1-ubyte.gz",
                "bdense train --data mnist --out runs/mnist",
            ]),
        new("ffhq", "Flickr-Faces-HQ, 70,000 faces of 1024 x 1024", "https://github.com/NVlabs/ffhq-dataset",
            "89.1 GB (images1024x1024)",
            "CC BY-NC-SA 4.0 for the dataset; each image has its own (CC BY, CC BY-NC, public domain, CC0, U.S. government works), in the "
                + "metadata",
            [
                "git clone https://github.com/NVlabs/ffhq-dataset",
                "cd ffhq-dataset && python download_ffhq.py --images",
                "bdense data prepare images1024x1024 --resolution 64 --unlabelled --out ffhq-64x64.zip",
                "bdense train --data ffhq-64x64.zip --network edm-ffhq64 --batch 256 --lr 0.0002 --out runs/ffhq",
            ],
            "its folders of 1,000 images are no classes: --unlabelled"),
        new("afhqv2", "Animal Faces-HQ v2, 15,803 faces of 512 x 512; cats, dogs, wild animals", "https://github.com/clovaai/stargan-v2",
            "not stated there", "CC BY-NC 4.0",
            [
                "git clone https://github.com/clovaai/stargan-v2",
                "cd stargan-v2 && bash download.sh afhq-v2-dataset",
                // EDM's README: dataset_tool.py --source=downloads/afhqv2 --dest=datasets/afhqv2-64x64.zip --resolution=64x64
                "bdense data prepare data/afhq_v2 --resolution 64 --unlabelled --out afhqv2-64x64.zip",
                "bdense train --data afhqv2-64x64.zip --network edm-afhqv2-64 --batch 256 --lr 0.0002 --out runs/afhqv2",
            ],
            "as EDM does: all of the folder that holds train and test, without classes. Labelled it would have six (train/cat, test/cat, "
                + "...): for the three leave --unlabelled out and prepare its train alone, 14,336 images"),
        new("imagenet64", "ImageNet (ILSVRC 2012), 1,281,167 photos of many sizes in 1,000 classes",
            "https://image-net.org/download.php, or https://www.kaggle.com/competitions/imagenet-object-localization-challenge/data; "
                + "both ask for an account",
            "148 GB (training images)", "for non-commercial research and education alone; you accept the terms before the download",
            [
                "bdense data prepare ILSVRC/Data/CLS-LOC/train --limit 170000 --crop center --resolution 64 --out imagenet-64x64.zip",
                "bdense train --data imagenet-64x64.zip --network edm-imagenet64 --out runs/imagenet",
            ],
            "--limit takes 170,000 evenly over all, of every class: datasets are read into one array of 2 GB, 174,762 images of 64 x 64 at "
                + "most"),
    ];

    /// <exception cref="UsageException">There is none of that name; the message lists those there are.</exception>
    public static PublishedDataset Find(string name) => All.FirstOrDefault(d => d.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UsageException(
            $"no source of a dataset '{name}' is known{Suggestion.OrAll(name, All.Select(d => d.Name))}; 'bdense data show' is for files");
}
