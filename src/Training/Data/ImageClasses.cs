using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// The classes of images in a folder or zip: what EDM's dataset.json says if it is there, else the folders that they lie in.
/// </summary>
/// <param name="Labels">The label of each image, from 0; null without classes.</param>
/// <param name="Names">Names of class folders by label; empty where there are none.</param>
internal sealed record ImageClasses(int[]? Labels, string[] Names)
{
    /// <summary>By folders: numbered in <see cref="NaturalOrder"/> of their names; all images in one folder have no classes.</summary>
    /// <param name="path">The dataset, for the notice.</param>
    /// <param name="images">All images of the dataset (paths with /), before any limit: numbers must not depend on it.</param>
    /// <param name="onNotice">Told where folders look like classes and are none.</param>
    public static ImageClasses OfFolders(string path, IReadOnlyList<string> images, Action<string>? onNotice)
    {
        string[] folders = [.. images.Select(image => Path.GetDirectoryName(image)!)];
        string[] names = [.. folders.Distinct().Order(NaturalOrder.Instance)];
        if (names.Length == 1)
            return new ImageClasses(null, []);
        if (EdmLabels.IsStorage(images))
        {
            onNotice?.Invoke(
                Printable.Text(
                    $"{path}: the folders are EDM's storage, not classes, and there is no {EdmLabels.FileName}: the images "
                        + $"have no labels"));
            return new ImageClasses(null, []);
        }
        var numbers = names.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        return new ImageClasses([.. folders.Select(folder => numbers[folder])], names);
    }
}
