namespace BDense.Model;

/// <summary>A file that is written through <see cref="Files"/>: each write that reaches the system, and each wait for the disk, is shown before.</summary>
internal sealed class OutputFile(string path, FileMode mode, FileShare share)
    : FileStream(path, mode, mode == FileMode.Append ? FileAccess.Write : FileAccess.ReadWrite, share, bufferSize: 0)
{
    /// <summary>Of the buffer before it.</summary>
    public const int BufferBytes = 1 << 16;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Files.Before(new FileChange(FileChangeKind.Write, Name, buffer.Length));
        base.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    public override void Flush(bool flushToDisk)
    {
        if (!flushToDisk)
        {
            base.Flush(false);
            return;
        }
        Files.Before(new FileChange(FileChangeKind.Flush, Name));
        if (!Files.IsWatched)
            base.Flush(true);
    }
}
