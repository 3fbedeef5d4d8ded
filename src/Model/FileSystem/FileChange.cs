namespace BDense.Model.FileSystem;

/// <summary>What is about to be done to the file system.</summary>
public enum FileChangeKind
{
    /// <summary>One folder is made.</summary>
    MakeFolder,

    /// <summary>A file is made, or opened to be written.</summary>
    Open,

    /// <summary>Bytes go to the system.</summary>
    Write,

    /// <summary>The disk is waited for.</summary>
    Flush,

    /// <summary>A file or a folder gets another name.</summary>
    Rename,

    /// <summary>A file, or a folder that is empty by then, goes.</summary>
    Delete,
}

/// <summary>One change of the file system.</summary>
/// <param name="Kind">What.</param>
/// <param name="Path">Of which file or folder; of a renaming the new name.</param>
/// <param name="Bytes">How many, of a write; else 0.</param>
public readonly record struct FileChange(FileChangeKind Kind, string Path, long Bytes = 0);
