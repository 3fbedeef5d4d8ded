using System.Globalization;

namespace BDense.Tests.VirtualGpu.Hopper;

/// <summary>One wgmma on operands of random numbers: its text, its inputs, and what a loop in double precision gives.</summary>
/// <param name="Columns">N.</param>
/// <param name="Narrow">BF16, not TF32.</param>
/// <param name="LayoutA">Of A; null for registers.</param>
/// <param name="LayoutB">Of B.</param>
internal sealed record WarpgroupProductCase(int Columns, bool Narrow, CanonicalLayout? LayoutA, CanonicalLayout LayoutB)
{
    public const int Rows = 64;

    public bool Adds { get; init; } = true;

    public int ScaleA { get; init; } = 1;

    public int ScaleB { get; init; } = 1;

    public int Depth => Narrow ? 16 : 8;

    public int Accumulators => Columns / 2;

    private int Bytes => Narrow ? 2 : 4;

    /// <summary>Where B begins behind A, and where both end.</summary>
    private int StartOfB => LayoutA is null ? 0 : End(LayoutA, Rows);

    public int SharedBytes => StartOfB + End(LayoutB, Columns);

    private int End(CanonicalLayout layout, int rows) =>
        (Enumerable.Range(0, rows).SelectMany(row => Enumerable.Range(0, Depth).Select(k => layout.Byte(row, k, Bytes))).Max() / 1024
            + 1) * 1024;

    public string Opcode => $"wgmma.mma_async.sync.aligned.m64n{Columns}k{Depth}.f32.{(Narrow ? "bf16.bf16" : "tf32.tf32")}";

    public string Instruction
    {
        get
        {
            string d = string.Join(", ", Enumerable.Range(0, Accumulators).Select(k => $"%f{k}"));
            string a = LayoutA is null ? "{%r4, %r5, %r6, %r7}" : "%d4";
            string transpositions = !Narrow ? ""
                : $"{(LayoutA is null ? "" : LayoutA.MajorIsK ? ", 0" : ", 1")}{(LayoutB.MajorIsK ? ", 0" : ", 1")}";
            return $"{Opcode} {{{d}}}, {a}, %d5, %m1, {ScaleA}, {ScaleB}{transpositions};";
        }
    }

    /// <summary>
    /// p: the image of shared memory; behind it each thread's four words of A. q: each thread's accumulators. %m1 is scale-d; %d6, %d7 this
    /// thread's
    /// part of p and q.
    /// </summary>
    public string Before => $$"""
        mov.u32 %r0, 0;
        copy:
        mad.lo.u32 %r1, %t, 4, %r0;
        cvt.u64.u32 %d0, %r1;
        add.u64 %d0, %d0, %p;
        ld.global.b32 %r2, [%d0];
        add.u32 %r1, %r1, %s;
        st.shared.b32 [%r1], %r2;
        add.u32 %r0, %r0, 512;
        setp.lt.u32 %m0, %r0, {{SharedBytes}};
        @%m0 bra copy;
        mul.wide.u32 %d6, %t, 16;
        add.u64 %d6, %d6, %p;
        ld.global.v4.b32 {%r4, %r5, %r6, %r7}, [%d6+{{SharedBytes}}];
        mul.wide.u32 %d7, %t, {{4 * Accumulators}};
        add.u64 %d7, %d7, %q;
        {{string.Concat(Enumerable.Range(0, Accumulators).Select(k => $"ld.global.f32 %f{k}, [%d7+{4 * k}]; "))}}
        shr.u32 %r8, %s, 4;
        cvt.u64.u32 %d4, %r8;
        add.u64 %d5, %d4, {{(StartOfB + LayoutB.Start) / 16}};
        add.u64 %d4, %d4, {{(LayoutA?.Start ?? 0) / 16}};
        or.b64 %d4, %d4, {{Number(LayoutA?.Descriptor ?? 0)}};
        or.b64 %d5, %d5, {{Number(LayoutB.Descriptor)}};
        setp.{{(Adds ? "ge" : "lt")}}.u32 %m1, %t, 0;
        """;

    public const string Fences = "fence.proxy.async; bar.sync 0; wgmma.fence.sync.aligned;",
        Waits = "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;";

    public string After => string.Concat(Enumerable.Range(0, Accumulators).Select(k => $"st.global.f32 [%d7+{4 * k}], %f{k}; "));

    public string Body => $"{Before} {Fences} {Instruction} {Waits} {After}";

    private static string Number(ulong value) => "0x" + value.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Runs it and gives (found, expected, place) of each element.</summary>
    public IEnumerable<(float Found, float Expected, string Place)> Run(string? body = null)
    {
        var random = new Random(Columns + (Narrow ? 1 : 0));
        float[,] a = Matrix(random, Rows, Depth), b = Matrix(random, Columns, Depth), c = Matrix(random, Rows, Columns);
        using var kernel = new HopperKernel(body ?? Body, assemble: body is not null || Columns == 24, floats: Math.Max(16, Accumulators));
        ulong p = kernel.Array(Image(a, b)), q = kernel.Array(Registers(c));
        kernel.Run(p, q, shared: SharedBytes);
        float[] d = kernel.Read<float>(q, 128 * Accumulators);
        for (int thread = 0; thread < 128; thread++)
        {
            for (int value = 0; value < Accumulators; value++)
            {
                var (row, column) = WarpgroupFragments.Accumulator(Narrow, thread, value);
                double sum = Adds ? c[row, column] : 0;
                for (int k = 0; k < Depth; k++)
                    sum += (double)a[row, k] * ScaleA * b[column, k] * ScaleB;
                yield return (d[thread * Accumulators + value], (float)sum, $"row {row}, column {column}");
            }
        }
    }

    private float[] Registers(float[,] c)
    {
        float[] registers = new float[128 * Accumulators];
        for (int k = 0; k < registers.Length; k++)
        {
            var (row, column) = WarpgroupFragments.Accumulator(Narrow, k / Accumulators, k % Accumulators);
            registers[k] = c[row, column];
        }
        return registers;
    }

    private byte[] Image(float[,] a, float[,] b)
    {
        byte[] image = new byte[SharedBytes + 128 * 16];
        if (LayoutA is not null)
            Place(image, 0, a, LayoutA);
        Place(image, StartOfB, b, LayoutB);
        for (int thread = 0; thread < 128; thread++)
        {
            for (int value = 0; value < 16 / Bytes; value++)
            {
                var (row, k) = WarpgroupFragments.Fragment(Narrow, thread, value);
                Put(image, SharedBytes + 16 * thread + Bytes * value, a[row, k]);
            }
        }
        return image;
    }

    private void Place(byte[] image, int start, float[,] matrix, CanonicalLayout layout)
    {
        for (int row = 0; row < matrix.GetLength(0); row++)
        {
            for (int k = 0; k < Depth; k++)
                Put(image, start + layout.Byte(row, k, Bytes), matrix[row, k]);
        }
    }

    private void Put(byte[] image, int at, float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (Narrow)
            BitConverter.TryWriteBytes(image.AsSpan(at), (ushort)(bits >> 16));
        else
            BitConverter.TryWriteBytes(image.AsSpan(at), bits);
    }

    /// <summary>Values that the operands' types hold.</summary>
    private static float[,] Matrix(Random random, int rows, int columns)
    {
        var matrix = new float[rows, columns];
        for (int r = 0; r < rows; r++)
        {
            for (int k = 0; k < columns; k++)
                matrix[r,
                    k] = BitConverter.UInt32BitsToSingle(
                        BitConverter.SingleToUInt32Bits((float)(random.NextDouble() - 0.5) * 8) & 0xFFFF_0000);
        }
        return matrix;
    }
}
