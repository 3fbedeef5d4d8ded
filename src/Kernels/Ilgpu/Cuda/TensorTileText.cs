namespace BDense.Kernels.Ilgpu.Cuda;

/// <summary>The PTX of <see cref="TensorTile"/>; written by tools/TensorTileText.cs.</summary>
internal static class TensorTileText
{
    /// <summary>Accumulators, fragments of A and B, and three stages of two tiles in shared memory.</summary>
    public const string Declare = """
        .reg .f32 acc<64>;
        .reg .b32 a<16>;
        .reg .b32 b<8>;
        .reg .b32 base;
        .reg .b32 at;
        .shared .align 128 .b8 tiles[49152];
        mov.u32 base, tiles;
        """;

    /// <summary>Starts the columns of tile 0 with %0 and %1.</summary>
    public const string Start0 = """
        mov.f32 acc0, %0;
        mov.f32 acc1, %1;
        mov.f32 acc2, %0;
        mov.f32 acc3, %1;
        mov.f32 acc16, %0;
        mov.f32 acc17, %1;
        mov.f32 acc18, %0;
        mov.f32 acc19, %1;
        mov.f32 acc32, %0;
        mov.f32 acc33, %1;
        mov.f32 acc34, %0;
        mov.f32 acc35, %1;
        mov.f32 acc48, %0;
        mov.f32 acc49, %1;
        mov.f32 acc50, %0;
        mov.f32 acc51, %1;
        """;

    /// <summary>Starts the columns of tile 1 with %0 and %1.</summary>
    public const string Start1 = """
        mov.f32 acc4, %0;
        mov.f32 acc5, %1;
        mov.f32 acc6, %0;
        mov.f32 acc7, %1;
        mov.f32 acc20, %0;
        mov.f32 acc21, %1;
        mov.f32 acc22, %0;
        mov.f32 acc23, %1;
        mov.f32 acc36, %0;
        mov.f32 acc37, %1;
        mov.f32 acc38, %0;
        mov.f32 acc39, %1;
        mov.f32 acc52, %0;
        mov.f32 acc53, %1;
        mov.f32 acc54, %0;
        mov.f32 acc55, %1;
        """;

    /// <summary>Starts the columns of tile 2 with %0 and %1.</summary>
    public const string Start2 = """
        mov.f32 acc8, %0;
        mov.f32 acc9, %1;
        mov.f32 acc10, %0;
        mov.f32 acc11, %1;
        mov.f32 acc24, %0;
        mov.f32 acc25, %1;
        mov.f32 acc26, %0;
        mov.f32 acc27, %1;
        mov.f32 acc40, %0;
        mov.f32 acc41, %1;
        mov.f32 acc42, %0;
        mov.f32 acc43, %1;
        mov.f32 acc56, %0;
        mov.f32 acc57, %1;
        mov.f32 acc58, %0;
        mov.f32 acc59, %1;
        """;

    /// <summary>Starts the columns of tile 3 with %0 and %1.</summary>
    public const string Start3 = """
        mov.f32 acc12, %0;
        mov.f32 acc13, %1;
        mov.f32 acc14, %0;
        mov.f32 acc15, %1;
        mov.f32 acc28, %0;
        mov.f32 acc29, %1;
        mov.f32 acc30, %0;
        mov.f32 acc31, %1;
        mov.f32 acc44, %0;
        mov.f32 acc45, %1;
        mov.f32 acc46, %0;
        mov.f32 acc47, %1;
        mov.f32 acc60, %0;
        mov.f32 acc61, %1;
        mov.f32 acc62, %0;
        mov.f32 acc63, %1;
        """;

    /// <summary>16 bytes from global address %1 to shared offset %0; of them %2 (0 or 16) are read, the rest are zeros.</summary>
    public const string Copy = """
        add.u32 at, base, %0;
        cp.async.cg.shared.global [at], [%1], 16, %2;
        """;

    /// <summary>Fragments of A for 64 rows: four tiles of 16 rows, 1024 bytes apart. %0: shared offset of this lane's row of the first.</summary>
    public const string LoadA = """
        add.u32 at, base, %0;
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [at+0];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a4, a5, a6, a7}, [at+1024];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a8, a9, a10, a11}, [at+2048];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a12, a13, a14, a15}, [at+3072];
        """;

    /// <summary>Fragments of B for 32 columns: four tiles of 8 columns, two a load.</summary>
    public const string LoadB = """
        add.u32 at, base, %0;
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+0];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b4, b5, b6, b7}, [at+1024];
        """;

    /// <summary>Rounds float32 to TF32: times 1 + ln(2)/2^11, of which the tensor core takes the upper 19 bits.</summary>
    public const string RoundTf32 = """
        mul.rn.f32 a0, a0, 0f3F800B17;
        mul.rn.f32 a1, a1, 0f3F800B17;
        mul.rn.f32 a2, a2, 0f3F800B17;
        mul.rn.f32 a3, a3, 0f3F800B17;
        mul.rn.f32 a4, a4, 0f3F800B17;
        mul.rn.f32 a5, a5, 0f3F800B17;
        mul.rn.f32 a6, a6, 0f3F800B17;
        mul.rn.f32 a7, a7, 0f3F800B17;
        mul.rn.f32 a8, a8, 0f3F800B17;
        mul.rn.f32 a9, a9, 0f3F800B17;
        mul.rn.f32 a10, a10, 0f3F800B17;
        mul.rn.f32 a11, a11, 0f3F800B17;
        mul.rn.f32 a12, a12, 0f3F800B17;
        mul.rn.f32 a13, a13, 0f3F800B17;
        mul.rn.f32 a14, a14, 0f3F800B17;
        mul.rn.f32 a15, a15, 0f3F800B17;
        mul.rn.f32 b0, b0, 0f3F800B17;
        mul.rn.f32 b1, b1, 0f3F800B17;
        mul.rn.f32 b2, b2, 0f3F800B17;
        mul.rn.f32 b3, b3, 0f3F800B17;
        mul.rn.f32 b4, b4, 0f3F800B17;
        mul.rn.f32 b5, b5, 0f3F800B17;
        mul.rn.f32 b6, b6, 0f3F800B17;
        mul.rn.f32 b7, b7, 0f3F800B17;
        """;

    /// <summary>16 products of 16x8x8 in TF32.</summary>
    public const string MultiplyTf32 = """
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b4, b5}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b6, b7}, {acc12, acc13, acc14, acc15};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc16, acc17, acc18, acc19}, {a4, a5, a6, a7}, {b0, b1}, {acc16, acc17, acc18, acc19};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc20, acc21, acc22, acc23}, {a4, a5, a6, a7}, {b2, b3}, {acc20, acc21, acc22, acc23};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc24, acc25, acc26, acc27}, {a4, a5, a6, a7}, {b4, b5}, {acc24, acc25, acc26, acc27};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc28, acc29, acc30, acc31}, {a4, a5, a6, a7}, {b6, b7}, {acc28, acc29, acc30, acc31};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc32, acc33, acc34, acc35}, {a8, a9, a10, a11}, {b0, b1}, {acc32, acc33, acc34, acc35};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc36, acc37, acc38, acc39}, {a8, a9, a10, a11}, {b2, b3}, {acc36, acc37, acc38, acc39};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc40, acc41, acc42, acc43}, {a8, a9, a10, a11}, {b4, b5}, {acc40, acc41, acc42, acc43};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc44, acc45, acc46, acc47}, {a8, a9, a10, a11}, {b6, b7}, {acc44, acc45, acc46, acc47};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc48, acc49, acc50, acc51}, {a12, a13, a14, a15}, {b0, b1}, {acc48, acc49, acc50, acc51};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc52, acc53, acc54, acc55}, {a12, a13, a14, a15}, {b2, b3}, {acc52, acc53, acc54, acc55};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc56, acc57, acc58, acc59}, {a12, a13, a14, a15}, {b4, b5}, {acc56, acc57, acc58, acc59};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc60, acc61, acc62, acc63}, {a12, a13, a14, a15}, {b6, b7}, {acc60, acc61, acc62, acc63};
        """;

    /// <summary>16 products of 16x8x16 in BF16.</summary>
    public const string MultiplyBf16 = """
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b4, b5}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b6, b7}, {acc12, acc13, acc14, acc15};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc16, acc17, acc18, acc19}, {a4, a5, a6, a7}, {b0, b1}, {acc16, acc17, acc18, acc19};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc20, acc21, acc22, acc23}, {a4, a5, a6, a7}, {b2, b3}, {acc20, acc21, acc22, acc23};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc24, acc25, acc26, acc27}, {a4, a5, a6, a7}, {b4, b5}, {acc24, acc25, acc26, acc27};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc28, acc29, acc30, acc31}, {a4, a5, a6, a7}, {b6, b7}, {acc28, acc29, acc30, acc31};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc32, acc33, acc34, acc35}, {a8, a9, a10, a11}, {b0, b1}, {acc32, acc33, acc34, acc35};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc36, acc37, acc38, acc39}, {a8, a9, a10, a11}, {b2, b3}, {acc36, acc37, acc38, acc39};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc40, acc41, acc42, acc43}, {a8, a9, a10, a11}, {b4, b5}, {acc40, acc41, acc42, acc43};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc44, acc45, acc46, acc47}, {a8, a9, a10, a11}, {b6, b7}, {acc44, acc45, acc46, acc47};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc48, acc49, acc50, acc51}, {a12, a13, a14, a15}, {b0, b1}, {acc48, acc49, acc50, acc51};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc52, acc53, acc54, acc55}, {a12, a13, a14, a15}, {b2, b3}, {acc52, acc53, acc54, acc55};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc56, acc57, acc58, acc59}, {a12, a13, a14, a15}, {b4, b5}, {acc56, acc57, acc58, acc59};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc60, acc61, acc62, acc63}, {a12, a13, a14, a15}, {b6, b7}, {acc60, acc61, acc62, acc63};
        """;

    /// <summary>Stores row 0 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store0 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc0, acc1};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc4, acc5};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc8, acc9};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc12, acc13};
        }
        """;

    /// <summary>Stores row 8 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store1 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc2, acc3};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc6, acc7};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc10, acc11};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc14, acc15};
        }
        """;

    /// <summary>Stores row 16 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store2 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc16, acc17};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc20, acc21};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc24, acc25};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc28, acc29};
        }
        """;

    /// <summary>Stores row 24 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store3 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc18, acc19};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc22, acc23};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc26, acc27};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc30, acc31};
        }
        """;

    /// <summary>Stores row 32 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store4 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc32, acc33};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc36, acc37};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc40, acc41};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc44, acc45};
        }
        """;

    /// <summary>Stores row 40 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store5 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc34, acc35};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc38, acc39};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc42, acc43};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc46, acc47};
        }
        """;

    /// <summary>Stores row 48 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store6 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc48, acc49};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc52, acc53};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc56, acc57};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc60, acc61};
        }
        """;

    /// <summary>Stores row 56 of the lane: two columns of each tile to %0, while %1 columns are left.</summary>
    public const string Store7 = """
        {
        .reg .pred inside;
        setp.gt.s32 inside, %1, 0;
        @inside st.global.v2.f32 [%0+0], {acc50, acc51};
        setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc54, acc55};
        setp.gt.s32 inside, %1, 16;
        @inside st.global.v2.f32 [%0+64], {acc58, acc59};
        setp.gt.s32 inside, %1, 24;
        @inside st.global.v2.f32 [%0+96], {acc62, acc63};
        }
        """;
}
