namespace BDense.Model.FileSystem;

/// <summary>
/// A file that is written through <see cref="Files"/>: each write that reaches the system, and each wait for the disk, is shown before.
/// </summary>
internal sealed class OutputFile(string path, FileMode mode, FileShare share) : Stream
{
    /// <summary>Of the buffer before it.</summary>
    public const int BufferBytes = 1 << 16;

    private readonly FileStream _file = new(path, mode, mode == FileMode.Append ? FileAccess.Write : FileAccess.ReadWrite, share,
        bufferSize: 0);

    public override bool CanRead => _file.CanRead;
    public override bool CanSeek => _file.CanSeek;
    public override bool CanWrite => _file.CanWrite;
    public override long Length => _file.Length;
    public override long Position { get => _file.Position; set => _file.Position = value; }

    /// <summary>Where the open file lies by the system's own account (Linux), with " (deleted)" behind where it lies nowhere.</summary>
    public string? Name => new FileInfo($"/proc/self/fd/{_file.SafeFileHandle.DangerousGetHandle()}").LinkTarget;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Files.Before(new FileChange(FileChangeKind.Write, path, buffer.Length));
        _file.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Nothing is held back here.</summary>
    public override void Flush()
    {
    }

    /// <summary>Waits until the disk has all that was written.</summary>
    public void FlushToDisk()
    {
        Files.Before(new FileChange(FileChangeKind.Flush, path));
        if (!Files.IsWatched)
            _file.Flush(flushToDisk: true);
    }

    public override int Read(byte[] buffer, int offset, int count) => _file.Read(buffer, offset, count);

    public override long Seek(long offset, SeekOrigin origin) => _file.Seek(offset, origin);

    public override void SetLength(long value)
    {
        Files.Before(new FileChange(FileChangeKind.Write, path));
        _file.SetLength(value);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _file.Dispose();
        base.Dispose(disposing);
    }
}
