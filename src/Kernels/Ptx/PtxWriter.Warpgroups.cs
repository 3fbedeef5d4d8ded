using System.Runtime.CompilerServices;

namespace BDense.Kernels.Ptx;

/// <content>Hopper's products of a warpgroup: four warps, the first of which is a multiple of four. For <c>sm_90a</c> alone.</content>
internal sealed partial class PtxWriter
{
    /// <summary>
    /// Orders what the threads did to sums and fragments before the products that come. Needed before the first product, and wherever
    /// registers were touched since.
    /// </summary>
    public void FenceProducts([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write("wgmma.fence.sync.aligned");
    }

    /// <summary>The products since the last call are one group.</summary>
    public void CommitProducts([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write("wgmma.commit_group.sync.aligned");
    }

    /// <summary>Waits until all groups but the <paramref name="newest"/> are computed: until then nobody may touch their registers or
    /// write to their memory.</summary>
    public void WaitForProducts(int newest, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write($"wgmma.wait_group.sync.aligned {newest}");
    }

    /// <summary>
    /// sums [64 x N] (+)= A [64 x depth] B [depth x N], begun and not waited for. The thread's sums are, of rows 16 (warp mod 4) + lane / 4
    /// and 8 below it, columns 8j + 2(lane mod 4) and the next: sum 4j + 2h + i is row 8h, column 8j + i from there.
    /// </summary>
    /// <param name="shape">TF32, 8 deep, or BF16, 16 deep.</param>
    /// <param name="sums">N / 2 registers, N = 8, 16 to 256.</param>
    /// <param name="a">Descriptor of 64 rows.</param>
    /// <param name="b">Descriptor of N columns.</param>
    /// <param name="adds">Whether to what the sums hold; the same for all threads.</param>
    /// <param name="transposedA">Of A's matrix (<see cref="SharedMatrix.IsTransposed"/>): BF16 alone.</param>
    /// <param name="transposedB">Of B's.</param>
    /// <param name="file">Of the call.</param>
    /// <param name="line">Of the call.</param>
    public void MultiplyShared(MmaShape shape, ReadOnlySpan<Register<F32>> sums, Value<S64> a, Value<S64> b, Value<Predicate> adds,
        bool transposedA = false, bool transposedB = false, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Product(shape, sums, a.Write, b, adds, [transposedA, transposedB], file, line);

    /// <summary>The same with A in registers, four a thread: rows as the sums' are, in BF16 columns 2(lane mod 4) and the next, and 8
    /// behind; of one warp what <see cref="Multiply"/> takes.</summary>
    public void MultiplyShared(MmaShape shape, ReadOnlySpan<Register<F32>> sums, Register<B32>[] a, Value<S64> b, Value<Predicate> adds,
        bool transposedB = false, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Product(shape, sums, w => w.Listed<B32>(a), b, adds, [transposedB], file, line);

    /// <summary>
    /// The warpgroup's threads give registers back, or take what others gave: to <paramref name="count"/> each, a multiple of 8, 24 to 240.
    /// </summary>
    public void SetRegisters(int count, bool more, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        At(file, line);
        Write($"setmaxnreg.{(more ? "inc" : "dec")}.sync.aligned.u32 {count}");
    }

    private void Product(MmaShape shape, ReadOnlySpan<Register<F32>> sums, Func<PtxWriter, string> a, Value<S64> b, Value<Predicate> adds,
        ReadOnlySpan<bool> transposed, string file, int line)
    {
        bool isBf16 = shape == MmaShape.Bf16;
        if (!isBf16 && transposed.Contains(true))
            throw new ArgumentException("wgmma takes TF32 along the sum alone: a transposed operand is of BF16");
        At(file, line);
        string name = $"m64n{2 * sums.Length}k{shape.Depth}.f32.{(isBf16 ? "bf16.bf16" : "tf32.tf32")}";
        string operands = $"{Listed<F32>([.. sums])}, {a(this)}, {b.Write(this)}, {adds.Write(this)}, 1, 1";
        if (isBf16)
        {
            foreach (bool one in transposed)
                operands += one ? ", 1" : ", 0";
        }
        Write($"wgmma.mma_async.sync.aligned.{name} {operands}");
    }
}
