using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>
/// Kernels of the project as ILGPU writes them (Kernels/*.ptx): they compute what they should and nothing is found; then a barrier is taken
/// away, a wait is weakened, an allocation is too short or freed, and that is found.
/// </summary>
internal sealed class PlantedFaultTests
{
    private const int Size = 70;

    private Gpu _gpu = null!;

    [SetUp]
    public void MakeGpu() => _gpu = new Gpu(GpuModel.H100, new GpuOptions(Threads: 2));

    [TearDown]
    public void Dispose() => _gpu.Dispose();

    private static PtxKernel Kernel(string name, Func<string, string>? plant = null)
    {
        using var reader = new StreamReader(typeof(PlantedFaultTests).Assembly.GetManifestResourceStream(name)!);
        string text = reader.ReadToEnd(), planted = plant?.Invoke(text) ?? text;
        Assert.That(plant is null || planted != text, "a fault was planted");
        return PtxModule.Read(planted).Kernels["Kernel_" + name];
    }

    private unsafe ulong Array<T>(T[] values, int length = -1)
        where T : unmanaged
    {
        int count = length < 0 ? values.Length : length;
        ulong address = _gpu.Memory.Allocate((long)count * sizeof(T));
        values.AsSpan(0, count).CopyTo(new Span<T>(_gpu.Memory.Find(address, (long)count * sizeof(T)), count));
        _gpu.Memory.MarkWritten(address, (long)count * sizeof(T));
        return address;
    }

    private unsafe float[] Read(ulong address, int count) =>
        new ReadOnlySpan<float>(_gpu.Memory.Find(address, count * sizeof(float)), count).ToArray();

    private static Finding Found(Action run)
    {
        var finding = Assert.Throws<FindingException>(() => run())!.Finding;
        TestContext.Out.WriteLine(finding);
        return finding;
    }

    private static byte[] Pack(params object[] values)
    {
        List<byte> bytes = [];
        foreach (object value in values)
        {
            byte[] packed = value switch
            {
                int i => BitConverter.GetBytes(i),
                float f => BitConverter.GetBytes(f),
                long l => BitConverter.GetBytes(l),
                ulong u => BitConverter.GetBytes(u),
                _ => throw new NotSupportedException(),
            };
            while (bytes.Count % packed.Length != 0)
                bytes.Add(0);
            bytes.AddRange(packed);
        }
        return [.. bytes];
    }

    private void Transpose(ulong x, ulong y, int rows, int columns) =>
        _gpu.Run(new Launch(Kernel("TransposeKernel"), new Dim3((rows * columns + 255) / 256), new Dim3(256), 0,
        Pack(rows * columns, x, (long)rows * columns, rows, columns, y, (long)rows * columns)));

    [Test]
    public void A_transposition_is_right_and_its_faults_are_found()
    {
        float[] values = [.. Enumerable.Range(0, 19 * 31).Select(k => (float)k)];
        ulong x = Array(values), y = _gpu.Memory.Allocate(4L * values.Length);
        Transpose(x, y, 19, 31);
        Assert.That(Read(y, values.Length), Is.EqualTo(Enumerable.Range(0, values.Length).Select(k => values[k % 19 * 31 + k / 19])));

        ulong unwritten = _gpu.Memory.Allocate(4L * values.Length), cut = Array(values, values.Length - 1),
            small = _gpu.Memory.Allocate(4L * values.Length - 4);
        Assert.That(Found(() => Transpose(unwritten, y, 19, 31)).Kind, Is.EqualTo(FindingKind.Unwritten));
        Assert.That(Found(() => Transpose(cut, y, 19, 31)),
            Has.Property("Kind").EqualTo(FindingKind.OutOfBounds).And.Property("Block").EqualTo(new Dim3(2, 0, 0)));
        Assert.That(Found(() => Transpose(x, small, 19, 31)).Kind, Is.EqualTo(FindingKind.OutOfBounds));
        Assert.That(Found(() => Transpose(x, x, 19, 31)).Kind, Is.EqualTo(FindingKind.Race), "in place");
        _gpu.Memory.Free(x);
        Assert.That(Found(() => Transpose(x, y, 19, 31)).Kind, Is.EqualTo(FindingKind.UseAfterFree));
    }

    [Test]
    public void Sums_of_rows_are_right_and_their_faults_are_found()
    {
        const int Rows = 5, Length = 1000, Threads = 40;
        float[] values = [.. Enumerable.Range(0, Rows * Length).Select(k => (float)(k % 7))];
        void Sum(ulong x, ulong y, int threads = Rows * Threads) =>
            _gpu.Run(new Launch(Kernel("SumRowsKernel"), new Dim3((threads + 127) / 128), new Dim3(128), 0,
            Pack(threads, x, (long)values.Length, Length, Threads, y, (long)threads)));
        ulong x = Array(values), y = _gpu.Memory.Allocate(4 * Rows * Threads);
        Sum(x, y);
        float[] partial = Read(y, Rows * Threads);
        Assert.That(Enumerable.Range(0, Rows).Select(r => partial.Skip(r * Threads).Take(Threads).Sum()),
            Is.EqualTo(values.Chunk(Length).Select(r => r.Sum())));

        Assert.That(Found(() => Sum(Array(values, values.Length - 1), y)).Kind, Is.EqualTo(FindingKind.OutOfBounds));
        Assert.That(Found(() => Sum(x, y, threads: Rows * Threads + 1)).Kind, Is.EqualTo(FindingKind.OutOfBounds), "a thread too many");
        Assert.That(Found(() => Sum(x, x + 4)).Kind, Is.EqualTo(FindingKind.Race), "sums over what others read");
    }

    /// <summary>c = a b of Size x Size by bfloat16 on tensor cores: tiles of 64 x 64, four stages of cp.async.</summary>
    private float[] Multiply(PtxKernel kernel, int cutA = 0)
    {
        const int Depth = 168, Pitch = 72;
        ushort[] a = [.. Enumerable.Range(0, Size * Depth).Select(k => Bits(k % 5 - 2))],
            b = [.. Enumerable.Range(0, Depth * Pitch).Select(k => Bits(k % 3 - 1))];
        ulong c = _gpu.Memory.Allocate(4 * Size * Pitch);
        _gpu.Run(new Launch(kernel, new Dim3(4), new Dim3(128), 0,
            Pack(Array(a, a.Length - cutA), Array(b), c, 1, Size, Pitch, Depth, 2, 0, 1f, 0)));
        float[] expected = [.. Enumerable.Range(0, Size * Pitch).Select(at => (float)Enumerable.Range(0, Depth)
            .Sum(k => (at / Pitch * Depth + k) % 5 - 2 is var x ? x * ((k * Pitch + at % Pitch) % 3 - 1) : 0))];
        float[] computed = Read(c, Size * Pitch);
        Assert.That(computed, Is.EqualTo(expected));
        return computed;

        static ushort Bits(int value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
    }

    [Test]
    public void A_tensor_core_product_is_right() => Multiply(Kernel("TensorProductNN64x64Bf16Kernel"));

    [TestCase(0)]
    [TestCase(1)]
    public void Without_a_barrier_its_tiles_are_read_and_written_at_once(int which)
    {
        var kernel = Kernel("TensorProductNN64x64Bf16Kernel", text => Replace(text, "bar.sync 0;", "", which));
        Assert.That(Found(() => Multiply(kernel)).Kind,
            Is.EqualTo(FindingKind.Race).Or.EqualTo(FindingKind.CopyNotAwaited).Or.EqualTo(FindingKind.Unwritten));
    }

    [TestCase(0)]
    [TestCase(1)]
    public void With_a_group_less_to_wait_for_its_tiles_are_read_too_early(int which)
    {
        var kernel = Kernel("TensorProductNN64x64Bf16Kernel",
            text => Replace(text, "cp.async.wait_group 2;", "cp.async.wait_group 3;", which));
        Assert.That(Found(() => Multiply(kernel)).Kind, Is.EqualTo(FindingKind.CopyNotAwaited));
    }

    [Test]
    public void Without_a_commit_its_groups_are_others() =>
        Assert.That(
            Found(() => Multiply(Kernel("TensorProductNN64x64Bf16Kernel", text => Replace(text, "cp.async.commit_group;", "", 1)))).Kind,
            Is.EqualTo(FindingKind.CopyNotAwaited));

    [Test]
    public void With_a_tile_less_it_runs_over_its_shared_memory() =>
        Assert.That(
            Found(() => Multiply(Kernel("TensorProductNN64x64Bf16Kernel", text => Replace(text, "tiles[32768]", "tiles[32752]", 0)))).Kind,
            Is.EqualTo(FindingKind.OutOfBounds));

    [Test]
    public void With_shared_memory_aligned_to_less_its_matrices_are_misaligned() =>
        Assert.That(
            Found(() => Multiply(Kernel("TensorProductNN64x64Bf16Kernel", text => Replace(text, ".align 128", ".align 8", 0)))).Kind,
            Is.EqualTo(FindingKind.Misaligned));

    [Test]
    public void With_an_element_less_in_its_operand_it_reads_behind_the_end() =>
        Assert.That(Found(() => Multiply(Kernel("TensorProductNN64x64Bf16Kernel"), cutA: 1)).Message,
            Does.Contain("2 of them lie behind the end"));

    private static string Replace(string text, string old, string with, int which)
    {
        int at = -1;
        for (int k = 0; k <= which; k++)
            at = text.IndexOf(old, at + 1, StringComparison.Ordinal);
        return string.Concat(text.AsSpan(0, at), with, text.AsSpan(at + old.Length));
    }
}
