using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Instructions.Matrices;

/// <summary>
/// The shapes of mma.sync: PTX ISA, chapter "Warp Level Matrix Multiply-Accumulate Instructions". Those of a warpgroup (wgmma), with the
/// mbarriers and bulk copies that feed them, belong beside it once a kernel needs them; until then the decoder refuses them.
/// </summary>
internal static unsafe class MatrixForms
{
    /// <param name="run">What runs it.</param>
    /// <param name="registers">How many D, A, B and C have.</param>
    public readonly struct Shape(delegate*<Warp, Instruction, void> run, int[] registers)
    {
        public delegate*<Warp, Instruction, void> Run { get; } = run;

        public int[] Registers { get; } = registers;
    }

    public static Shape? Find(string op) => op switch
    {
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" => new Shape(&MatrixProduct.Run<MatrixProduct.Tf32>, [4, 4, 2, 4]),
        "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32" => new Shape(&MatrixProduct.Run<MatrixProduct.ShortTf32>, [4, 2, 1, 4]),
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" => new Shape(&MatrixProduct.Run<MatrixProduct.BFloat16>, [4, 4, 2, 4]),
        "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32" => new Shape(&MatrixProduct.Run<MatrixProduct.ShortBFloat16>, [4, 2, 1, 4]),
        _ => null,
    };
}
