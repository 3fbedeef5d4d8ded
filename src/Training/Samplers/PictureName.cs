using System.Globalization;
using System.Text.RegularExpressions;
using BDense.Kernels;
using BDense.Model.Checkpoints;

namespace BDense.Training.Samplers;

/// <summary>
/// Where images go that are written one by one: a folder, given with a closing slash or there already, takes <c>000000.png</c> and
/// following, as EDM's generate.py names them; or a name with one number in it as printf has it, <c>cat-%05d.png</c>.
/// </summary>
public sealed partial class PictureName
{
    private readonly string _before, _after;
    private readonly string _format;

    private PictureName(string before, string format, string after) => (_before, _format, _after) = (before, format, after);

    /// <summary>The path's meaning; none if it is one file's name.</summary>
    /// <exception cref="UsageException">It has several numbers, or a percent sign that is none.</exception>
    public static PictureName? Parse(string path)
    {
        if (path.EndsWith('/') || path.EndsWith(Path.DirectorySeparatorChar) || Directory.Exists(path))
            return new PictureName(Path.TrimEndingDirectorySeparator(path) + Path.DirectorySeparatorChar, "D6", ".png");
        string name = Path.GetFileName(path);
        if (!name.Contains('%', StringComparison.Ordinal))
            return null;
        var match = Number().Match(name);
        if (!match.Success || name.AsSpan(match.Index + match.Length).Contains('%') || name.AsSpan(0, match.Index).Contains('%'))
            throw new UsageException($"{path}: a name for many images has one number in it, as %05d");
        string folder = path[..^name.Length];
        return new PictureName(folder + name[..match.Index], match.Groups[1].Length == 0 ? "D" : "D" + match.Groups[1].Value,
            name[(match.Index + match.Length)..]);
    }

    /// <summary>Whether a path's ending is that of another kind of picture or data than the PNG that would be written.</summary>
    /// <exception cref="UsageException">It is.</exception>
    public static void RequirePng(string path)
    {
        string[] others = [".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".npz", ".npy", ".zip", ".safetensors"];
        string ending = Path.GetExtension(path).ToLowerInvariant();
        if (others.Contains(ending))
            throw new UsageException(
                $"--out {path}: pictures are written as PNG, not {ending}"
                    + $"{(ending.StartsWith(".np", StringComparison.Ordinal) ? "; arrays go to --raw" : "")}");
    }

    /// <summary>
    /// Whether a path says by its ending which of two kinds of array it is for; what is there and is no regular file needs none.
    /// </summary>
    /// <exception cref="UsageException">It does not.</exception>
    public static void RequireArray(string path)
    {
        bool says = path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase);
        if (!says && !AtomicFile.IsSpecial(path))
            throw new UsageException($"--raw {path}: arrays are written as .npz or .npy; end the name so");
    }

    /// <summary>The folder that the images go to.</summary>
    public string Folder => Path.GetDirectoryName(Path.GetFullPath(Of(0)))!;

    /// <summary>The path of image <paramref name="number"/>.</summary>
    public string Of(ulong number) => _before + number.ToString(_format, CultureInfo.InvariantCulture) + _after;

    [GeneratedRegex(@"%(?:0([1-9]))?d", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
