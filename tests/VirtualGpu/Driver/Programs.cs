namespace BDense.Tests.VirtualGpu.Driver;

/// <summary>Small modules that the driver's tests load.</summary>
internal static class Programs
{
    private const string Head = ".version 8.0\n.target sm_80\n.address_size 64\n";

    /// <summary>Element of this thread in a .u64 y: its address in %rd3, its number in %r5; threads from n on are done.</summary>
    private const string Element = """
            .reg .pred %p<3>;
            .reg .b32 %r<9>;
            .reg .b64 %rd<6>;
            ld.param.u64 %rd1, [y];
            ld.param.u32 %r1, [n];
            mov.u32 %r2, %ctaid.x;
            mov.u32 %r3, %ntid.x;
            mov.u32 %r4, %tid.x;
            mad.lo.s32 %r5, %r2, %r3, %r4;
            setp.ge.s32 %p1, %r5, %r1;
            @%p1 bra DONE;
            mul.wide.s32 %rd2, %r5, 4;
            add.s64 %rd3, %rd1, %rd2;

        """;

    private static string Over(string name, string body) => $$"""
        .visible .entry {{name}}(.param .u64 y, .param .u32 n)
        {
        {{Element}}{{body}}
        DONE:
            ret;
        }

        """;

    /// <summary>fill: y[i] = i. next: y[i] += 1.</summary>
    public static string Elements { get; } = Head + Over("fill", "    st.global.u32 [%rd3], %r5;") + Over("next", """
            ld.global.u32 %r6, [%rd3];
            add.s32 %r6, %r6, 1;
            st.global.u32 [%rd3], %r6;
        """);

    /// <summary>endless, misaligned (a byte beside y[i]) and parting (lanes part at a .uni branch).</summary>
    public static string Faulty { get; } = Head + Over("endless", """
        LOOP:
            bra LOOP;
        """) + Over("misaligned", "    st.global.u32 [%rd3+1], %r5;") + Over("parting", """
            and.b32 %r6, %r5, 1;
            setp.eq.u32 %p2, %r6, 0;
            @%p2 bra.uni DONE;
            st.global.u32 [%rd3], %r5;
        """);

    /// <summary>
    /// dynamic: y[i] = the value of thread i + 1 modulo the block, through as much shared memory as the launch gives. limited: at most 64
    /// threads.
    /// </summary>
    public static string Shared { get; } = Head + ".extern .shared .align 16 .b8 given[];\n" + Over("dynamic", """
            mov.u32 %r6, given;
            shl.b32 %r7, %r4, 2;
            add.s32 %r6, %r6, %r7;
            st.shared.u32 [%r6], %r5;
            st.global.u32 [%rd3], %r5;
        """) + """
        .visible .entry limited()
        .maxntid 64, 1, 1
        {
            ret;
        }
        .visible .entry static()
        {
            .shared .align 4 .b8 own[1024];
            ret;
        }

        """;

    /// <summary>many: adds up so many values, so that about as many live at once.</summary>
    public static string ManyRegisters(string bounds, int count)
    {
        string Numbers(string format) =>
            string.Concat(Enumerable.Range(0, count)
                .Select(k => string.Format(System.Globalization.CultureInfo.InvariantCulture, format, k)));
        return $$"""
            {{Head}}.visible .entry many(.param .u64 y)
            {{bounds}}
            {
            .reg .b32 %r<{{count}}>, %sum;
            mov.u32 %sum, %tid.x;
            {{Numbers("add.u32 %r{0}, %sum, {0}; ")}}
            {{Numbers("add.u32 %sum, %sum, %r{0}; ")}}
            mov.u32 %r0, %sum;
            ret;
            }
            """;
    }

    /// <summary>An instruction that does not exist.</summary>
    public const string Unknown = Head + ".visible .entry k() { .reg .f32 %f<3>; frobnicate.f32 %f1, %f2; ret; }\n";
}
