using BDense.Kernels.Ptx;
using NUnit.Framework;
using static BDense.Kernels.Ptx.PtxWriter;

namespace BDense.Tests.Ptx;

[TestFixture]
internal sealed class WriterTests
{
    private struct Arguments
    {
        public long X, Y;
        public int Count;
        public float Alpha;
    }

    /// <summary>Constants fold, powers of two shift, a b + c is one instruction, and an address takes its constant part.</summary>
    [Test]
    public void Expressions_are_what_one_would_write()
    {
        string text = Kernel<Arguments>("Text", "sm_80", 32, 0, (w, a) =>
        {
            var i = w.Thread();
            var count = a.Of(g => g.Count);
            w.Let(i * 8 / 4 + (3 - 1) * 4);
            w.Let(i % 16 + i / 16);
            w.Let(i.As<S32>() * count + 7);
            w.Load<F32>(a.Of(g => g.X) + i.Wide(4) + 12);
        }).Text;
        Assert.That(text, Does.Contain("shl.b32").And.Contain("shr.u32").And.Contain("and.b32").And.Contain("mad.lo.s32"));
        Assert.That(text, Does.Contain("+12]").And.Contain(", 8;"));
        Assert.That(text, Does.Not.Contain("div.").And.Not.Contain("rem."));
    }

    /// <summary>Lanes behind the end do nothing; loops count; a variable is what it was set to.</summary>
    [Test]
    public void Statements_do_what_they_say()
    {
        const int count = 77, groups = 3;
        var kernel = Kernel<Arguments>("Sum", "sm_80", 32, 0, (w, a) =>
        {
            var i = w.Let((w.Group() * 32 + w.Thread()).As<S32>());
            var alpha = a.Of(g => g.Alpha);
            w.If(i < a.Of(g => g.Count), () =>
            {
                var sum = w.Let<F32>(0f);
                w.For(0, i + 1, k => w.Set(sum, Fma(alpha, w.Load<F32>(a.Of(g => g.X) + k.Wide(4)), sum)));
                w.Store<F32>(a.Of(g => g.Y) + i.Wide(4), [sum]);
            });
        });
        using var gpu = new WrittenLaunch();
        float[] x = [.. Enumerable.Range(0, count).Select(k => (float)k)];
        long y = gpu.Empty(count);
        gpu.Run(kernel, groups, new Arguments { X = gpu.Put(x), Y = y, Count = count, Alpha = 0.5f });
        Assert.That(gpu.Get(y, count), Is.EqualTo(Enumerable.Range(0, count).Select(k => k * (k + 1) / 4f)));
    }

    /// <summary>The place in C# of what is written, for explorers, findings and NVIDIA's tools.</summary>
    [Test]
    public void Lines_lead_back_to_CSharp()
    {
        string text = Kernel<Arguments>("Place", "sm_80", 32, 0, (w, _) => w.Barrier()).Text;
        Assert.That(text, Does.Match(@"\.file 1 "".*WriterTests\.cs""").And.Match(@"\.loc 1 \d+ 0\s+bar\.sync 0;"));
    }

    private struct Doubles()
    {
        public double A = 1;
    }

    [Test]
    public void A_field_that_no_kernel_takes_is_refused() => Assert.That(
        () => Kernel<Doubles>("Wrong", "sm_80", 32, 0, (_, _) => { }), Throws.ArgumentException.With.Message.Contains("Double"));
}
