using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Generated;

/// <summary>A warp's tile of 64 x 32; written by tools/TensorFragments.cs.</summary>
internal readonly partial struct TensorFragments64x32 : ITensorFragments
{
    private const string Registers = """
        .reg .f32 acc<64>; .reg .b32 a<16>; .reg .b32 b<8>; .reg .b32 kept<24>; .reg .b32 base; .reg .b32 at; .reg .b32 below;
        """;

    private const string Start0 = """
        mov.f32 acc0, %0; mov.f32 acc1, %1; mov.f32 acc2, %0; mov.f32 acc3, %1; mov.f32 acc16, %0; mov.f32 acc17, %1; mov.f32 acc18, %0;
        mov.f32 acc19, %1; mov.f32 acc32, %0; mov.f32 acc33, %1; mov.f32 acc34, %0; mov.f32 acc35, %1; mov.f32 acc48, %0; mov.f32 acc49, %1;
        mov.f32 acc50, %0; mov.f32 acc51, %1;
        """;

    private const string Start1 = """
        mov.f32 acc4, %0; mov.f32 acc5, %1; mov.f32 acc6, %0; mov.f32 acc7, %1; mov.f32 acc20, %0; mov.f32 acc21, %1; mov.f32 acc22, %0;
        mov.f32 acc23, %1; mov.f32 acc36, %0; mov.f32 acc37, %1; mov.f32 acc38, %0; mov.f32 acc39, %1; mov.f32 acc52, %0; mov.f32 acc53, %1;
        mov.f32 acc54, %0; mov.f32 acc55, %1;
        """;

    private const string Start2 = """
        mov.f32 acc8, %0; mov.f32 acc9, %1; mov.f32 acc10, %0; mov.f32 acc11, %1; mov.f32 acc24, %0; mov.f32 acc25, %1; mov.f32 acc26, %0;
        mov.f32 acc27, %1; mov.f32 acc40, %0; mov.f32 acc41, %1; mov.f32 acc42, %0; mov.f32 acc43, %1; mov.f32 acc56, %0; mov.f32 acc57, %1;
        mov.f32 acc58, %0; mov.f32 acc59, %1;
        """;

    private const string Start3 = """
        mov.f32 acc12, %0; mov.f32 acc13, %1; mov.f32 acc14, %0; mov.f32 acc15, %1; mov.f32 acc28, %0; mov.f32 acc29, %1; mov.f32 acc30, %0;
        mov.f32 acc31, %1; mov.f32 acc44, %0; mov.f32 acc45, %1; mov.f32 acc46, %0; mov.f32 acc47, %1; mov.f32 acc60, %0; mov.f32 acc61, %1;
        mov.f32 acc62, %0; mov.f32 acc63, %1;
        """;

    private const string A = """
        add.u32 at, base, %0; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [at+0];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a4, a5, a6, a7}, [at+1024];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a8, a9, a10, a11}, [at+2048];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a12, a13, a14, a15}, [at+3072];
        """;

    private const string B = """
        add.u32 at, base, %0; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+0];
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b4, b5, b6, b7}, [at+1024];
        """;

    private const string Kept = """
        mov.b32 kept0, a0; mov.b32 kept1, a1; mov.b32 kept2, a2; mov.b32 kept3, a3; mov.b32 kept4, a4; mov.b32 kept5, a5; mov.b32 kept6, a6;
        mov.b32 kept7, a7; mov.b32 kept8, a8; mov.b32 kept9, a9; mov.b32 kept10, a10; mov.b32 kept11, a11; mov.b32 kept12, a12;
        mov.b32 kept13, a13; mov.b32 kept14, a14; mov.b32 kept15, a15; mov.b32 kept16, b0; mov.b32 kept17, b1; mov.b32 kept18, b2;
        mov.b32 kept19, b3; mov.b32 kept20, b4; mov.b32 kept21, b5; mov.b32 kept22, b6; mov.b32 kept23, b7;
        """;

    private const string Exchanged = """
        { .reg .b32 t; mov.b32 t, a0; mov.b32 a0, kept0; mov.b32 kept0, t; mov.b32 t, a1; mov.b32 a1, kept1; mov.b32 kept1, t;
        mov.b32 t, a2; mov.b32 a2, kept2; mov.b32 kept2, t; mov.b32 t, a3; mov.b32 a3, kept3; mov.b32 kept3, t;
        mov.b32 t, a4; mov.b32 a4, kept4; mov.b32 kept4, t; mov.b32 t, a5; mov.b32 a5, kept5; mov.b32 kept5, t;
        mov.b32 t, a6; mov.b32 a6, kept6; mov.b32 kept6, t; mov.b32 t, a7; mov.b32 a7, kept7; mov.b32 kept7, t;
        mov.b32 t, a8; mov.b32 a8, kept8; mov.b32 kept8, t; mov.b32 t, a9; mov.b32 a9, kept9; mov.b32 kept9, t;
        mov.b32 t, a10; mov.b32 a10, kept10; mov.b32 kept10, t; mov.b32 t, a11; mov.b32 a11, kept11; mov.b32 kept11, t;
        mov.b32 t, a12; mov.b32 a12, kept12; mov.b32 kept12, t; mov.b32 t, a13; mov.b32 a13, kept13; mov.b32 kept13, t;
        mov.b32 t, a14; mov.b32 a14, kept14; mov.b32 kept14, t; mov.b32 t, a15; mov.b32 a15, kept15; mov.b32 kept15, t;
        mov.b32 t, b0; mov.b32 b0, kept16; mov.b32 kept16, t; mov.b32 t, b1; mov.b32 b1, kept17; mov.b32 kept17, t;
        mov.b32 t, b2; mov.b32 b2, kept18; mov.b32 kept18, t; mov.b32 t, b3; mov.b32 b3, kept19; mov.b32 kept19, t;
        mov.b32 t, b4; mov.b32 b4, kept20; mov.b32 kept20, t; mov.b32 t, b5; mov.b32 b5, kept21; mov.b32 kept21, t;
        mov.b32 t, b6; mov.b32 b6, kept22; mov.b32 kept22, t; mov.b32 t, b7; mov.b32 b7, kept23; mov.b32 kept23, t; }
        """;

    private const string SummedABf16 = """
        xor.b32 at, %0, 0; add.u32 at, base, at; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {a0, a1, a2, a3}, [at]; xor.b32 at, %0, 32;
        add.u32 at, base, at; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {a4, a5, a6, a7}, [at]; xor.b32 at, %0, 64; add.u32 at, base, at;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {a8, a9, a10, a11}, [at]; xor.b32 at, %0, 96; add.u32 at, base, at;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {a12, a13, a14, a15}, [at];
        """;

    private const string SummedBBf16 = """
        xor.b32 at, %0, 0; add.u32 at, base, at; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at]; xor.b32 at, %0, 32;
        add.u32 at, base, at; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b4, b5, b6, b7}, [at];
        """;

    private const string SummedATf32 = """
        add.u32 at, base, %0; add.u32 below, base, %1; ld.shared.v4.b32 {a0, a1, a4, a5}, [at+0]; ld.shared.v4.b32 {a2, a3, a6, a7}, [below+0];
        ld.shared.v4.b32 {a8, a9, a12, a13}, [at+128]; ld.shared.v4.b32 {a10, a11, a14, a15}, [below+128];
        """;

    private const string SummedBTf32 = """
        add.u32 at, base, %0; add.u32 below, base, %1; ld.shared.v4.b32 {b0, b2, b4, b6}, [at+0]; ld.shared.v4.b32 {b1, b3, b5, b7}, [below+0];
        """;

    private const string Round = """
        mul.rn.f32 a0, a0, 0f3F800B17; mul.rn.f32 a1, a1, 0f3F800B17; mul.rn.f32 a2, a2, 0f3F800B17; mul.rn.f32 a3, a3, 0f3F800B17;
        mul.rn.f32 a4, a4, 0f3F800B17; mul.rn.f32 a5, a5, 0f3F800B17; mul.rn.f32 a6, a6, 0f3F800B17; mul.rn.f32 a7, a7, 0f3F800B17;
        mul.rn.f32 a8, a8, 0f3F800B17; mul.rn.f32 a9, a9, 0f3F800B17; mul.rn.f32 a10, a10, 0f3F800B17; mul.rn.f32 a11, a11, 0f3F800B17;
        mul.rn.f32 a12, a12, 0f3F800B17; mul.rn.f32 a13, a13, 0f3F800B17; mul.rn.f32 a14, a14, 0f3F800B17; mul.rn.f32 a15, a15, 0f3F800B17;
        mul.rn.f32 b0, b0, 0f3F800B17; mul.rn.f32 b1, b1, 0f3F800B17; mul.rn.f32 b2, b2, 0f3F800B17; mul.rn.f32 b3, b3, 0f3F800B17;
        mul.rn.f32 b4, b4, 0f3F800B17; mul.rn.f32 b5, b5, 0f3F800B17; mul.rn.f32 b6, b6, 0f3F800B17; mul.rn.f32 b7, b7, 0f3F800B17;
        """;

    private const string Tf32 = """
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

    private const string Bf16 = """
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

    private const string StorePairs0 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc0, acc1}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc4, acc5}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc8, acc9};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc12, acc13}; }
        """;

    private const string StorePairs1 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc2, acc3}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc6, acc7}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc10, acc11};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc14, acc15}; }
        """;

    private const string StorePairs2 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc16, acc17}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc20, acc21}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc24, acc25};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc28, acc29}; }
        """;

    private const string StorePairs3 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc18, acc19}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc22, acc23}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc26, acc27};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc30, acc31}; }
        """;

    private const string StorePairs4 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc32, acc33}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc36, acc37}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc40, acc41};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc44, acc45}; }
        """;

    private const string StorePairs5 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc34, acc35}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc38, acc39}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc42, acc43};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc46, acc47}; }
        """;

    private const string StorePairs6 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc48, acc49}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc52, acc53}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc56, acc57};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc60, acc61}; }
        """;

    private const string StorePairs7 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc50, acc51}; setp.gt.s32 inside, %1, 8;
        @inside st.global.v2.f32 [%0+32], {acc54, acc55}; setp.gt.s32 inside, %1, 16; @inside st.global.v2.f32 [%0+64], {acc58, acc59};
        setp.gt.s32 inside, %1, 24; @inside st.global.v2.f32 [%0+96], {acc62, acc63}; }
        """;

    private const string StoreSingles0 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc0; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc1; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc4; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc5; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc8; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc9; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc12; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc13; }
        """;

    private const string StoreSingles1 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc2; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc3; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc6; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc7; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc10; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc11; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc14; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc15; }
        """;

    private const string StoreSingles2 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc16; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc17; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc20; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc21; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc24; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc25; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc28; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc29; }
        """;

    private const string StoreSingles3 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc18; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc19; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc22; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc23; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc26; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc27; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc30; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc31; }
        """;

    private const string StoreSingles4 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc32; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc33; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc36; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc37; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc40; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc41; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc44; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc45; }
        """;

    private const string StoreSingles5 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc34; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc35; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc38; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc39; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc42; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc43; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc46; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc47; }
        """;

    private const string StoreSingles6 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc48; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc49; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc52; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc53; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc56; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc57; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc60; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc61; }
        """;

    private const string StoreSingles7 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.f32 [%0+0], acc50; setp.gt.s32 inside, %1, 1;
        @inside st.global.f32 [%0+4], acc51; setp.gt.s32 inside, %1, 8; @inside st.global.f32 [%0+32], acc54; setp.gt.s32 inside, %1, 9;
        @inside st.global.f32 [%0+36], acc55; setp.gt.s32 inside, %1, 16; @inside st.global.f32 [%0+64], acc58; setp.gt.s32 inside, %1, 17;
        @inside st.global.f32 [%0+68], acc59; setp.gt.s32 inside, %1, 24; @inside st.global.f32 [%0+96], acc62; setp.gt.s32 inside, %1, 25;
        @inside st.global.f32 [%0+100], acc63; }
        """;

    private const string StoreQuads0 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc0, acc4, acc8, acc12}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc1, acc5, acc9, acc13}; }
        """;

    private const string StoreQuads1 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc2, acc6, acc10, acc14}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc3, acc7, acc11, acc15}; }
        """;

    private const string StoreQuads2 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc16, acc20, acc24, acc28}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc17, acc21, acc25, acc29}; }
        """;

    private const string StoreQuads3 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc18, acc22, acc26, acc30}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc19, acc23, acc27, acc31}; }
        """;

    private const string StoreQuads4 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc32, acc36, acc40, acc44}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc33, acc37, acc41, acc45}; }
        """;

    private const string StoreQuads5 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc34, acc38, acc42, acc46}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc35, acc39, acc43, acc47}; }
        """;

    private const string StoreQuads6 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc48, acc52, acc56, acc60}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc49, acc53, acc57, acc61}; }
        """;

    private const string StoreQuads7 = """
        { .reg .pred inside; setp.gt.s32 inside, %1, 0; @inside st.global.v4.f32 [%0+0], {acc50, acc54, acc58, acc62}; setp.gt.s32 inside, %1, 4;
        @inside st.global.v4.f32 [%0+16], {acc51, acc55, acc59, acc63}; }
        """;

    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 64; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 32; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare()
    {
        CudaAsm.Emit(Registers);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StartZero()
    {
        CudaAsm.Emit(Start0, 0f, 0f);
        CudaAsm.Emit(Start1, 0f, 0f);
        CudaAsm.Emit(Start2, 0f, 0f);
        CudaAsm.Emit(Start3, 0f, 0f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StartBias(ArrayView<float> bias, int column, int last)
    {
        CudaAsm.Emit(Start0, bias[XMath.Min(column + 0, last)], bias[XMath.Min(column + 1, last)]);
        CudaAsm.Emit(Start1, bias[XMath.Min(column + 8, last)], bias[XMath.Min(column + 9, last)]);
        CudaAsm.Emit(Start2, bias[XMath.Min(column + 16, last)], bias[XMath.Min(column + 17, last)]);
        CudaAsm.Emit(Start3, bias[XMath.Min(column + 24, last)], bias[XMath.Min(column + 25, last)]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadA(int at)
    {
        CudaAsm.Emit(A, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadB(int at)
    {
        CudaAsm.Emit(B, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Keep()
    {
        CudaAsm.Emit(Kept);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exchange()
    {
        CudaAsm.Emit(Exchanged);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadSummedABf16(int at)
    {
        CudaAsm.Emit(SummedABf16, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadSummedBBf16(int at)
    {
        CudaAsm.Emit(SummedBBf16, at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadSummedATf32(int at, int below)
    {
        CudaAsm.Emit(SummedATf32, at, below);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadSummedBTf32(int at, int below)
    {
        CudaAsm.Emit(SummedBTf32, at, below);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyTf32()
    {
        CudaAsm.Emit(Round);
        CudaAsm.Emit(Tf32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyBf16()
    {
        CudaAsm.Emit(Bf16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePairs(long y, int pitch, int row, int rows, int left)
    {
        CudaAsm.Emit(StorePairs0, y + (long)(row + 0) * pitch, Utilities.Select(row + 0 < rows, left, 0));
        CudaAsm.Emit(StorePairs1, y + (long)(row + 8) * pitch, Utilities.Select(row + 8 < rows, left, 0));
        CudaAsm.Emit(StorePairs2, y + (long)(row + 16) * pitch, Utilities.Select(row + 16 < rows, left, 0));
        CudaAsm.Emit(StorePairs3, y + (long)(row + 24) * pitch, Utilities.Select(row + 24 < rows, left, 0));
        CudaAsm.Emit(StorePairs4, y + (long)(row + 32) * pitch, Utilities.Select(row + 32 < rows, left, 0));
        CudaAsm.Emit(StorePairs5, y + (long)(row + 40) * pitch, Utilities.Select(row + 40 < rows, left, 0));
        CudaAsm.Emit(StorePairs6, y + (long)(row + 48) * pitch, Utilities.Select(row + 48 < rows, left, 0));
        CudaAsm.Emit(StorePairs7, y + (long)(row + 56) * pitch, Utilities.Select(row + 56 < rows, left, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSingles(long y, int pitch, int row, int rows, int left)
    {
        CudaAsm.Emit(StoreSingles0, y + (long)(row + 0) * pitch, Utilities.Select(row + 0 < rows, left, 0));
        CudaAsm.Emit(StoreSingles1, y + (long)(row + 8) * pitch, Utilities.Select(row + 8 < rows, left, 0));
        CudaAsm.Emit(StoreSingles2, y + (long)(row + 16) * pitch, Utilities.Select(row + 16 < rows, left, 0));
        CudaAsm.Emit(StoreSingles3, y + (long)(row + 24) * pitch, Utilities.Select(row + 24 < rows, left, 0));
        CudaAsm.Emit(StoreSingles4, y + (long)(row + 32) * pitch, Utilities.Select(row + 32 < rows, left, 0));
        CudaAsm.Emit(StoreSingles5, y + (long)(row + 40) * pitch, Utilities.Select(row + 40 < rows, left, 0));
        CudaAsm.Emit(StoreSingles6, y + (long)(row + 48) * pitch, Utilities.Select(row + 48 < rows, left, 0));
        CudaAsm.Emit(StoreSingles7, y + (long)(row + 56) * pitch, Utilities.Select(row + 56 < rows, left, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuads(long y, int pitch, int row, int rows, int left, bool near)
    {
        int r0 = row + 0;
        CudaAsm.Emit(StoreQuads0, y + (long)r0 * pitch, Utilities.Select(r0 < rows, left, 0));
        int r1 = row + (near ? 1 : 8);
        CudaAsm.Emit(StoreQuads1, y + (long)r1 * pitch, Utilities.Select(r1 < rows, left, 0));
        int r2 = row + (near ? 2 : 16);
        CudaAsm.Emit(StoreQuads2, y + (long)r2 * pitch, Utilities.Select(r2 < rows, left, 0));
        int r3 = row + (near ? 3 : 24);
        CudaAsm.Emit(StoreQuads3, y + (long)r3 * pitch, Utilities.Select(r3 < rows, left, 0));
        int r4 = row + 32;
        CudaAsm.Emit(StoreQuads4, y + (long)r4 * pitch, Utilities.Select(r4 < rows, left, 0));
        int r5 = row + (near ? 33 : 40);
        CudaAsm.Emit(StoreQuads5, y + (long)r5 * pitch, Utilities.Select(r5 < rows, left, 0));
        int r6 = row + (near ? 34 : 48);
        CudaAsm.Emit(StoreQuads6, y + (long)r6 * pitch, Utilities.Select(r6 < rows, left, 0));
        int r7 = row + (near ? 35 : 56);
        CudaAsm.Emit(StoreQuads7, y + (long)r7 * pitch, Utilities.Select(r7 < rows, left, 0));
    }
}
