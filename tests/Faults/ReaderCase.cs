namespace BDense.Tests.Faults;

/// <summary>
/// A reader: how a whole sample comes about, and how it is read. Each call of <see cref="Open"/> has a folder of its own.
/// </summary>
/// <param name="Name">Of the reader.</param>
/// <param name="Format">Of the sample.</param>
/// <param name="Open">Writes what is needed into the folder and returns the file to damage and how to read it.</param>
internal sealed record ReaderCase(string Name, SampleFormat Format, Func<TemporaryFolder, Sample> Open)
{
    /// <summary>Mutations in an ordinary run; fewer where one reading takes long.</summary>
    public int Mutations { get; init; } = 500;

    public override string ToString() => Name;
}

/// <summary>A file that will be damaged.</summary>
/// <param name="File">Its path.</param>
/// <param name="Read">Reads it, and whatever lies around it, as the project does.</param>
/// <param name="Other">Another sample of the format, for splices; none for the same.</param>
internal sealed record Sample(string File, Action Read, byte[]? Other = null)
{
    /// <summary>What is to be given back at the end.</summary>
    public Action? Close { get; init; }
}
