using BDense.Tests.VirtualGpu.Execution;
using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Ptx;

internal sealed class DecoderTests
{
    [TestCase("frobnicate.f32 %f0, %f1;", "line 12: an instruction that this GPU does not know: 'frobnicate.f32 %f0, %f1;'")]
    [TestCase("wgmma.fence.sync.aligned;", "line 12: needs .target sm_90a, and this is sm_90: 'wgmma.fence.sync.aligned;'")]
    [TestCase("add.f32 %f0, %f1;", "line 12: 2 operands where 3 belong: 'add.f32 %f0, %f1;'")]
    [TestCase("add.f32 %f0, %f1, %d0;", "line 12: an operand that is not of the instruction's type")]
    [TestCase("add.s32 %d0, %r0, %r1;", "line 12: the destination is not a register of the instruction's type")]
    [TestCase("add.s32 %r0, %r0, %r99;", "line 12: a register that is not declared at '%r99'")]
    [TestCase("bra nowhere;", "line 12: no label nowhere")]
    [TestCase("@%r0 bra end;", "line 12: not a predicate at '%r0'")]
    [TestCase("mov.b32 %r0, ;", "line 12: a name is missing at ';'")]
    [TestCase("end: mov.b32 %r0, 0;", "a second end")]
    [TestCase(".reg .b32 %t;", "declared twice")]
    [TestCase("ld.param.b64 %d0, [nothing];", "no address")]
    [TestCase("ld.param.b64 %d0, [result+8];", "beyond the parameters")]
    [TestCase("st.global.b32 [%d0], \u00e9;", "a character that PTX does not have")]
    [TestCase("/* never ends", "a comment that does not end")]
    [TestCase(".pragma \"x", "a string that does not end")]
    public void What_is_not_understood_is_one_line_that_names_it(string statement, string told)
    {
        var refused = Assert.Throws<PtxException>(() => PtxModule.Read(ControlKernel.Text(statement)))!;
        Assert.That(refused.Message, Does.Contain(told).And.Not.Contain("\n"));
    }

    [TestCase(".version 1.0\n.target sm_80", "version 1.0")]
    [TestCase(".version 8.0\n.target mars", "target mars")]
    [TestCase(".version 8.0\n.target sm_80\n.address_size 32", "64 bits")]
    [TestCase(".version 8.0\n.target sm_80\n.visible .func f() { }", "line 3: this GPU does not support functions")]
    [TestCase(".version 8.0\n.target sm_80\n.global .b32 g;",
        "line 3: this GPU does not support functions, nor variables outside of kernels that are not .shared, at '.global'")]
    [TestCase(".version 8.0\n.target sm_80\n.const .b32 c;", "that are not .shared, at '.const'")]
    [TestCase(".version 8.0\n.target sm_80\n.alias a, b;", "not known outside of a kernel")]
    [TestCase(".version 8.0\n.target sm_80\n.entry k() {\nret }", "line 4: ';' is missing after 'ret' at '}'")]
    [TestCase(".version 8.0\n.target sm_80\n.entry k() {\nret", "line 4: ';' is missing after 'ret' at 'the end'")]
    [TestCase(".version 8.0\n.target sm_80", "no .entry")]
    [TestCase("", "'.version' is missing")]
    [TestCase("\0\0", "'.version' is missing")]
    public void Modules_that_are_not_understood_are_refused(string text, string told) =>
        Assert.That(Assert.Throws<PtxException>(() => PtxModule.Read(text))!.Message, Does.Contain(told));

    [Test]
    public void Parameters_bounds_and_arrays_are_told()
    {
        var kernel = PtxModule.Read("""
            .version 8.8
            .target sm_90a, debug
            .address_size 64
            .extern .shared .align 16 .b8 dynamic[];
            .visible .entry k(.param .b32 a, .param .align 8 .b8 s[12], .param .u8 c, .param .u64 .ptr .global .align 8 p)
            .maxntid 32, 4
            .minnctapersm 2
            { .shared .align 8 .b8 tile[12]; .shared .f32 row[4][5]; .local .align 4 .b8 stack[8]; ret; }
            .entry second { }
            """).Kernels["k"];
        Assert.Multiple(() =>
        {
            Assert.That(kernel.Parameters.Select(p => (p.Offset, p.Bytes)), Is.EqualTo(((int, int)[])[(0, 4), (8, 12), (20, 1), (24, 8)]));
            Assert.That(kernel.ParameterBytes, Is.EqualTo(32));
            Assert.That(kernel.MaxThreads, Is.EqualTo(128));
            Assert.That(kernel.StaticSharedBytes, Is.EqualTo(96));
            Assert.That(kernel.Code.Shared.Count(a => a.Bytes < 0), Is.EqualTo(1), "as long as the launch says");
        });
    }

    [Test]
    public void Names_in_braces_hide_those_outside()
    {
        int[] result = ControlKernel.Run("""
            .reg .b32 x; mov.b32 x, 1;
            { .reg .b32 x<3>, y; mov.b32 x2, 20; mov.b32 y, x; { .reg .b32 x; mov.b32 x, 300; add.s32 y, y, x; } add.s32 %r0, x2, y; }
            { .reg .b32 y; mov.b32 y, 4000; add.s32 %r0, %r0, y; add.s32 %r0, %r0, x; }
            """);
        Assert.That(result, Is.All.EqualTo(4322));
    }

    [TestCase("0x10", 16)]
    [TestCase("-5", -5)]
    [TestCase("017", 15)]
    [TestCase("0b101", 5)]
    [TestCase("4294967295U", -1)]
    [TestCase("0f3F800000", 0x3F800000)]
    public void Constants_are_read(string text, int value) =>
        Assert.That(ControlKernel.Run($"mov.b32 %r0, {text};"), Is.All.EqualTo(value));

    [Test]
    public void Constants_of_floats_are_read() =>
        Assert.That(
            ControlKernel.Run(
                "mov.f32 %f1, 1.5; mov.f32 %f2, 0d3FF8000000000000; mov.f32 %f3, 15e-1; add.f32 %f1, %f1, %f2; add.f32 %f1, %f1, %f3; "
                + "cvt.rni.s32.f32 %r0, %f1;"), Is.All.EqualTo(4));

    [Test]
    public void Lines_of_source_are_told()
    {
        var finding =
            Assert.Throws<FindingException>(() => ControlKernel.Run(".file 1 \"/src/Kernels/Some.cs\", 0, 0\n.loc 1 42 7\ntrap;"))!.Finding;
        Assert.That(finding.Place!.ToString(), Is.EqualTo("line 14 of the PTX, 'trap;' (Some.cs:42)"));
    }

    [Test]
    public void Registers_are_estimated_by_what_lives_at_once()
    {
        // %d0 and %d1 (four), %r0, and three that the sum needs at its widest.
        var kernel =
            PtxModule.Read(
                ControlKernel.Text(
                    "mov.b32 %r1, 1; mov.b32 %r2, 2; mov.b32 %r3, 3; add.s32 %r1, %r1, %r2; add.s32 %r0, %r1, %r3;")).Kernels["k"];
        Assert.That(kernel.Registers, Is.InRange(6, 8));
    }

    [Test]
    public void Registers_that_share_a_place_keep_their_values()
    {
        // Sums of long chains, in loops, under guards: any mistake in sharing shows.
        var lines = new List<string> { "mov.b32 %r1, 5; again: sub.s32 %r1, %r1, 1; setp.gt.s32 %p0, %r1, 0;" };
        for (int k = 0; k < 40; k++)
            lines.Add(
                $"{{ .reg .b32 a, b, c; add.s32 a, %t, {k}; mul.lo.s32 b, a, 3; setp.lt.s32 %p1, a, {k + 7}; @%p1 add.s32 b, b, 1; "
                    + $"mov.b32 c, b; @!%p1 sub.s32 c, c, a; add.s32 %r0, %r0, c; }}");
        lines.Add("@%p0 bra again;");
        int[] expected =
            [.. Enumerable.Range(0, 32).Select(t => 5 * Enumerable.Range(0, 40).Sum(k => (t + k) * 3 + (t < 7 ? 1 : -(t + k))))];
        Assert.That(ControlKernel.Run(string.Join("\n", lines)), Is.EqualTo(expected));
    }
}
