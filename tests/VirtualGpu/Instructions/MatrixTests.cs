using System.Globalization;
using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>mma.sync against a product of matrices, with elements placed by NVIDIA's own tables.</summary>
internal sealed unsafe class MatrixTests
{
    private static readonly FragmentLayout C = new("((_4,_8),(_2,_2)):((_32,_1),(_16,_8))", 16);

    [TestCase("m16n8k8.row.col.f32.tf32.tf32.f32", 8, "((_4,_8),(_2,_2)):((_16,_1),(_8,_64))", "((_4,_8),_2):((_8,_1),_32)")]
    [TestCase("m16n8k16.row.col.f32.bf16.bf16.f32", 16, "((_4,_8),(_2,_2,_2)):((_32,_1),(_16,_8,_128))",
        "((_4,_8),(_2,_2)):((_16,_1),(_8,_64))")]
    public void Products_are_those_of_the_matrices_whose_elements_NVIDIAs_tables_place(string shape, int depth, string layoutA,
        string layoutB)
    {
        bool narrow = depth == 16;
        var random = new Random(7);
        for (int run = 0; run < 5; run++)
        {
            float[,] a = Matrix(16, depth), b = Matrix(8, depth), c = Matrix(16, 8);
            uint[] words = [.. Fragments(a, new FragmentLayout(layoutA, 16), 4, narrow),
                .. Fragments(b, new FragmentLayout(layoutB, 8), 2, narrow), .. Fragments(c, C, 4, false)];
            uint[] d = Multiply(shape, words);
            for (int lane = 0; lane < 32; lane++)
            {
                for (int value = 0; value < 4; value++)
                {
                    var (row, column) = C.Place(lane, value);
                    double sum = c[row, column];
                    for (int k = 0; k < depth; k++)
                        sum += (double)a[row, k] * b[column, k];
                    Assert.That(BitConverter.UInt32BitsToSingle(d[lane * 4 + value]), Is.EqualTo((float)sum),
                        $"row {row}, column {column}");
                }
            }
        }

        // Values that the operands' types hold.
        float[,] Matrix(int rows, int columns)
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

    [Test]
    public void The_lower_13_bits_of_tf32_are_not_seen()
    {
        uint[] words = new uint[10 * 32];
        for (int k = 0; k < 6 * 32; k++)
            words[k] = 0x3F80_1FFF;
        Assert.That(Multiply("m16n8k8.row.col.f32.tf32.tf32.f32", words), Is.All.EqualTo(BitConverter.SingleToUInt32Bits(8)));
    }

    /// <summary>A register's words lane by lane, register by register.</summary>
    private static uint[] Fragments(float[,] matrix, FragmentLayout layout, int registers, bool narrow)
    {
        uint[] words = new uint[32 * registers];
        for (int lane = 0; lane < 32; lane++)
        {
            for (int value = 0; value < registers * (narrow ? 2 : 1); value++)
            {
                var (row, column) = layout.Place(lane, value);
                uint bits = BitConverter.SingleToUInt32Bits(matrix[row, column]);
                if (narrow)
                    words[value / 2 * 32 + lane] |= value % 2 == 0 ? bits >> 16 : bits & 0xFFFF_0000;
                else
                    words[value * 32 + lane] = bits;
            }
        }
        return words;
    }

    /// <returns>Four words of each lane.</returns>
    private static uint[] Multiply(string shape, uint[] words)
    {
        using var gpu = new Gpu(GpuModel.H100, new GpuOptions(Threads: 1));
        ulong memory = gpu.Memory.Allocate(4 * words.Length), result = gpu.Memory.Allocate(4 * 128);
        words.CopyTo(new Span<uint>(gpu.Memory.Find(memory, 4 * words.Length), words.Length));
        gpu.Memory.MarkWritten(memory, 4 * words.Length);
        string loads =
            string.Concat(Enumerable.Range(0, 10)
                .Select(k => string.Create(CultureInfo.InvariantCulture, $"ld.global.b32 %{(k < 6 ? 'r' : 'f')}{k}, [%d1+{128 * k}]; ")));
        var module = PtxModule.Read($$"""
            .version 8.0
            .target sm_90a
            .address_size 64
            .visible .entry k(.param .b64 memory, .param .b64 result)
            {
            .reg .b32 %r<11>; .reg .f32 %f<11>; .reg .b64 %d<4>;
            ld.param.b64 %d0, [memory]; ld.param.b64 %d2, [result];
            mov.b32 %r10, %tid.x; mul.wide.s32 %d1, %r10, 4; add.s64 %d1, %d1, %d0; mul.wide.s32 %d3, %r10, 16; add.s64 %d2, %d2, %d3;
            {{loads}}
            // The result's registers are C's in another order.
            mma.sync.aligned.{{shape}} {%f9, %f8, %f7, %f6}, {%r0, %r1, %r2, %r3}, {%r4, %r5}, {%f6, %f7, %f8, %f9};
            st.global.v4.f32 [%d2], {%f9, %f8, %f7, %f6};
            ret;
            }
            """);
        gpu.Run(new Launch(module.Kernels["k"], new Dim3(1), new Dim3(32), 0,
            (byte[])[.. BitConverter.GetBytes(memory), .. BitConverter.GetBytes(result)]));
        return new ReadOnlySpan<uint>(gpu.Memory.Find(result, 4 * 128), 128).ToArray();
    }
}
