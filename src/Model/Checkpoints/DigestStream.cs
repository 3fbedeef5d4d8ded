using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace BDense.Model.Checkpoints;

/// <summary>
/// Writes on to another stream and digests what passes on a thread of its own: hashing then costs the writing thread a copy of the bytes,
/// and of arrays that stay as they are (<see cref="WriteUnchanging"/>) nothing. The other stream stays the caller's.
/// </summary>
internal sealed class DigestStream(Stream inner) : Stream
{
    private const int ChunkBytes = 1 << 20;

    // How far hashing may lag behind; a disk that is slower than it is what is usual.
    private const int MostChunks = 64;

    private const int LeastPiece = 1 << 16;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
    private int _filled;
    private BlockingCollection<Piece>? _queue;
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

    /// <summary>Writes numbers out of an array that nobody changes until the digest is there: they are digested where they are.</summary>
    public void WriteUnchanging(float[] data, int start, int count)
    {
        var bytes = MemoryMarshal.AsBytes(data.AsSpan(start, count));
        // Less is sooner copied than handed over.
        if (bytes.Length < LeastPiece)
        {
            Write(bytes);
            return;
        }
        inner.Write(bytes);
        HandOver();
        Queue(new Piece(null, data, start, count));
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    /// <summary>
    /// The digest of all that was written, in lower-case hexadecimal digits; nothing can be written after it. Hashing goes on beside
    /// whatever follows: it is waited for where the digest is.
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
        if (_filled == 0)
            return;
        Queue(new Piece(_chunk, null, 0, _filled));
        (_chunk, _filled) = (ArrayPool<byte>.Shared.Rent(ChunkBytes), 0);
    }

    private void Queue(in Piece piece)
    {
        if (_queue is null)
        {
            _queue = new BlockingCollection<Piece>(MostChunks);
            _worker = Task.Factory.StartNew(Digest, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        _queue.Add(piece);
    }

    private void Digest()
    {
        foreach (var piece in _queue!.GetConsumingEnumerable())
        {
            _hash.AppendData(piece.Bytes);
            if (piece.Copy is not null)
                ArrayPool<byte>.Shared.Return(piece.Copy);
        }
    }

    /// <summary>What is to be digested: a copy that goes back to its pool, or numbers of somebody's array.</summary>
    private readonly record struct Piece(byte[]? Copy, float[]? Data, int Start, int Count)
    {
        public ReadOnlySpan<byte> Bytes => Copy is not null ? Copy.AsSpan(Start, Count) : MemoryMarshal.AsBytes(Data.AsSpan(Start, Count));
    }
}
