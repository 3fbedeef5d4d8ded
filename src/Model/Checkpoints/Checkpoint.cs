using System.Security.Cryptography;
using System.Text;
using BDense.Kernels;
using BDense.Model.Networks;

namespace BDense.Model.Checkpoints;

/// <summary>
/// A network on disk: <c>model.safetensors</c> with PyTorch's names and layouts, and <c>config.json</c> beside it. The configuration is
/// also in the safetensors metadata (key <c>config</c>), so that the file alone is enough.
/// </summary>
public static class Checkpoint
{
    /// <summary>In a checkpoint's folder: the parameters and constants.</summary>
    public const string ModelFile = "model.safetensors";
    /// <summary>In a checkpoint's folder: the configuration.</summary>
    public const string ConfigFile = "config.json";
    private const string Extension = ".safetensors";
    private const string ConfigKey = "config";
    private const int NamesInMessage = 3;

    /// <summary>Writes the network; each file appears whole or not at all.</summary>
    /// <param name="path">A folder, made if it is not there; or a file name that ends in .safetensors.</param>
    /// <param name="network">What to write.</param>
    /// <param name="values">A flat buffer to write instead of the network's own values, such as their moving average; or none.</param>
    /// <param name="metadata">More entries for the file's metadata.</param>
    /// <exception cref="BDenseException">The path cannot be written.</exception>
    public static void Save(string path, INetwork network, Tensor? values = null, IReadOnlyDictionary<string, string>? metadata = null)
    {
        string json = network.Config.ToJson();
        var entries = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()) { [ConfigKey] = json };
        var tensors = Collect(network, (values ?? network.Parameters.Values).ToArray());
        if (IsFile(path))
        {
            SafeTensors.Write(path, tensors, entries);
            return;
        }
        SafeTensors.Write(Path.Combine(path, ModelFile), tensors, entries);
        AtomicFile.WriteText(Path.Combine(path, ConfigFile), json + "\n");
    }

    /// <summary>Reads a network.</summary>
    /// <param name="backend">Where it is to live.</param>
    /// <param name="path">A folder that <see cref="Save"/> wrote, diffusers' (<see cref="DiffusersFormat"/>), or a .safetensors
    /// file.</param>
    /// <exception cref="BDenseException">
    /// Nothing there, no configuration, a cut or lying file, or tensors that are missing, surplus or misshapen; names file and fault.
    /// </exception>
    public static INetwork Load(Backend backend, string path)
    {
        string file = ModelPath(path);
        var contents = SafeTensors.Read(file);
        var network = new Network(backend, Config(path, file, contents, backend.OnNotice), seed: null);
        try
        {
            Fill(network, contents, file);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Reads a checkpoint's values into a network that is there already.</summary>
    /// <exception cref="BDenseException">As <see cref="Load"/>.</exception>
    public static void LoadInto(INetwork network, string path)
    {
        string file = ModelPath(path);
        Fill(network, SafeTensors.Read(file), file);
    }

    /// <summary>
    /// SHA-256 of a network: of the file that holds its weights, and of its configuration, which may lie beside it and be edited.
    /// </summary>
    /// <param name="path">What it was loaded from.</param>
    /// <param name="config">As it was loaded.</param>
    /// <exception cref="BDenseException">Nothing there.</exception>
    public static string Fingerprint(string path, NetworkConfig config) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{FileDigests.Compute(ModelPath(path))}\n{config.ToJson()}")));

    private static bool IsFile(string path) => path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase);

    private static string ModelPath(string path)
    {
        if (File.Exists(path))
            return path;
        if (!Directory.Exists(path))
            throw new BDenseException($"there is no checkpoint {path}; give a folder with {ModelFile} in it, or a {Extension} file");
        string[] places = [ModelFile, Path.Combine(DiffusersFormat.UNetFolder, DiffusersFormat.WeightsFile), DiffusersFormat.WeightsFile];
        return places.Select(place => Path.Combine(path, place)).FirstOrDefault(File.Exists)
            ?? throw new BDenseException($"{path} is no checkpoint: there is no {string.Join(", no ", places)} in it");
    }

    /// <summary>
    /// A folder's config.json may be edited, so it counts there; a lone file's own metadata go before what lies beside it; and where
    /// there is neither, tensors that are exactly those of a known network name it.
    /// </summary>
    private static NetworkConfig Config(string path, string file, SafeTensorsFile contents, Action<string>? onNotice)
    {
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, ConfigFile);
        bool hasMetadata = contents.Metadata.TryGetValue(ConfigKey, out string? json);
        if (File.Exists(beside) && (!hasMetadata || path != file))
        {
            // Written by this program, the file's own metadata say more than diffusers' fields can.
            if (!DiffusersFormat.IsConfig(beside))
                return NetworkConfig.Read(beside);
            if (!hasMetadata)
                return DiffusersFormat.Read(beside);
        }
        if (hasMetadata)
            return NetworkConfig.FromJson(json!, $"{file} (metadata)");
        var known = NetworkCatalog.Identify(
            Renamed(contents.Tensors, name => UnetCuNames.NewName(DiffusersFormat.NewName(name)), file)
                .ToDictionary(t => t.Key, t => t.Value.Shape));
        if (known.Count == 0)
            throw new BDenseException(
                $"{file}: no configuration, and its tensors are not those of a known network; put a {ConfigFile} beside it");
        if (known.Count > 1)
            onNotice?.Invoke(
                FormattableString.Invariant(
                    $"{file}: its tensors are those of {string.Join(" and of ", known.Select(k => k.Name))}, which ")
                    + FormattableString.Invariant(
                        $"differ in dropout; {known[0].Config.Dropout} of {known[0].Name} is taken, and training ")
                    + $"alone heeds it; a {ConfigFile} beside the file ('bdense info --config {known[1].Name}') says otherwise");
        return known[0].Config;
    }

    private static List<(string Name, int[] Shape, float[] Data)> Collect(INetwork network, float[] flat)
    {
        if (!network.Parameters.All.Contains(network.HeadWeight))
            throw new BDenseException("a network with a folded head has no weights of its own to save; save its Clone()");
        var stored = network.Constants.ToDictionary(c => c.Name, c => c.Values);
        foreach (var p in network.Parameters.All)
        {
            var values = p.Layout.ToStored(p.Shape, flat.AsSpan(p.Offset, p.Shape.Length));
            int length = values.Length / p.StoredNames.Count;
            for (int part = 0; part < p.StoredNames.Count; part++)
                stored.Add(p.StoredNames[part], p.StoredNames.Count == 1 ? values : values[(part * length)..((part + 1) * length)]);
        }
        return [.. network.Keys.Select(k => (k.Name, k.Shape, stored[k.Name]))];
    }

    /// <summary>The tensors under the names that the networks here have for them.</summary>
    private static Dictionary<string, HostTensor> Renamed(IReadOnlyDictionary<string, HostTensor> tensors,
        Func<string, string> rename, string file)
    {
        var renamed = new Dictionary<string, HostTensor>(tensors.Count);
        foreach (var (name, tensor) in tensors)
        {
            if (!renamed.TryAdd(rename(name), tensor))
                throw new BDenseException($"{file}: {name} is there twice, also by the name {rename(name)}");
        }
        return renamed;
    }

    private static void Fill(INetwork network, SafeTensorsFile contents, string file)
    {
        var tensors = Renamed(contents.Tensors, network.Config.TensorName, file);
        var keys = network.Keys.ToDictionary(k => k.Name, k => k.Shape);
        // What a network can do without: constants that it knows itself.
        var optional = network.Constants.Where(c => c.Fixed).Select(c => c.Name).ToHashSet();
        var faults = new List<string>();
        Report("missing", keys.Keys.Where(k => !tensors.ContainsKey(k) && !optional.Contains(k)));
        Report("surplus",
            tensors.Where(t => !keys.ContainsKey(t.Key) && !SaddState.IsUnused(t.Key, t.Value.Shape, network.Config.Branches))
                .Select(t => t.Key));
        Report("misshapen", keys.Where(k => tensors.TryGetValue(k.Key, out var t) && !t.Shape.SequenceEqual(k.Value))
            .Select(k => $"{k.Key} is {Text(tensors[k.Key].Shape)}, expected {Text(k.Value)}"));
        if (faults.Count > 0)
            throw new BDenseException($"{file} does not fit the configured network: {string.Join("; ", faults)}");

        foreach (var constant in network.Constants)
        {
            if (!tensors.TryGetValue(constant.Name, out var stored))
                continue;
            if (constant.Fixed && !stored.Data.SequenceEqual(constant.Values))
                throw new BDenseException($"{file}: {constant.Name} is not the box filter [1,1], the only one there is");
            stored.Data.CopyTo(constant.Values, 0);
        }
        network.ConstantsChanged();

        var flat = new float[network.Parameters.Values.Length];
        foreach (var p in network.Parameters.All)
        {
            var stored = p.StoredNames.Count == 1 ? tensors[p.Name].Data : [.. p.StoredNames.SelectMany(name => tensors[name].Data)];
            p.Layout.FromStored(p.Shape, stored, flat.AsSpan(p.Offset, p.Shape.Length));
        }
        network.Parameters.Values.Upload(flat);

        void Report(string fault, IEnumerable<string> which)
        {
            var names = which.Order(StringComparer.Ordinal).ToArray();
            if (names.Length > 0)
            {
                string more = names.Length > NamesInMessage ? ", ..." : "";
                faults.Add($"{names.Length} {fault}: {string.Join(", ", names.Take(NamesInMessage))}{more}");
            }
        }

        static string Text(int[] shape) => $"[{string.Join(", ", shape)}]";
    }
}
