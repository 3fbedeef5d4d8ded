using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>ldmatrix and stmatrix against what the PTX manual says of each value.</summary>
internal sealed class MatrixMoveTests
{
    /// <summary>%r9: the row of lane l, rows in the reverse order, so that a row's address matters.</summary>
    private const string Rows = """
        .shared .align 16 .b8 a[512];
        mov.u32 %r8, a;
        sub.u32 %r9, 31, %t;
        mad.lo.u32 %r9, %r9, 16, %r8;
        mad.lo.u32 %r10, %t, 16, %r8;
        mul.wide.u32 %d0, %t, 16;
        add.u64 %d1, %d0, %q;
        add.u64 %d0, %d0, %p;
        ld.global.v4.b32 {%r0, %r1, %r2, %r3}, [%d0];
        """;

    [Test]
    public void Each_lane_gets_the_two_values_that_the_manual_gives_it([Values(1, 2, 4)] int matrices, [Values] bool transposed)
    {
        string registers = string.Join(", ", Enumerable.Range(4, matrices).Select(k => $"%r{k}"));
        using var kernel = new TestKernel($$"""
            {{Rows}}
            st.shared.v4.b32 [%r10], {%r0, %r1, %r2, %r3};
            bar.sync 0;
            mov.b32 %r4, 0; mov.b32 %r5, 0; mov.b32 %r6, 0; mov.b32 %r7, 0;
            ldmatrix.sync.aligned.m8n8.x{{matrices}}{{(transposed ? ".trans" : "")}}.shared.b16 {{{registers}}}, [%r9];
            st.global.v4.b32 [%d1], {%r4, %r5, %r6, %r7};
            """);
        ushort[] values = [.. Enumerable.Range(1, 256).Select(k => (ushort)k)];
        ulong q = kernel.Room(512);
        kernel.Run(kernel.Array(values), q);
        ushort[] loaded = kernel.Read<ushort>(q, 256);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int m = 0; m < 4; m++)
            {
                for (int half = 0; half < 2; half++)
                {
                    int row = lane / 4, column = lane % 4 * 2 + half;
                    if (transposed)
                        (row, column) = (column, row);
                    int expected = m < matrices ? values[(31 - (8 * m + row)) * 8 + column] : 0;
                    Assert.That(loaded[8 * lane + 2 * m + half], Is.EqualTo(expected), $"lane {lane}, matrix {m}, half {half}");
                }
            }
        }
    }

    [Test]
    public void What_stmatrix_stores_ldmatrix_loads([Values] bool transposed)
    {
        string order = transposed ? ".trans" : "";
        using var kernel = new TestKernel($$"""
            {{Rows}}
            stmatrix.sync.aligned.m8n8.x4{{order}}.shared.b16 [%r9], {%r0, %r1, %r2, %r3};
            bar.sync 0;
            ldmatrix.sync.aligned.m8n8.x4{{order}}.shared.b16 {%r4, %r5, %r6, %r7}, [%r9];
            st.global.v4.b32 [%d1], {%r4, %r5, %r6, %r7};
            """);
        ushort[] values = [.. Enumerable.Range(1, 256).Select(k => (ushort)k)];
        ulong q = kernel.Room(512);
        kernel.Run(kernel.Array(values), q);
        Assert.That(kernel.Read<ushort>(q, 256), Is.EqualTo(values));
    }

    [TestCase("st.shared.v4.b32 [%r10], {%r0, %r1, %r2, %r3};", FindingKind.Race)]
    [TestCase("cp.async.cg.shared.global [%r10], [%d0], 16; cp.async.commit_group;", FindingKind.CopyNotAwaited)]
    public void A_row_that_another_lane_wrote_needs_a_barrier(string write, FindingKind kind)
    {
        using var kernel = new TestKernel($$"""
            {{Rows}}
            {{write}}
            ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r9];
            """);
        Assert.That(kernel.Found(kernel.Array(new byte[512])).Kind, Is.EqualTo(kind));
    }

    [Test]
    public void A_row_that_is_read_may_not_be_written_by_another_lane()
    {
        string rows =
            Rows + "st.shared.v4.b32 [%r10], {%r0, %r1, %r2, %r3}; bar.sync 0; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, "
                + "%r7}, [%r9];",
            store = "st.shared.v4.b32 [%r10], {%r0, %r1, %r2, %r3};";
        using var good = new TestKernel($"{rows} bar.sync 0; {store}");
        good.Run(good.Array(new byte[512]));
        using var bad = new TestKernel($"{rows} {store}");
        Assert.That(bad.Found(bad.Array(new byte[512])).Kind, Is.EqualTo(FindingKind.Race));
    }

    [Test]
    public void A_row_is_sixteen_bytes_at_a_multiple_of_sixteen_in_an_array([Values(8, 256)] int shift)
    {
        using var kernel = new TestKernel($$"""
            {{Rows}}
            st.shared.v4.b32 [%r10], {%r0, %r1, %r2, %r3};
            bar.sync 0;
            ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r9+{{shift}}];
            """);
        Assert.That(kernel.Found(kernel.Array(new byte[512])).Kind,
            Is.EqualTo(shift == 8 ? FindingKind.Misaligned : FindingKind.OutOfBounds));
    }
}
