using System.Diagnostics;
using System.Text;
using BDense.Kernels;
using BDense.Kernels.Reference;

namespace BDense.Processes.Mpi;

/// <summary>Over the system's MPI, for backends whose tensors lie in the host's memory; others' go through a copy there.</summary>
/// <remarks>
/// Calls are the non-blocking ones, asked again and again whether they are done: so a wait has an end, and processes that share a core do
/// not spin on it.
/// </remarks>
public sealed unsafe class MpiCollectives : Collectives
{
    // MPI_THREAD_SERIALIZED is another number in each binary interface; a call from one thread at a time needs no more than the least.
    private const int Single = 0;

    private readonly MpiLibrary _mpi;
    private readonly int _rank, _size;
    private bool _left;

    /// <summary>Joins the processes that the launcher started.</summary>
    /// <param name="world">What the launcher said.</param>
    /// <exception cref="BDenseException">No library, or one that knows of other processes than the launcher.</exception>
    public MpiCollectives(World world)
    {
        _mpi = MpiLibrary.Load(world.Launcher);
        int provided = 0, rank = 0, size = 0;
        Check(_mpi.InitThread(0, 0, Single, &provided), "MPI_Init_thread");
        Check(_mpi.Rank(_mpi.Handles.World, &rank), "MPI_Comm_rank");
        Check(_mpi.Size(_mpi.Handles.World, &size), "MPI_Comm_size");
        Check(_mpi.SetErrorHandler(_mpi.Handles.World, _mpi.Handles.ErrorsReturn), "MPI_Comm_set_errhandler");
        (_rank, _size) = (rank, size);
        if ((rank, size) != (world.Rank, world.Size))
        {
            _ = _mpi.Finalize();
            throw new BDenseException($"{world.Launcher ?? "the environment"} says process {world.Rank} of {world.Size}, {_mpi.Name} says "
                + $"{rank} of {size}: start it with that library's own mpirun");
        }
    }

    /// <inheritdoc/>
    public override int Rank => _rank;

    /// <inheritdoc/>
    public override int Size => _size;

    /// <inheritdoc/>
    public override string Description => $"MPI, {_mpi.Version()}";

    /// <inheritdoc/>
    public override void SumFast(Tensor x) => OnHost(x, pointer =>
    {
        nint request = 0;
        Check(_mpi.BeginSum(_mpi.Handles.InPlace, (void*)pointer, x.Length, _mpi.Handles.Float, _mpi.Handles.Sum, _mpi.Handles.World,
            &request), "MPI_Iallreduce");
        Await(request, "a sum");
    });

    /// <inheritdoc/>
    public override void Broadcast(Tensor x, int root = 0) => OnHost(x, pointer => Broadcast((void*)pointer, x.Length,
        _mpi.Handles.Float, root));

    /// <inheritdoc/>
    public override byte[][] GatherBytes(ReadOnlySpan<byte> mine)
    {
        var lengths = new int[_size];
        lengths[_rank] = mine.Length;
        fixed (int* pointer = lengths)
            Gather(pointer, [.. Enumerable.Repeat(1, _size)], [.. Enumerable.Range(0, _size)], _mpi.Handles.Int);
        var starts = new int[_size];
        for (int p = 1; p < _size; p++)
            starts[p] = checked(starts[p - 1] + lengths[p - 1]);
        var all = new byte[Math.Max(1, checked(starts[^1] + lengths[^1]))];
        mine.CopyTo(all.AsSpan(starts[_rank]));
        fixed (byte* pointer = all)
            Gather(pointer, lengths, starts, _mpi.Handles.Byte);
        return [.. Enumerable.Range(0, _size).Select(p => all[starts[p]..(starts[p] + lengths[p])])];
    }

    /// <inheritdoc/>
    public override void Barrier()
    {
        nint request = 0;
        Check(_mpi.BeginBarrier(_mpi.Handles.World, &request), "MPI_Ibarrier");
        Await(request, "the others");
    }

    /// <inheritdoc/>
    public override void Abort(string cause)
    {
        Console.Error.WriteLine($"bdense: rank {_rank} of {_size}: {cause}");
        Console.Error.Flush();
        _left = true;
        _ = _mpi.Abort(_mpi.Handles.World, 1);
        Environment.Exit(1);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_left)
            return;
        _left = true;
        _ = _mpi.Finalize();
    }

    private protected override void Exchange(Tensor x, Parts parts, Tensor received) => OnHost(x, from => OnHost(received, to =>
    {
        var (sent, starts) = Layout(parts);
        int mine = parts.Length(_rank);
        int[] got = [.. Enumerable.Repeat(mine, _size)], places = [.. Enumerable.Range(0, _size).Select(p => p * mine)];
        nint request = 0;
        fixed (int* a = sent, b = starts, c = got, d = places)
        {
            Check(_mpi.BeginExchange((void*)from, a, b, _mpi.Handles.Float, (void*)to, c, d, _mpi.Handles.Float, _mpi.Handles.World,
                &request), "MPI_Ialltoallv");
            Await(request, "a sum's parts");
        }
    }));

    private protected override void GatherParts(Tensor x, Parts parts) => OnHost(x, pointer =>
    {
        var (lengths, starts) = Layout(parts);
        Gather((void*)pointer, lengths, starts, _mpi.Handles.Float);
    });

    private (int[] Lengths, int[] Starts) Layout(Parts parts) =>
        ([.. Enumerable.Range(0, _size).Select(parts.Length)], [.. Enumerable.Range(0, _size).Select(parts.Start)]);

    private void Gather(void* all, int[] lengths, int[] starts, nint type)
    {
        nint request = 0;
        fixed (int* a = lengths, b = starts)
        {
            Check(_mpi.BeginGather(_mpi.Handles.InPlace, 0, type, all, a, b, type, _mpi.Handles.World, &request), "MPI_Iallgatherv");
            Await(request, "the others' parts");
        }
    }

    private void Broadcast(void* x, int length, nint type, int root)
    {
        nint request = 0;
        Check(_mpi.BeginBroadcast(x, length, type, root, _mpi.Handles.World, &request), "MPI_Ibcast");
        Await(request, $"what rank {root} sends");
    }

    /// <summary>Runs <paramref name="body"/> on the address of a tensor's elements in the host's memory, which it may change.</summary>
    private static void OnHost(Tensor x, Action<nint> body)
    {
        if (x.Backend is ReferenceBackend)
        {
            fixed (float* pointer = ReferenceBackend.Values(x))
                body((nint)pointer);
            return;
        }
        var copy = x.ToArray();
        fixed (float* pointer = copy)
            body((nint)pointer);
        x.Upload(copy);
    }

    /// <summary>Waits, at first on the core, then leaving it to others.</summary>
    private void Await(nint request, string what)
    {
        long start = Stopwatch.GetTimestamp();
        for (int looks = 0; ; looks++)
        {
            int done = 0;
            Check(_mpi.Test(&request, &done, _mpi.Handles.IgnoreStatus), "MPI_Test");
            if (done != 0)
                return;
            if (looks < 64)
                Thread.SpinWait(32);
            else
                Thread.Yield();
            if (looks % 1024 == 1023 && Stopwatch.GetElapsedTime(start) > Patience)
                throw new BDenseException($"waited {Patience.TotalSeconds:0} s for {what}: another process hangs or is gone");
        }
    }

    private void Check(int code, string call)
    {
        if (code == 0)
            return;
        byte* text = stackalloc byte[1024];
        int length = 0;
        _ = _mpi.ErrorString(code, text, &length);
        throw new BDenseException($"{call}: {Encoding.UTF8.GetString(text, Math.Clamp(length, 0, 1023)).Split('\n')[0]}");
    }
}
