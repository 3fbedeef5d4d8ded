using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace BDense.Model;

/// <summary>
/// Writes on to another stream and digests what passes on a thread of its own: hashing then costs the writing thread a copy of the bytes. The
/// other stream stays the caller's.
/// </summary>
internal sealed class DigestStream(Stream inner) : Stream
{
    private const int ChunkBytes = 1 << 20;

    // How far hashing may lag behind; a disk that is slower than it is what is usual.
    private const int MostChunks = 64;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
    private int _filled;
    private BlockingCollection<(byte[] Bytes, int Count)>? _queue;
    private Task? _worker;
    private Task<string>? _completed;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner.Write(buffer);
        while (buffer.Length > 0)
        {
            int n = Math.Min(buffer.Length, ChunkBytes - _filled);
            buffer[..n].CopyTo(_chunk.AsSpan(_filled));
            buffer = buffer[n..];
            if ((_filled += n) == ChunkBytes)
                HandOver();
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    /// <summary>
    /// The digest of all that was written, in lower-case hexadecimal digits; nothing can be written after it. Hashing goes on beside whatever
    /// follows: it is waited for where the digest is.
    /// </summary>
    public Task<string> Complete()
    {
        // A file of less than a chunk, as texts are, needs no thread.
        if (_queue is null)
            return Task.FromResult(End());
        _queue.CompleteAdding();
        return _completed = _worker!.ContinueWith(worker =>
        {
            worker.GetAwaiter().GetResult();
            string digest = End();
            Free();
            return digest;
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && _completed is null)
        {
            // Writing failed and nobody asked for the digest: the thread must end before what it uses goes.
            _queue?.CompleteAdding();
            _worker?.GetAwaiter().GetResult();
            Free();
        }
        base.Dispose(disposing);
    }

    private string End()
    {
        _hash.AppendData(_chunk, 0, _filled);
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    private void Free()
    {
        _queue?.Dispose();
        _hash.Dispose();
        ArrayPool<byte>.Shared.Return(_chunk);
        _chunk = [];
    }

    private void HandOver()
    {
        if (_queue is null)
        {
            _queue = new BlockingCollection<(byte[], int)>(MostChunks);
            _worker = Task.Factory.StartNew(Digest, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        _queue.Add((_chunk, _filled));
        (_chunk, _filled) = (ArrayPool<byte>.Shared.Rent(ChunkBytes), 0);
    }

    private void Digest()
    {
        foreach (var (bytes, count) in _queue!.GetConsumingEnumerable())
        {
            _hash.AppendData(bytes, 0, count);
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
