using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Attention;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Generated;

/// <summary>A warp's 16 rows of attention with heads of 256 channels, in TF32; written by tools/TensorAttention.cs.</summary>
internal readonly struct TensorAttention256Tf32 : ITensorAttention
{
    private const string Names = """
        .reg .f32 acc<128>; .reg .f32 s<8>; .reg .f32 p<8>; .reg .f32 v<32>; .reg .f32 m<2>; .reg .f32 l<2>; .reg .b32 a<4>; .reg .b32 b<8>;
        .reg .b32 base; .reg .b32 at; mov.f32 m0, 0fFF800000; mov.f32 l0, 0f00000000; mov.f32 m1, 0fFF800000; mov.f32 l1, 0f00000000;
        """;

    private const string Zero = """
        mov.f32 acc0, 0f00000000; mov.f32 acc1, 0f00000000; mov.f32 acc2, 0f00000000; mov.f32 acc3, 0f00000000; mov.f32 acc4, 0f00000000;
        mov.f32 acc5, 0f00000000; mov.f32 acc6, 0f00000000; mov.f32 acc7, 0f00000000; mov.f32 acc8, 0f00000000; mov.f32 acc9, 0f00000000;
        mov.f32 acc10, 0f00000000; mov.f32 acc11, 0f00000000; mov.f32 acc12, 0f00000000; mov.f32 acc13, 0f00000000; mov.f32 acc14, 0f00000000;
        mov.f32 acc15, 0f00000000; mov.f32 acc16, 0f00000000; mov.f32 acc17, 0f00000000; mov.f32 acc18, 0f00000000; mov.f32 acc19, 0f00000000;
        mov.f32 acc20, 0f00000000; mov.f32 acc21, 0f00000000; mov.f32 acc22, 0f00000000; mov.f32 acc23, 0f00000000; mov.f32 acc24, 0f00000000;
        mov.f32 acc25, 0f00000000; mov.f32 acc26, 0f00000000; mov.f32 acc27, 0f00000000; mov.f32 acc28, 0f00000000; mov.f32 acc29, 0f00000000;
        mov.f32 acc30, 0f00000000; mov.f32 acc31, 0f00000000; mov.f32 acc32, 0f00000000; mov.f32 acc33, 0f00000000; mov.f32 acc34, 0f00000000;
        mov.f32 acc35, 0f00000000; mov.f32 acc36, 0f00000000; mov.f32 acc37, 0f00000000; mov.f32 acc38, 0f00000000; mov.f32 acc39, 0f00000000;
        mov.f32 acc40, 0f00000000; mov.f32 acc41, 0f00000000; mov.f32 acc42, 0f00000000; mov.f32 acc43, 0f00000000; mov.f32 acc44, 0f00000000;
        mov.f32 acc45, 0f00000000; mov.f32 acc46, 0f00000000; mov.f32 acc47, 0f00000000; mov.f32 acc48, 0f00000000; mov.f32 acc49, 0f00000000;
        mov.f32 acc50, 0f00000000; mov.f32 acc51, 0f00000000; mov.f32 acc52, 0f00000000; mov.f32 acc53, 0f00000000; mov.f32 acc54, 0f00000000;
        mov.f32 acc55, 0f00000000; mov.f32 acc56, 0f00000000; mov.f32 acc57, 0f00000000; mov.f32 acc58, 0f00000000; mov.f32 acc59, 0f00000000;
        mov.f32 acc60, 0f00000000; mov.f32 acc61, 0f00000000; mov.f32 acc62, 0f00000000; mov.f32 acc63, 0f00000000; mov.f32 acc64, 0f00000000;
        mov.f32 acc65, 0f00000000; mov.f32 acc66, 0f00000000; mov.f32 acc67, 0f00000000; mov.f32 acc68, 0f00000000; mov.f32 acc69, 0f00000000;
        mov.f32 acc70, 0f00000000; mov.f32 acc71, 0f00000000; mov.f32 acc72, 0f00000000; mov.f32 acc73, 0f00000000; mov.f32 acc74, 0f00000000;
        mov.f32 acc75, 0f00000000; mov.f32 acc76, 0f00000000; mov.f32 acc77, 0f00000000; mov.f32 acc78, 0f00000000; mov.f32 acc79, 0f00000000;
        mov.f32 acc80, 0f00000000; mov.f32 acc81, 0f00000000; mov.f32 acc82, 0f00000000; mov.f32 acc83, 0f00000000; mov.f32 acc84, 0f00000000;
        mov.f32 acc85, 0f00000000; mov.f32 acc86, 0f00000000; mov.f32 acc87, 0f00000000; mov.f32 acc88, 0f00000000; mov.f32 acc89, 0f00000000;
        mov.f32 acc90, 0f00000000; mov.f32 acc91, 0f00000000; mov.f32 acc92, 0f00000000; mov.f32 acc93, 0f00000000; mov.f32 acc94, 0f00000000;
        mov.f32 acc95, 0f00000000; mov.f32 acc96, 0f00000000; mov.f32 acc97, 0f00000000; mov.f32 acc98, 0f00000000; mov.f32 acc99, 0f00000000;
        mov.f32 acc100, 0f00000000; mov.f32 acc101, 0f00000000; mov.f32 acc102, 0f00000000; mov.f32 acc103, 0f00000000; mov.f32 acc104, 0f00000000;
        mov.f32 acc105, 0f00000000; mov.f32 acc106, 0f00000000; mov.f32 acc107, 0f00000000; mov.f32 acc108, 0f00000000; mov.f32 acc109, 0f00000000;
        mov.f32 acc110, 0f00000000; mov.f32 acc111, 0f00000000; mov.f32 acc112, 0f00000000; mov.f32 acc113, 0f00000000; mov.f32 acc114, 0f00000000;
        mov.f32 acc115, 0f00000000; mov.f32 acc116, 0f00000000; mov.f32 acc117, 0f00000000; mov.f32 acc118, 0f00000000; mov.f32 acc119, 0f00000000;
        mov.f32 acc120, 0f00000000; mov.f32 acc121, 0f00000000; mov.f32 acc122, 0f00000000; mov.f32 acc123, 0f00000000; mov.f32 acc124, 0f00000000;
        mov.f32 acc125, 0f00000000; mov.f32 acc126, 0f00000000; mov.f32 acc127, 0f00000000;
        """;

    private const string Loads = """
        { .reg .b32 row; .reg .b64 from; add.s32 row, %1, 0; min.s32 row, row, %2; mul.wide.s32 from, row, %3; add.s64 from, from, %0;
        ld.global.v4.f32 {v0, v1, v2, v3}, [from+0]; add.s32 row, %1, 2; min.s32 row, row, %2; mul.wide.s32 from, row, %3; add.s64 from, from, %0;
        ld.global.v4.f32 {v4, v5, v6, v7}, [from+0]; add.s32 row, %1, 4; min.s32 row, row, %2; mul.wide.s32 from, row, %3; add.s64 from, from, %0;
        ld.global.v4.f32 {v8, v9, v10, v11}, [from+0]; add.s32 row, %1, 6; min.s32 row, row, %2; mul.wide.s32 from, row, %3;
        add.s64 from, from, %0; ld.global.v4.f32 {v12, v13, v14, v15}, [from+0]; add.s32 row, %1, 8; min.s32 row, row, %2;
        mul.wide.s32 from, row, %3; add.s64 from, from, %0; ld.global.v4.f32 {v16, v17, v18, v19}, [from+0]; add.s32 row, %1, 10;
        min.s32 row, row, %2; mul.wide.s32 from, row, %3; add.s64 from, from, %0; ld.global.v4.f32 {v20, v21, v22, v23}, [from+0];
        add.s32 row, %1, 12; min.s32 row, row, %2; mul.wide.s32 from, row, %3; add.s64 from, from, %0;
        ld.global.v4.f32 {v24, v25, v26, v27}, [from+0]; add.s32 row, %1, 14; min.s32 row, row, %2; mul.wide.s32 from, row, %3;
        add.s64 from, from, %0; ld.global.v4.f32 {v28, v29, v30, v31}, [from+0]; }
        """;

    private const string Stores = """
        { .reg .b32 w<4>; add.u32 at, base, %0; mul.rn.f32 v0, v0, 0f3F800B17; mul.rn.f32 v1, v1, 0f3F800B17; mul.rn.f32 v2, v2, 0f3F800B17;
        mul.rn.f32 v3, v3, 0f3F800B17; st.shared.v4.f32 [at+0], {v0, v1, v2, v3}; mul.rn.f32 v4, v4, 0f3F800B17; mul.rn.f32 v5, v5, 0f3F800B17;
        mul.rn.f32 v6, v6, 0f3F800B17; mul.rn.f32 v7, v7, 0f3F800B17; st.shared.v4.f32 [at+2080], {v4, v5, v6, v7}; mul.rn.f32 v8, v8, 0f3F800B17;
        mul.rn.f32 v9, v9, 0f3F800B17; mul.rn.f32 v10, v10, 0f3F800B17; mul.rn.f32 v11, v11, 0f3F800B17;
        st.shared.v4.f32 [at+4160], {v8, v9, v10, v11}; mul.rn.f32 v12, v12, 0f3F800B17; mul.rn.f32 v13, v13, 0f3F800B17;
        mul.rn.f32 v14, v14, 0f3F800B17; mul.rn.f32 v15, v15, 0f3F800B17; st.shared.v4.f32 [at+6240], {v12, v13, v14, v15};
        mul.rn.f32 v16, v16, 0f3F800B17; mul.rn.f32 v17, v17, 0f3F800B17; mul.rn.f32 v18, v18, 0f3F800B17; mul.rn.f32 v19, v19, 0f3F800B17;
        st.shared.v4.f32 [at+8320], {v16, v17, v18, v19}; mul.rn.f32 v20, v20, 0f3F800B17; mul.rn.f32 v21, v21, 0f3F800B17;
        mul.rn.f32 v22, v22, 0f3F800B17; mul.rn.f32 v23, v23, 0f3F800B17; st.shared.v4.f32 [at+10400], {v20, v21, v22, v23};
        mul.rn.f32 v24, v24, 0f3F800B17; mul.rn.f32 v25, v25, 0f3F800B17; mul.rn.f32 v26, v26, 0f3F800B17; mul.rn.f32 v27, v27, 0f3F800B17;
        st.shared.v4.f32 [at+12480], {v24, v25, v26, v27}; mul.rn.f32 v28, v28, 0f3F800B17; mul.rn.f32 v29, v29, 0f3F800B17;
        mul.rn.f32 v30, v30, 0f3F800B17; mul.rn.f32 v31, v31, 0f3F800B17; st.shared.v4.f32 [at+14560], {v28, v29, v30, v31}; }
        """;

    private const string Products = """
        mov.f32 s0, 0f00000000; mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; mov.f32 s4, 0f00000000;
        mov.f32 s5, 0f00000000; mov.f32 s6, 0f00000000; mov.f32 s7, 0f00000000; { .reg .b32 left; add.u32 left, base, %0; add.u32 at, base, %1;
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+0]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+0];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+32]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+32];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+64]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+64];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+96]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+96];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+128]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+128];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+160]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+160];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+192]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+192];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+224]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+224];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+256]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+256];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+288]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+288];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+320]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+320];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+352]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+352];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+384]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+384];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+416]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+416];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+448]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+448];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+480]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+480];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+512]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+512];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+544]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+544];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+576]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+576];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+608]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+608];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+640]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+640];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+672]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+672];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+704]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+704];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+736]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+736];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+768]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+768];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+800]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+800];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+832]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+832];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+864]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+864];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+896]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+896];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+928]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+928];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+960]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+960];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+992]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+992];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7}; }
        """;

    private const string Weighted = """
        add.u32 at, base, %0; mul.rn.f32 a0, s0, 0f3F800B17; mul.rn.f32 a1, s2, 0f3F800B17; mul.rn.f32 a2, s1, 0f3F800B17;
        mul.rn.f32 a3, s3, 0f3F800B17; ld.shared.v4.b32 {b0, b2, b4, b6}, [at+0]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1040];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b4, b5}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b6, b7}, {acc12, acc13, acc14, acc15};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+128]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1168];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc16, acc17, acc18, acc19}, {a0, a1, a2, a3}, {b0, b1}, {acc16, acc17, acc18, acc19};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc20, acc21, acc22, acc23}, {a0, a1, a2, a3}, {b2, b3}, {acc20, acc21, acc22, acc23};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc24, acc25, acc26, acc27}, {a0, a1, a2, a3}, {b4, b5}, {acc24, acc25, acc26, acc27};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc28, acc29, acc30, acc31}, {a0, a1, a2, a3}, {b6, b7}, {acc28, acc29, acc30, acc31};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+256]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1296];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc32, acc33, acc34, acc35}, {a0, a1, a2, a3}, {b0, b1}, {acc32, acc33, acc34, acc35};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc36, acc37, acc38, acc39}, {a0, a1, a2, a3}, {b2, b3}, {acc36, acc37, acc38, acc39};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc40, acc41, acc42, acc43}, {a0, a1, a2, a3}, {b4, b5}, {acc40, acc41, acc42, acc43};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc44, acc45, acc46, acc47}, {a0, a1, a2, a3}, {b6, b7}, {acc44, acc45, acc46, acc47};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+384]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1424];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc48, acc49, acc50, acc51}, {a0, a1, a2, a3}, {b0, b1}, {acc48, acc49, acc50, acc51};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc52, acc53, acc54, acc55}, {a0, a1, a2, a3}, {b2, b3}, {acc52, acc53, acc54, acc55};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc56, acc57, acc58, acc59}, {a0, a1, a2, a3}, {b4, b5}, {acc56, acc57, acc58, acc59};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc60, acc61, acc62, acc63}, {a0, a1, a2, a3}, {b6, b7}, {acc60, acc61, acc62, acc63};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+512]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1552];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc64, acc65, acc66, acc67}, {a0, a1, a2, a3}, {b0, b1}, {acc64, acc65, acc66, acc67};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc68, acc69, acc70, acc71}, {a0, a1, a2, a3}, {b2, b3}, {acc68, acc69, acc70, acc71};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc72, acc73, acc74, acc75}, {a0, a1, a2, a3}, {b4, b5}, {acc72, acc73, acc74, acc75};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc76, acc77, acc78, acc79}, {a0, a1, a2, a3}, {b6, b7}, {acc76, acc77, acc78, acc79};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+640]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1680];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc80, acc81, acc82, acc83}, {a0, a1, a2, a3}, {b0, b1}, {acc80, acc81, acc82, acc83};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc84, acc85, acc86, acc87}, {a0, a1, a2, a3}, {b2, b3}, {acc84, acc85, acc86, acc87};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc88, acc89, acc90, acc91}, {a0, a1, a2, a3}, {b4, b5}, {acc88, acc89, acc90, acc91};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc92, acc93, acc94, acc95}, {a0, a1, a2, a3}, {b6, b7}, {acc92, acc93, acc94, acc95};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+768]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1808];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc96, acc97, acc98, acc99}, {a0, a1, a2, a3}, {b0, b1}, {acc96, acc97, acc98, acc99};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc100, acc101, acc102, acc103}, {a0, a1, a2, a3}, {b2, b3}, {acc100, acc101, acc102, acc103};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc104, acc105, acc106, acc107}, {a0, a1, a2, a3}, {b4, b5}, {acc104, acc105, acc106, acc107};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc108, acc109, acc110, acc111}, {a0, a1, a2, a3}, {b6, b7}, {acc108, acc109, acc110, acc111};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+896]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+1936];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc112, acc113, acc114, acc115}, {a0, a1, a2, a3}, {b0, b1}, {acc112, acc113, acc114, acc115};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc116, acc117, acc118, acc119}, {a0, a1, a2, a3}, {b2, b3}, {acc116, acc117, acc118, acc119};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc120, acc121, acc122, acc123}, {a0, a1, a2, a3}, {b4, b5}, {acc120, acc121, acc122, acc123};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc124, acc125, acc126, acc127}, {a0, a1, a2, a3}, {b6, b7}, {acc124, acc125, acc126, acc127};
        mul.rn.f32 a0, s4, 0f3F800B17; mul.rn.f32 a1, s6, 0f3F800B17; mul.rn.f32 a2, s5, 0f3F800B17; mul.rn.f32 a3, s7, 0f3F800B17;
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+8320]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+9360];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b4, b5}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b6, b7}, {acc12, acc13, acc14, acc15};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+8448]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+9488];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc16, acc17, acc18, acc19}, {a0, a1, a2, a3}, {b0, b1}, {acc16, acc17, acc18, acc19};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc20, acc21, acc22, acc23}, {a0, a1, a2, a3}, {b2, b3}, {acc20, acc21, acc22, acc23};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc24, acc25, acc26, acc27}, {a0, a1, a2, a3}, {b4, b5}, {acc24, acc25, acc26, acc27};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc28, acc29, acc30, acc31}, {a0, a1, a2, a3}, {b6, b7}, {acc28, acc29, acc30, acc31};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+8576]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+9616];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc32, acc33, acc34, acc35}, {a0, a1, a2, a3}, {b0, b1}, {acc32, acc33, acc34, acc35};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc36, acc37, acc38, acc39}, {a0, a1, a2, a3}, {b2, b3}, {acc36, acc37, acc38, acc39};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc40, acc41, acc42, acc43}, {a0, a1, a2, a3}, {b4, b5}, {acc40, acc41, acc42, acc43};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc44, acc45, acc46, acc47}, {a0, a1, a2, a3}, {b6, b7}, {acc44, acc45, acc46, acc47};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+8704]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+9744];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc48, acc49, acc50, acc51}, {a0, a1, a2, a3}, {b0, b1}, {acc48, acc49, acc50, acc51};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc52, acc53, acc54, acc55}, {a0, a1, a2, a3}, {b2, b3}, {acc52, acc53, acc54, acc55};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc56, acc57, acc58, acc59}, {a0, a1, a2, a3}, {b4, b5}, {acc56, acc57, acc58, acc59};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc60, acc61, acc62, acc63}, {a0, a1, a2, a3}, {b6, b7}, {acc60, acc61, acc62, acc63};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+8832]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+9872];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc64, acc65, acc66, acc67}, {a0, a1, a2, a3}, {b0, b1}, {acc64, acc65, acc66, acc67};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc68, acc69, acc70, acc71}, {a0, a1, a2, a3}, {b2, b3}, {acc68, acc69, acc70, acc71};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc72, acc73, acc74, acc75}, {a0, a1, a2, a3}, {b4, b5}, {acc72, acc73, acc74, acc75};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc76, acc77, acc78, acc79}, {a0, a1, a2, a3}, {b6, b7}, {acc76, acc77, acc78, acc79};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+8960]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+10000];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc80, acc81, acc82, acc83}, {a0, a1, a2, a3}, {b0, b1}, {acc80, acc81, acc82, acc83};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc84, acc85, acc86, acc87}, {a0, a1, a2, a3}, {b2, b3}, {acc84, acc85, acc86, acc87};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc88, acc89, acc90, acc91}, {a0, a1, a2, a3}, {b4, b5}, {acc88, acc89, acc90, acc91};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc92, acc93, acc94, acc95}, {a0, a1, a2, a3}, {b6, b7}, {acc92, acc93, acc94, acc95};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+9088]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+10128];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc96, acc97, acc98, acc99}, {a0, a1, a2, a3}, {b0, b1}, {acc96, acc97, acc98, acc99};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc100, acc101, acc102, acc103}, {a0, a1, a2, a3}, {b2, b3}, {acc100, acc101, acc102, acc103};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc104, acc105, acc106, acc107}, {a0, a1, a2, a3}, {b4, b5}, {acc104, acc105, acc106, acc107};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc108, acc109, acc110, acc111}, {a0, a1, a2, a3}, {b6, b7}, {acc108, acc109, acc110, acc111};
        ld.shared.v4.b32 {b0, b2, b4, b6}, [at+9216]; ld.shared.v4.b32 {b1, b3, b5, b7}, [at+10256];
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc112, acc113, acc114, acc115}, {a0, a1, a2, a3}, {b0, b1}, {acc112, acc113, acc114, acc115};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc116, acc117, acc118, acc119}, {a0, a1, a2, a3}, {b2, b3}, {acc116, acc117, acc118, acc119};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc120, acc121, acc122, acc123}, {a0, a1, a2, a3}, {b4, b5}, {acc120, acc121, acc122, acc123};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc124, acc125, acc126, acc127}, {a0, a1, a2, a3}, {b6, b7}, {acc124, acc125, acc126, acc127};
        """;

    private const string Masked = """
        { .reg .pred inside; setp.gt.s32 inside, %0, 0; selp.f32 s0, s0, 0fFF800000, inside; selp.f32 s2, s2, 0fFF800000, inside;
        setp.gt.s32 inside, %0, 1; selp.f32 s1, s1, 0fFF800000, inside; selp.f32 s3, s3, 0fFF800000, inside; setp.gt.s32 inside, %0, 8;
        selp.f32 s4, s4, 0fFF800000, inside; selp.f32 s6, s6, 0fFF800000, inside; setp.gt.s32 inside, %0, 9; selp.f32 s5, s5, 0fFF800000, inside;
        selp.f32 s7, s7, 0fFF800000, inside; }
        """;

    private const string Online = """
        { .reg .f32 n<2>; .reg .f32 shrink<2>; .reg .f32 t; mov.f32 n0, m0; mov.f32 n1, m1; max.f32 n0, n0, s0; max.f32 n0, n0, s1;
        max.f32 n1, n1, s2; max.f32 n1, n1, s3; max.f32 n0, n0, s4; max.f32 n0, n0, s5; max.f32 n1, n1, s6; max.f32 n1, n1, s7;
        shfl.sync.bfly.b32 t, n0, 1, 31, 0xffffffff; max.f32 n0, n0, t; shfl.sync.bfly.b32 t, n0, 2, 31, 0xffffffff; max.f32 n0, n0, t;
        shfl.sync.bfly.b32 t, n1, 1, 31, 0xffffffff; max.f32 n1, n1, t; shfl.sync.bfly.b32 t, n1, 2, 31, 0xffffffff; max.f32 n1, n1, t;
        sub.f32 t, m0, n0; mul.f32 t, t, %0; ex2.approx.ftz.f32 shrink0, t; mov.f32 m0, n0; mul.f32 n0, n0, %0; neg.f32 n0, n0;
        mul.f32 l0, l0, shrink0; sub.f32 t, m1, n1; mul.f32 t, t, %0; ex2.approx.ftz.f32 shrink1, t; mov.f32 m1, n1; mul.f32 n1, n1, %0;
        neg.f32 n1, n1; mul.f32 l1, l1, shrink1; fma.rn.f32 s0, s0, %0, n0; ex2.approx.ftz.f32 s0, s0; add.f32 l0, l0, s0;
        fma.rn.f32 s1, s1, %0, n0; ex2.approx.ftz.f32 s1, s1; add.f32 l0, l0, s1; fma.rn.f32 s2, s2, %0, n1; ex2.approx.ftz.f32 s2, s2;
        add.f32 l1, l1, s2; fma.rn.f32 s3, s3, %0, n1; ex2.approx.ftz.f32 s3, s3; add.f32 l1, l1, s3; fma.rn.f32 s4, s4, %0, n0;
        ex2.approx.ftz.f32 s4, s4; add.f32 l0, l0, s4; fma.rn.f32 s5, s5, %0, n0; ex2.approx.ftz.f32 s5, s5; add.f32 l0, l0, s5;
        fma.rn.f32 s6, s6, %0, n1; ex2.approx.ftz.f32 s6, s6; add.f32 l1, l1, s6; fma.rn.f32 s7, s7, %0, n1; ex2.approx.ftz.f32 s7, s7;
        add.f32 l1, l1, s7; mul.f32 acc0, acc0, shrink0; mul.f32 acc1, acc1, shrink0; mul.f32 acc2, acc2, shrink1; mul.f32 acc3, acc3, shrink1;
        mul.f32 acc4, acc4, shrink0; mul.f32 acc5, acc5, shrink0; mul.f32 acc6, acc6, shrink1; mul.f32 acc7, acc7, shrink1;
        mul.f32 acc8, acc8, shrink0; mul.f32 acc9, acc9, shrink0; mul.f32 acc10, acc10, shrink1; mul.f32 acc11, acc11, shrink1;
        mul.f32 acc12, acc12, shrink0; mul.f32 acc13, acc13, shrink0; mul.f32 acc14, acc14, shrink1; mul.f32 acc15, acc15, shrink1;
        mul.f32 acc16, acc16, shrink0; mul.f32 acc17, acc17, shrink0; mul.f32 acc18, acc18, shrink1; mul.f32 acc19, acc19, shrink1;
        mul.f32 acc20, acc20, shrink0; mul.f32 acc21, acc21, shrink0; mul.f32 acc22, acc22, shrink1; mul.f32 acc23, acc23, shrink1;
        mul.f32 acc24, acc24, shrink0; mul.f32 acc25, acc25, shrink0; mul.f32 acc26, acc26, shrink1; mul.f32 acc27, acc27, shrink1;
        mul.f32 acc28, acc28, shrink0; mul.f32 acc29, acc29, shrink0; mul.f32 acc30, acc30, shrink1; mul.f32 acc31, acc31, shrink1;
        mul.f32 acc32, acc32, shrink0; mul.f32 acc33, acc33, shrink0; mul.f32 acc34, acc34, shrink1; mul.f32 acc35, acc35, shrink1;
        mul.f32 acc36, acc36, shrink0; mul.f32 acc37, acc37, shrink0; mul.f32 acc38, acc38, shrink1; mul.f32 acc39, acc39, shrink1;
        mul.f32 acc40, acc40, shrink0; mul.f32 acc41, acc41, shrink0; mul.f32 acc42, acc42, shrink1; mul.f32 acc43, acc43, shrink1;
        mul.f32 acc44, acc44, shrink0; mul.f32 acc45, acc45, shrink0; mul.f32 acc46, acc46, shrink1; mul.f32 acc47, acc47, shrink1;
        mul.f32 acc48, acc48, shrink0; mul.f32 acc49, acc49, shrink0; mul.f32 acc50, acc50, shrink1; mul.f32 acc51, acc51, shrink1;
        mul.f32 acc52, acc52, shrink0; mul.f32 acc53, acc53, shrink0; mul.f32 acc54, acc54, shrink1; mul.f32 acc55, acc55, shrink1;
        mul.f32 acc56, acc56, shrink0; mul.f32 acc57, acc57, shrink0; mul.f32 acc58, acc58, shrink1; mul.f32 acc59, acc59, shrink1;
        mul.f32 acc60, acc60, shrink0; mul.f32 acc61, acc61, shrink0; mul.f32 acc62, acc62, shrink1; mul.f32 acc63, acc63, shrink1;
        mul.f32 acc64, acc64, shrink0; mul.f32 acc65, acc65, shrink0; mul.f32 acc66, acc66, shrink1; mul.f32 acc67, acc67, shrink1;
        mul.f32 acc68, acc68, shrink0; mul.f32 acc69, acc69, shrink0; mul.f32 acc70, acc70, shrink1; mul.f32 acc71, acc71, shrink1;
        mul.f32 acc72, acc72, shrink0; mul.f32 acc73, acc73, shrink0; mul.f32 acc74, acc74, shrink1; mul.f32 acc75, acc75, shrink1;
        mul.f32 acc76, acc76, shrink0; mul.f32 acc77, acc77, shrink0; mul.f32 acc78, acc78, shrink1; mul.f32 acc79, acc79, shrink1;
        mul.f32 acc80, acc80, shrink0; mul.f32 acc81, acc81, shrink0; mul.f32 acc82, acc82, shrink1; mul.f32 acc83, acc83, shrink1;
        mul.f32 acc84, acc84, shrink0; mul.f32 acc85, acc85, shrink0; mul.f32 acc86, acc86, shrink1; mul.f32 acc87, acc87, shrink1;
        mul.f32 acc88, acc88, shrink0; mul.f32 acc89, acc89, shrink0; mul.f32 acc90, acc90, shrink1; mul.f32 acc91, acc91, shrink1;
        mul.f32 acc92, acc92, shrink0; mul.f32 acc93, acc93, shrink0; mul.f32 acc94, acc94, shrink1; mul.f32 acc95, acc95, shrink1;
        mul.f32 acc96, acc96, shrink0; mul.f32 acc97, acc97, shrink0; mul.f32 acc98, acc98, shrink1; mul.f32 acc99, acc99, shrink1;
        mul.f32 acc100, acc100, shrink0; mul.f32 acc101, acc101, shrink0; mul.f32 acc102, acc102, shrink1; mul.f32 acc103, acc103, shrink1;
        mul.f32 acc104, acc104, shrink0; mul.f32 acc105, acc105, shrink0; mul.f32 acc106, acc106, shrink1; mul.f32 acc107, acc107, shrink1;
        mul.f32 acc108, acc108, shrink0; mul.f32 acc109, acc109, shrink0; mul.f32 acc110, acc110, shrink1; mul.f32 acc111, acc111, shrink1;
        mul.f32 acc112, acc112, shrink0; mul.f32 acc113, acc113, shrink0; mul.f32 acc114, acc114, shrink1; mul.f32 acc115, acc115, shrink1;
        mul.f32 acc116, acc116, shrink0; mul.f32 acc117, acc117, shrink0; mul.f32 acc118, acc118, shrink1; mul.f32 acc119, acc119, shrink1;
        mul.f32 acc120, acc120, shrink0; mul.f32 acc121, acc121, shrink0; mul.f32 acc122, acc122, shrink1; mul.f32 acc123, acc123, shrink1;
        mul.f32 acc124, acc124, shrink0; mul.f32 acc125, acc125, shrink0; mul.f32 acc126, acc126, shrink1; mul.f32 acc127, acc127, shrink1; }
        """;

    private const string Quotient = """
        { .reg .f32 t; shfl.sync.bfly.b32 t, l0, 1, 31, 0xffffffff; add.f32 l0, l0, t; shfl.sync.bfly.b32 t, l0, 2, 31, 0xffffffff;
        add.f32 l0, l0, t; lg2.approx.ftz.f32 t, l0; mul.f32 t, t, 0f3F317218; fma.rn.f32 m0, m0, %0, t; rcp.approx.ftz.f32 l0, l0;
        shfl.sync.bfly.b32 t, l1, 1, 31, 0xffffffff; add.f32 l1, l1, t; shfl.sync.bfly.b32 t, l1, 2, 31, 0xffffffff; add.f32 l1, l1, t;
        lg2.approx.ftz.f32 t, l1; mul.f32 t, t, 0f3F317218; fma.rn.f32 m1, m1, %0, t; rcp.approx.ftz.f32 l1, l1; mul.f32 acc0, acc0, l0;
        mul.f32 acc1, acc1, l0; mul.f32 acc2, acc2, l1; mul.f32 acc3, acc3, l1; mul.f32 acc4, acc4, l0; mul.f32 acc5, acc5, l0;
        mul.f32 acc6, acc6, l1; mul.f32 acc7, acc7, l1; mul.f32 acc8, acc8, l0; mul.f32 acc9, acc9, l0; mul.f32 acc10, acc10, l1;
        mul.f32 acc11, acc11, l1; mul.f32 acc12, acc12, l0; mul.f32 acc13, acc13, l0; mul.f32 acc14, acc14, l1; mul.f32 acc15, acc15, l1;
        mul.f32 acc16, acc16, l0; mul.f32 acc17, acc17, l0; mul.f32 acc18, acc18, l1; mul.f32 acc19, acc19, l1; mul.f32 acc20, acc20, l0;
        mul.f32 acc21, acc21, l0; mul.f32 acc22, acc22, l1; mul.f32 acc23, acc23, l1; mul.f32 acc24, acc24, l0; mul.f32 acc25, acc25, l0;
        mul.f32 acc26, acc26, l1; mul.f32 acc27, acc27, l1; mul.f32 acc28, acc28, l0; mul.f32 acc29, acc29, l0; mul.f32 acc30, acc30, l1;
        mul.f32 acc31, acc31, l1; mul.f32 acc32, acc32, l0; mul.f32 acc33, acc33, l0; mul.f32 acc34, acc34, l1; mul.f32 acc35, acc35, l1;
        mul.f32 acc36, acc36, l0; mul.f32 acc37, acc37, l0; mul.f32 acc38, acc38, l1; mul.f32 acc39, acc39, l1; mul.f32 acc40, acc40, l0;
        mul.f32 acc41, acc41, l0; mul.f32 acc42, acc42, l1; mul.f32 acc43, acc43, l1; mul.f32 acc44, acc44, l0; mul.f32 acc45, acc45, l0;
        mul.f32 acc46, acc46, l1; mul.f32 acc47, acc47, l1; mul.f32 acc48, acc48, l0; mul.f32 acc49, acc49, l0; mul.f32 acc50, acc50, l1;
        mul.f32 acc51, acc51, l1; mul.f32 acc52, acc52, l0; mul.f32 acc53, acc53, l0; mul.f32 acc54, acc54, l1; mul.f32 acc55, acc55, l1;
        mul.f32 acc56, acc56, l0; mul.f32 acc57, acc57, l0; mul.f32 acc58, acc58, l1; mul.f32 acc59, acc59, l1; mul.f32 acc60, acc60, l0;
        mul.f32 acc61, acc61, l0; mul.f32 acc62, acc62, l1; mul.f32 acc63, acc63, l1; mul.f32 acc64, acc64, l0; mul.f32 acc65, acc65, l0;
        mul.f32 acc66, acc66, l1; mul.f32 acc67, acc67, l1; mul.f32 acc68, acc68, l0; mul.f32 acc69, acc69, l0; mul.f32 acc70, acc70, l1;
        mul.f32 acc71, acc71, l1; mul.f32 acc72, acc72, l0; mul.f32 acc73, acc73, l0; mul.f32 acc74, acc74, l1; mul.f32 acc75, acc75, l1;
        mul.f32 acc76, acc76, l0; mul.f32 acc77, acc77, l0; mul.f32 acc78, acc78, l1; mul.f32 acc79, acc79, l1; mul.f32 acc80, acc80, l0;
        mul.f32 acc81, acc81, l0; mul.f32 acc82, acc82, l1; mul.f32 acc83, acc83, l1; mul.f32 acc84, acc84, l0; mul.f32 acc85, acc85, l0;
        mul.f32 acc86, acc86, l1; mul.f32 acc87, acc87, l1; mul.f32 acc88, acc88, l0; mul.f32 acc89, acc89, l0; mul.f32 acc90, acc90, l1;
        mul.f32 acc91, acc91, l1; mul.f32 acc92, acc92, l0; mul.f32 acc93, acc93, l0; mul.f32 acc94, acc94, l1; mul.f32 acc95, acc95, l1;
        mul.f32 acc96, acc96, l0; mul.f32 acc97, acc97, l0; mul.f32 acc98, acc98, l1; mul.f32 acc99, acc99, l1; mul.f32 acc100, acc100, l0;
        mul.f32 acc101, acc101, l0; mul.f32 acc102, acc102, l1; mul.f32 acc103, acc103, l1; mul.f32 acc104, acc104, l0; mul.f32 acc105, acc105, l0;
        mul.f32 acc106, acc106, l1; mul.f32 acc107, acc107, l1; mul.f32 acc108, acc108, l0; mul.f32 acc109, acc109, l0; mul.f32 acc110, acc110, l1;
        mul.f32 acc111, acc111, l1; mul.f32 acc112, acc112, l0; mul.f32 acc113, acc113, l0; mul.f32 acc114, acc114, l1; mul.f32 acc115, acc115, l1;
        mul.f32 acc116, acc116, l0; mul.f32 acc117, acc117, l0; mul.f32 acc118, acc118, l1; mul.f32 acc119, acc119, l1; mul.f32 acc120, acc120, l0;
        mul.f32 acc121, acc121, l0; mul.f32 acc122, acc122, l1; mul.f32 acc123, acc123, l1; mul.f32 acc124, acc124, l0; mul.f32 acc125, acc125, l0;
        mul.f32 acc126, acc126, l1; mul.f32 acc127, acc127, l1; }
        """;

    private const string RowStatistics = """
        ld.global.v2.f32 {m0, l0}, [%0]; ld.global.v2.f32 {m1, l1}, [%1]; mul.f32 m0, m0, 0fBFB8AA3B; mul.f32 m1, m1, 0fBFB8AA3B;
        """;

    private const string RowWeights = """
        fma.rn.f32 p0, s0, %0, m0; ex2.approx.ftz.f32 p0, p0; fma.rn.f32 p1, s1, %0, m0; ex2.approx.ftz.f32 p1, p1; fma.rn.f32 p2, s2, %0, m1;
        ex2.approx.ftz.f32 p2, p2; fma.rn.f32 p3, s3, %0, m1; ex2.approx.ftz.f32 p3, p3; fma.rn.f32 p4, s4, %0, m0; ex2.approx.ftz.f32 p4, p4;
        fma.rn.f32 p5, s5, %0, m0; ex2.approx.ftz.f32 p5, p5; fma.rn.f32 p6, s6, %0, m1; ex2.approx.ftz.f32 p6, p6; fma.rn.f32 p7, s7, %0, m1;
        ex2.approx.ftz.f32 p7, p7;
        """;

    private const string RowDifferences = """
        sub.f32 s0, s0, l0; mul.f32 s0, s0, p0; sub.f32 s1, s1, l0; mul.f32 s1, s1, p1; sub.f32 s2, s2, l1; mul.f32 s2, s2, p2; sub.f32 s3, s3, l1;
        mul.f32 s3, s3, p3; sub.f32 s4, s4, l0; mul.f32 s4, s4, p4; sub.f32 s5, s5, l0; mul.f32 s5, s5, p5; sub.f32 s6, s6, l1; mul.f32 s6, s6, p6;
        sub.f32 s7, s7, l1; mul.f32 s7, s7, p7;
        """;

    private const string ColumnWeights = """
        { .reg .b32 column; .reg .b64 from; .reg .f32 x<4>; add.s32 column, %2, 0; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x0, [from+0]; add.s32 column, %2, 1; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x1, [from+0]; add.s32 column, %2, 8; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x2, [from+0]; add.s32 column, %2, 9; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x3, [from+0]; mul.f32 x0, x0, 0fBFB8AA3B; fma.rn.f32 p0, s0, %0, x0; ex2.approx.ftz.f32 p0, p0;
        mul.f32 x1, x1, 0fBFB8AA3B; fma.rn.f32 p1, s1, %0, x1; ex2.approx.ftz.f32 p1, p1; fma.rn.f32 p2, s2, %0, x0; ex2.approx.ftz.f32 p2, p2;
        fma.rn.f32 p3, s3, %0, x1; ex2.approx.ftz.f32 p3, p3; mul.f32 x2, x2, 0fBFB8AA3B; fma.rn.f32 p4, s4, %0, x2; ex2.approx.ftz.f32 p4, p4;
        mul.f32 x3, x3, 0fBFB8AA3B; fma.rn.f32 p5, s5, %0, x3; ex2.approx.ftz.f32 p5, p5; fma.rn.f32 p6, s6, %0, x2; ex2.approx.ftz.f32 p6, p6;
        fma.rn.f32 p7, s7, %0, x3; ex2.approx.ftz.f32 p7, p7; }
        """;

    private const string ColumnDifferences = """
        { .reg .b32 column; .reg .b64 from; .reg .f32 x<4>; add.s32 column, %1, 0; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x0, [from+4]; add.s32 column, %1, 1; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x1, [from+4]; add.s32 column, %1, 8; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x2, [from+4]; add.s32 column, %1, 9; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x3, [from+4]; sub.f32 s0, s0, x0; mul.f32 s0, s0, p0; sub.f32 s1, s1, x1; mul.f32 s1, s1, p1;
        sub.f32 s2, s2, x0; mul.f32 s2, s2, p2; sub.f32 s3, s3, x1; mul.f32 s3, s3, p3; sub.f32 s4, s4, x2; mul.f32 s4, s4, p4; sub.f32 s5, s5, x3;
        mul.f32 s5, s5, p5; sub.f32 s6, s6, x2; mul.f32 s6, s6, p6; sub.f32 s7, s7, x3; mul.f32 s7, s7, p7; }
        """;

    private const string Copies = """
        mov.f32 s0, p0; mov.f32 s1, p1; mov.f32 s2, p2; mov.f32 s3, p3; mov.f32 s4, p4; mov.f32 s5, p5; mov.f32 s6, p6; mov.f32 s7, p7;
        """;

    private const string Scaled = """
        mul.f32 acc0, acc0, %0; mul.f32 acc1, acc1, %0; mul.f32 acc2, acc2, %0; mul.f32 acc3, acc3, %0; mul.f32 acc4, acc4, %0;
        mul.f32 acc5, acc5, %0; mul.f32 acc6, acc6, %0; mul.f32 acc7, acc7, %0; mul.f32 acc8, acc8, %0; mul.f32 acc9, acc9, %0;
        mul.f32 acc10, acc10, %0; mul.f32 acc11, acc11, %0; mul.f32 acc12, acc12, %0; mul.f32 acc13, acc13, %0; mul.f32 acc14, acc14, %0;
        mul.f32 acc15, acc15, %0; mul.f32 acc16, acc16, %0; mul.f32 acc17, acc17, %0; mul.f32 acc18, acc18, %0; mul.f32 acc19, acc19, %0;
        mul.f32 acc20, acc20, %0; mul.f32 acc21, acc21, %0; mul.f32 acc22, acc22, %0; mul.f32 acc23, acc23, %0; mul.f32 acc24, acc24, %0;
        mul.f32 acc25, acc25, %0; mul.f32 acc26, acc26, %0; mul.f32 acc27, acc27, %0; mul.f32 acc28, acc28, %0; mul.f32 acc29, acc29, %0;
        mul.f32 acc30, acc30, %0; mul.f32 acc31, acc31, %0; mul.f32 acc32, acc32, %0; mul.f32 acc33, acc33, %0; mul.f32 acc34, acc34, %0;
        mul.f32 acc35, acc35, %0; mul.f32 acc36, acc36, %0; mul.f32 acc37, acc37, %0; mul.f32 acc38, acc38, %0; mul.f32 acc39, acc39, %0;
        mul.f32 acc40, acc40, %0; mul.f32 acc41, acc41, %0; mul.f32 acc42, acc42, %0; mul.f32 acc43, acc43, %0; mul.f32 acc44, acc44, %0;
        mul.f32 acc45, acc45, %0; mul.f32 acc46, acc46, %0; mul.f32 acc47, acc47, %0; mul.f32 acc48, acc48, %0; mul.f32 acc49, acc49, %0;
        mul.f32 acc50, acc50, %0; mul.f32 acc51, acc51, %0; mul.f32 acc52, acc52, %0; mul.f32 acc53, acc53, %0; mul.f32 acc54, acc54, %0;
        mul.f32 acc55, acc55, %0; mul.f32 acc56, acc56, %0; mul.f32 acc57, acc57, %0; mul.f32 acc58, acc58, %0; mul.f32 acc59, acc59, %0;
        mul.f32 acc60, acc60, %0; mul.f32 acc61, acc61, %0; mul.f32 acc62, acc62, %0; mul.f32 acc63, acc63, %0; mul.f32 acc64, acc64, %0;
        mul.f32 acc65, acc65, %0; mul.f32 acc66, acc66, %0; mul.f32 acc67, acc67, %0; mul.f32 acc68, acc68, %0; mul.f32 acc69, acc69, %0;
        mul.f32 acc70, acc70, %0; mul.f32 acc71, acc71, %0; mul.f32 acc72, acc72, %0; mul.f32 acc73, acc73, %0; mul.f32 acc74, acc74, %0;
        mul.f32 acc75, acc75, %0; mul.f32 acc76, acc76, %0; mul.f32 acc77, acc77, %0; mul.f32 acc78, acc78, %0; mul.f32 acc79, acc79, %0;
        mul.f32 acc80, acc80, %0; mul.f32 acc81, acc81, %0; mul.f32 acc82, acc82, %0; mul.f32 acc83, acc83, %0; mul.f32 acc84, acc84, %0;
        mul.f32 acc85, acc85, %0; mul.f32 acc86, acc86, %0; mul.f32 acc87, acc87, %0; mul.f32 acc88, acc88, %0; mul.f32 acc89, acc89, %0;
        mul.f32 acc90, acc90, %0; mul.f32 acc91, acc91, %0; mul.f32 acc92, acc92, %0; mul.f32 acc93, acc93, %0; mul.f32 acc94, acc94, %0;
        mul.f32 acc95, acc95, %0; mul.f32 acc96, acc96, %0; mul.f32 acc97, acc97, %0; mul.f32 acc98, acc98, %0; mul.f32 acc99, acc99, %0;
        mul.f32 acc100, acc100, %0; mul.f32 acc101, acc101, %0; mul.f32 acc102, acc102, %0; mul.f32 acc103, acc103, %0; mul.f32 acc104, acc104, %0;
        mul.f32 acc105, acc105, %0; mul.f32 acc106, acc106, %0; mul.f32 acc107, acc107, %0; mul.f32 acc108, acc108, %0; mul.f32 acc109, acc109, %0;
        mul.f32 acc110, acc110, %0; mul.f32 acc111, acc111, %0; mul.f32 acc112, acc112, %0; mul.f32 acc113, acc113, %0; mul.f32 acc114, acc114, %0;
        mul.f32 acc115, acc115, %0; mul.f32 acc116, acc116, %0; mul.f32 acc117, acc117, %0; mul.f32 acc118, acc118, %0; mul.f32 acc119, acc119, %0;
        mul.f32 acc120, acc120, %0; mul.f32 acc121, acc121, %0; mul.f32 acc122, acc122, %0; mul.f32 acc123, acc123, %0; mul.f32 acc124, acc124, %0;
        mul.f32 acc125, acc125, %0; mul.f32 acc126, acc126, %0; mul.f32 acc127, acc127, %0;
        """;

    private const string Result0 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc0, acc4, acc8, acc12};
        @inside st.global.v4.f32 [%0+16], {acc1, acc5, acc9, acc13}; @inside st.global.v4.f32 [%0+128], {acc16, acc20, acc24, acc28};
        @inside st.global.v4.f32 [%0+144], {acc17, acc21, acc25, acc29}; @inside st.global.v4.f32 [%0+256], {acc32, acc36, acc40, acc44};
        @inside st.global.v4.f32 [%0+272], {acc33, acc37, acc41, acc45}; @inside st.global.v4.f32 [%0+384], {acc48, acc52, acc56, acc60};
        @inside st.global.v4.f32 [%0+400], {acc49, acc53, acc57, acc61}; @inside st.global.v4.f32 [%0+512], {acc64, acc68, acc72, acc76};
        @inside st.global.v4.f32 [%0+528], {acc65, acc69, acc73, acc77}; @inside st.global.v4.f32 [%0+640], {acc80, acc84, acc88, acc92};
        @inside st.global.v4.f32 [%0+656], {acc81, acc85, acc89, acc93}; @inside st.global.v4.f32 [%0+768], {acc96, acc100, acc104, acc108};
        @inside st.global.v4.f32 [%0+784], {acc97, acc101, acc105, acc109}; @inside st.global.v4.f32 [%0+896], {acc112, acc116, acc120, acc124};
        @inside st.global.v4.f32 [%0+912], {acc113, acc117, acc121, acc125}; }
        """;

    private const string Result1 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc2, acc6, acc10, acc14};
        @inside st.global.v4.f32 [%0+16], {acc3, acc7, acc11, acc15}; @inside st.global.v4.f32 [%0+128], {acc18, acc22, acc26, acc30};
        @inside st.global.v4.f32 [%0+144], {acc19, acc23, acc27, acc31}; @inside st.global.v4.f32 [%0+256], {acc34, acc38, acc42, acc46};
        @inside st.global.v4.f32 [%0+272], {acc35, acc39, acc43, acc47}; @inside st.global.v4.f32 [%0+384], {acc50, acc54, acc58, acc62};
        @inside st.global.v4.f32 [%0+400], {acc51, acc55, acc59, acc63}; @inside st.global.v4.f32 [%0+512], {acc66, acc70, acc74, acc78};
        @inside st.global.v4.f32 [%0+528], {acc67, acc71, acc75, acc79}; @inside st.global.v4.f32 [%0+640], {acc82, acc86, acc90, acc94};
        @inside st.global.v4.f32 [%0+656], {acc83, acc87, acc91, acc95}; @inside st.global.v4.f32 [%0+768], {acc98, acc102, acc106, acc110};
        @inside st.global.v4.f32 [%0+784], {acc99, acc103, acc107, acc111}; @inside st.global.v4.f32 [%0+896], {acc114, acc118, acc122, acc126};
        @inside st.global.v4.f32 [%0+912], {acc115, acc119, acc123, acc127}; }
        """;

    private const string LogSumExp0 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.f32 [%0], m0; }
        """;

    private const string LogSumExp1 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.f32 [%0], m1; }
        """;

    public static int Head { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 256; }

    public static int Block { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 16; }

    public static bool IsBf16 { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => false; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare()
    {
        CudaAsm.Emit(Names);
        CudaAsm.Emit(Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(long from, int row, int last, int pitch)
    {
        CudaAsm.Emit(Loads, from, row, last, pitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Place(int to)
    {
        CudaAsm.Emit(Stores, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scores(int rows, int columns)
    {
        CudaAsm.Emit(Products, rows, columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(int values)
    {
        CudaAsm.Emit(Weighted, values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Mask(int left)
    {
        CudaAsm.Emit(Masked, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Softmax(float scale)
    {
        CudaAsm.Emit(Online, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Divide(float scale)
    {
        CudaAsm.Emit(Quotient, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadStatistics(long upper, long lower)
    {
        CudaAsm.Emit(RowStatistics, upper, lower);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeighRows(float scale)
    {
        CudaAsm.Emit(RowWeights, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DifferRows()
    {
        CudaAsm.Emit(RowDifferences);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeighColumns(float scale, long statistics, int column, int last)
    {
        CudaAsm.Emit(ColumnWeights, scale, statistics, column, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DifferColumns(long statistics, int column, int last)
    {
        CudaAsm.Emit(ColumnDifferences, statistics, column, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UseWeights()
    {
        CudaAsm.Emit(Copies);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(float scale)
    {
        CudaAsm.Emit(Scaled, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(long y, int pitch, bool upper, bool lower)
    {
        CudaAsm.Emit(Result0, y, Utilities.Select(upper, 1, 0));
        CudaAsm.Emit(Result1, y + 8L * pitch, Utilities.Select(lower, 1, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLogSumExp(long lse, bool upper, bool lower)
    {
        CudaAsm.Emit(LogSumExp0, lse, Utilities.Select(upper, 1, 0));
        CudaAsm.Emit(LogSumExp1, lse + 32, Utilities.Select(lower, 1, 0));
    }
}
