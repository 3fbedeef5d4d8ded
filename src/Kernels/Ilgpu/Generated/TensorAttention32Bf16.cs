using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Attention;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Generated;

/// <summary>A warp's 16 rows of attention with heads of 32 channels, in BF16; written by tools/TensorAttention.cs.</summary>
internal readonly struct TensorAttention32Bf16 : ITensorAttention, ITensorAttentionSecond
{
    private const string Names = """
        .reg .f32 acc<16>; .reg .f32 s<32>; .reg .f32 p<32>; .reg .f32 v<16>; .reg .f32 m<2>; .reg .f32 l<2>; .reg .b32 a<4>; .reg .b32 b<8>;
        .reg .b32 base; .reg .b32 at; mov.f32 m0, 0fFF800000; mov.f32 l0, 0f00000000; mov.f32 m1, 0fFF800000; mov.f32 l1, 0f00000000;
        """;

    private const string Zero = """
        mov.f32 acc0, 0f00000000; mov.f32 acc1, 0f00000000; mov.f32 acc2, 0f00000000; mov.f32 acc3, 0f00000000; mov.f32 acc4, 0f00000000;
        mov.f32 acc5, 0f00000000; mov.f32 acc6, 0f00000000; mov.f32 acc7, 0f00000000; mov.f32 acc8, 0f00000000; mov.f32 acc9, 0f00000000;
        mov.f32 acc10, 0f00000000; mov.f32 acc11, 0f00000000; mov.f32 acc12, 0f00000000; mov.f32 acc13, 0f00000000; mov.f32 acc14, 0f00000000;
        mov.f32 acc15, 0f00000000;
        """;

    private const string SecondNames = """
        .reg .f32 second<16>; mov.f32 second0, 0f00000000; mov.f32 second1, 0f00000000; mov.f32 second2, 0f00000000; mov.f32 second3, 0f00000000;
        mov.f32 second4, 0f00000000; mov.f32 second5, 0f00000000; mov.f32 second6, 0f00000000; mov.f32 second7, 0f00000000;
        mov.f32 second8, 0f00000000; mov.f32 second9, 0f00000000; mov.f32 second10, 0f00000000; mov.f32 second11, 0f00000000;
        mov.f32 second12, 0f00000000; mov.f32 second13, 0f00000000; mov.f32 second14, 0f00000000; mov.f32 second15, 0f00000000;
        """;

    private const string Loads = """
        { .reg .b32 row; .reg .b64 from; add.s32 row, %1, 0; min.s32 row, row, %2; mul.wide.s32 from, row, %3; add.s64 from, from, %0;
        ld.global.v4.f32 {v0, v1, v2, v3}, [from+0]; ld.global.v4.f32 {v4, v5, v6, v7}, [from+16]; add.s32 row, %1, 32; min.s32 row, row, %2;
        mul.wide.s32 from, row, %3; add.s64 from, from, %0; ld.global.v4.f32 {v8, v9, v10, v11}, [from+0];
        ld.global.v4.f32 {v12, v13, v14, v15}, [from+16]; }
        """;

    private const string Stores = """
        { .reg .b32 w<4>; add.u32 at, base, %0; cvt.rn.bf16x2.f32 w0, v1, v0; cvt.rn.bf16x2.f32 w1, v3, v2; cvt.rn.bf16x2.f32 w2, v5, v4;
        cvt.rn.bf16x2.f32 w3, v7, v6; st.shared.v4.b32 [at+0], {w0, w1, w2, w3}; cvt.rn.bf16x2.f32 w0, v9, v8; cvt.rn.bf16x2.f32 w1, v11, v10;
        cvt.rn.bf16x2.f32 w2, v13, v12; cvt.rn.bf16x2.f32 w3, v15, v14; st.shared.v4.b32 [at+2560], {w0, w1, w2, w3}; }
        """;

    private const string Products = """
        mov.f32 s0, 0f00000000; mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; mov.f32 s4, 0f00000000;
        mov.f32 s5, 0f00000000; mov.f32 s6, 0f00000000; mov.f32 s7, 0f00000000; mov.f32 s8, 0f00000000; mov.f32 s9, 0f00000000;
        mov.f32 s10, 0f00000000; mov.f32 s11, 0f00000000; mov.f32 s12, 0f00000000; mov.f32 s13, 0f00000000; mov.f32 s14, 0f00000000;
        mov.f32 s15, 0f00000000; mov.f32 s16, 0f00000000; mov.f32 s17, 0f00000000; mov.f32 s18, 0f00000000; mov.f32 s19, 0f00000000;
        mov.f32 s20, 0f00000000; mov.f32 s21, 0f00000000; mov.f32 s22, 0f00000000; mov.f32 s23, 0f00000000; mov.f32 s24, 0f00000000;
        mov.f32 s25, 0f00000000; mov.f32 s26, 0f00000000; mov.f32 s27, 0f00000000; mov.f32 s28, 0f00000000; mov.f32 s29, 0f00000000;
        mov.f32 s30, 0f00000000; mov.f32 s31, 0f00000000; { .reg .b32 left; add.u32 left, base, %0; add.u32 at, base, %1;
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+0]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+0];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+1280];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s8, s9, s10, s11}, {a0, a1, a2, a3}, {b0, b1}, {s8, s9, s10, s11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s12, s13, s14, s15}, {a0, a1, a2, a3}, {b2, b3}, {s12, s13, s14, s15};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+2560];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s16, s17, s18, s19}, {a0, a1, a2, a3}, {b0, b1}, {s16, s17, s18, s19};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s20, s21, s22, s23}, {a0, a1, a2, a3}, {b2, b3}, {s20, s21, s22, s23};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+3840];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s24, s25, s26, s27}, {a0, a1, a2, a3}, {b0, b1}, {s24, s25, s26, s27};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s28, s29, s30, s31}, {a0, a1, a2, a3}, {b2, b3}, {s28, s29, s30, s31};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {a0, a1, a2, a3}, [left+32]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+32];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s0, s1, s2, s3}, {a0, a1, a2, a3}, {b0, b1}, {s0, s1, s2, s3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s4, s5, s6, s7}, {a0, a1, a2, a3}, {b2, b3}, {s4, s5, s6, s7};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+1312];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s8, s9, s10, s11}, {a0, a1, a2, a3}, {b0, b1}, {s8, s9, s10, s11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s12, s13, s14, s15}, {a0, a1, a2, a3}, {b2, b3}, {s12, s13, s14, s15};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+2592];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s16, s17, s18, s19}, {a0, a1, a2, a3}, {b0, b1}, {s16, s17, s18, s19};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s20, s21, s22, s23}, {a0, a1, a2, a3}, {b2, b3}, {s20, s21, s22, s23};
        ldmatrix.sync.aligned.m8n8.x4.shared.b16 {b0, b1, b2, b3}, [at+3872];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s24, s25, s26, s27}, {a0, a1, a2, a3}, {b0, b1}, {s24, s25, s26, s27};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {s28, s29, s30, s31}, {a0, a1, a2, a3}, {b2, b3}, {s28, s29, s30, s31}; }
        """;

    private const string Weighted = """
        add.u32 at, base, %0; cvt.rn.bf16x2.f32 a0, s1, s0; cvt.rn.bf16x2.f32 a1, s3, s2; cvt.rn.bf16x2.f32 a2, s5, s4;
        cvt.rn.bf16x2.f32 a3, s7, s6; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+0];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+32];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b0, b1}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b2, b3}, {acc12, acc13, acc14, acc15};
        cvt.rn.bf16x2.f32 a0, s9, s8; cvt.rn.bf16x2.f32 a1, s11, s10; cvt.rn.bf16x2.f32 a2, s13, s12; cvt.rn.bf16x2.f32 a3, s15, s14;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+1280];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+1312];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b0, b1}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b2, b3}, {acc12, acc13, acc14, acc15};
        cvt.rn.bf16x2.f32 a0, s17, s16; cvt.rn.bf16x2.f32 a1, s19, s18; cvt.rn.bf16x2.f32 a2, s21, s20; cvt.rn.bf16x2.f32 a3, s23, s22;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+2560];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+2592];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b0, b1}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b2, b3}, {acc12, acc13, acc14, acc15};
        cvt.rn.bf16x2.f32 a0, s25, s24; cvt.rn.bf16x2.f32 a1, s27, s26; cvt.rn.bf16x2.f32 a2, s29, s28; cvt.rn.bf16x2.f32 a3, s31, s30;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+3840];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+3872];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3}, {b0, b1}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3}, {b2, b3}, {acc12, acc13, acc14, acc15};
        """;

    private const string WeightedSecond = """
        add.u32 at, base, %0; cvt.rn.bf16x2.f32 a0, p1, p0; cvt.rn.bf16x2.f32 a1, p3, p2; cvt.rn.bf16x2.f32 a2, p5, p4;
        cvt.rn.bf16x2.f32 a3, p7, p6; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+0];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second0, second1, second2, second3}, {a0, a1, a2, a3}, {b0, b1}, {second0, second1, second2, second3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second4, second5, second6, second7}, {a0, a1, a2, a3}, {b2, b3}, {second4, second5, second6, second7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+32];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second8, second9, second10, second11}, {a0, a1, a2, a3}, {b0, b1}, {second8, second9, second10, second11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second12, second13, second14, second15}, {a0, a1, a2, a3}, {b2, b3}, {second12, second13, second14, second15};
        cvt.rn.bf16x2.f32 a0, p9, p8; cvt.rn.bf16x2.f32 a1, p11, p10; cvt.rn.bf16x2.f32 a2, p13, p12; cvt.rn.bf16x2.f32 a3, p15, p14;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+1280];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second0, second1, second2, second3}, {a0, a1, a2, a3}, {b0, b1}, {second0, second1, second2, second3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second4, second5, second6, second7}, {a0, a1, a2, a3}, {b2, b3}, {second4, second5, second6, second7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+1312];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second8, second9, second10, second11}, {a0, a1, a2, a3}, {b0, b1}, {second8, second9, second10, second11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second12, second13, second14, second15}, {a0, a1, a2, a3}, {b2, b3}, {second12, second13, second14, second15};
        cvt.rn.bf16x2.f32 a0, p17, p16; cvt.rn.bf16x2.f32 a1, p19, p18; cvt.rn.bf16x2.f32 a2, p21, p20; cvt.rn.bf16x2.f32 a3, p23, p22;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+2560];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second0, second1, second2, second3}, {a0, a1, a2, a3}, {b0, b1}, {second0, second1, second2, second3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second4, second5, second6, second7}, {a0, a1, a2, a3}, {b2, b3}, {second4, second5, second6, second7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+2592];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second8, second9, second10, second11}, {a0, a1, a2, a3}, {b0, b1}, {second8, second9, second10, second11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second12, second13, second14, second15}, {a0, a1, a2, a3}, {b2, b3}, {second12, second13, second14, second15};
        cvt.rn.bf16x2.f32 a0, p25, p24; cvt.rn.bf16x2.f32 a1, p27, p26; cvt.rn.bf16x2.f32 a2, p29, p28; cvt.rn.bf16x2.f32 a3, p31, p30;
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+3840];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second0, second1, second2, second3}, {a0, a1, a2, a3}, {b0, b1}, {second0, second1, second2, second3};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second4, second5, second6, second7}, {a0, a1, a2, a3}, {b2, b3}, {second4, second5, second6, second7};
        ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {b0, b1, b2, b3}, [at+3872];
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second8, second9, second10, second11}, {a0, a1, a2, a3}, {b0, b1}, {second8, second9, second10, second11};
        mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {second12, second13, second14, second15}, {a0, a1, a2, a3}, {b2, b3}, {second12, second13, second14, second15};
        """;

    private const string Masked = """
        { .reg .pred inside; setp.gt.s32 inside, %0, 0; selp.f32 s0, s0, 0fFF800000, inside; selp.f32 s2, s2, 0fFF800000, inside;
        setp.gt.s32 inside, %0, 1; selp.f32 s1, s1, 0fFF800000, inside; selp.f32 s3, s3, 0fFF800000, inside; setp.gt.s32 inside, %0, 8;
        selp.f32 s4, s4, 0fFF800000, inside; selp.f32 s6, s6, 0fFF800000, inside; setp.gt.s32 inside, %0, 9; selp.f32 s5, s5, 0fFF800000, inside;
        selp.f32 s7, s7, 0fFF800000, inside; setp.gt.s32 inside, %0, 16; selp.f32 s8, s8, 0fFF800000, inside;
        selp.f32 s10, s10, 0fFF800000, inside; setp.gt.s32 inside, %0, 17; selp.f32 s9, s9, 0fFF800000, inside;
        selp.f32 s11, s11, 0fFF800000, inside; setp.gt.s32 inside, %0, 24; selp.f32 s12, s12, 0fFF800000, inside;
        selp.f32 s14, s14, 0fFF800000, inside; setp.gt.s32 inside, %0, 25; selp.f32 s13, s13, 0fFF800000, inside;
        selp.f32 s15, s15, 0fFF800000, inside; setp.gt.s32 inside, %0, 32; selp.f32 s16, s16, 0fFF800000, inside;
        selp.f32 s18, s18, 0fFF800000, inside; setp.gt.s32 inside, %0, 33; selp.f32 s17, s17, 0fFF800000, inside;
        selp.f32 s19, s19, 0fFF800000, inside; setp.gt.s32 inside, %0, 40; selp.f32 s20, s20, 0fFF800000, inside;
        selp.f32 s22, s22, 0fFF800000, inside; setp.gt.s32 inside, %0, 41; selp.f32 s21, s21, 0fFF800000, inside;
        selp.f32 s23, s23, 0fFF800000, inside; setp.gt.s32 inside, %0, 48; selp.f32 s24, s24, 0fFF800000, inside;
        selp.f32 s26, s26, 0fFF800000, inside; setp.gt.s32 inside, %0, 49; selp.f32 s25, s25, 0fFF800000, inside;
        selp.f32 s27, s27, 0fFF800000, inside; setp.gt.s32 inside, %0, 56; selp.f32 s28, s28, 0fFF800000, inside;
        selp.f32 s30, s30, 0fFF800000, inside; setp.gt.s32 inside, %0, 57; selp.f32 s29, s29, 0fFF800000, inside;
        selp.f32 s31, s31, 0fFF800000, inside; }
        """;

    private const string Online = """
        { .reg .f32 n<2>; .reg .f32 shrink<2>; .reg .f32 t; mov.f32 n0, m0; mov.f32 n1, m1; max.f32 n0, n0, s0; max.f32 n0, n0, s1;
        max.f32 n1, n1, s2; max.f32 n1, n1, s3; max.f32 n0, n0, s4; max.f32 n0, n0, s5; max.f32 n1, n1, s6; max.f32 n1, n1, s7; max.f32 n0, n0, s8;
        max.f32 n0, n0, s9; max.f32 n1, n1, s10; max.f32 n1, n1, s11; max.f32 n0, n0, s12; max.f32 n0, n0, s13; max.f32 n1, n1, s14;
        max.f32 n1, n1, s15; max.f32 n0, n0, s16; max.f32 n0, n0, s17; max.f32 n1, n1, s18; max.f32 n1, n1, s19; max.f32 n0, n0, s20;
        max.f32 n0, n0, s21; max.f32 n1, n1, s22; max.f32 n1, n1, s23; max.f32 n0, n0, s24; max.f32 n0, n0, s25; max.f32 n1, n1, s26;
        max.f32 n1, n1, s27; max.f32 n0, n0, s28; max.f32 n0, n0, s29; max.f32 n1, n1, s30; max.f32 n1, n1, s31;
        shfl.sync.bfly.b32 t, n0, 1, 31, 0xffffffff; max.f32 n0, n0, t; shfl.sync.bfly.b32 t, n0, 2, 31, 0xffffffff; max.f32 n0, n0, t;
        shfl.sync.bfly.b32 t, n1, 1, 31, 0xffffffff; max.f32 n1, n1, t; shfl.sync.bfly.b32 t, n1, 2, 31, 0xffffffff; max.f32 n1, n1, t;
        sub.f32 t, m0, n0; mul.f32 t, t, %0; ex2.approx.ftz.f32 shrink0, t; mov.f32 m0, n0; mul.f32 n0, n0, %0; neg.f32 n0, n0;
        mul.f32 l0, l0, shrink0; sub.f32 t, m1, n1; mul.f32 t, t, %0; ex2.approx.ftz.f32 shrink1, t; mov.f32 m1, n1; mul.f32 n1, n1, %0;
        neg.f32 n1, n1; mul.f32 l1, l1, shrink1; fma.rn.f32 s0, s0, %0, n0; ex2.approx.ftz.f32 s0, s0; add.f32 l0, l0, s0;
        fma.rn.f32 s1, s1, %0, n0; ex2.approx.ftz.f32 s1, s1; add.f32 l0, l0, s1; fma.rn.f32 s2, s2, %0, n1; ex2.approx.ftz.f32 s2, s2;
        add.f32 l1, l1, s2; fma.rn.f32 s3, s3, %0, n1; ex2.approx.ftz.f32 s3, s3; add.f32 l1, l1, s3; fma.rn.f32 s4, s4, %0, n0;
        ex2.approx.ftz.f32 s4, s4; add.f32 l0, l0, s4; fma.rn.f32 s5, s5, %0, n0; ex2.approx.ftz.f32 s5, s5; add.f32 l0, l0, s5;
        fma.rn.f32 s6, s6, %0, n1; ex2.approx.ftz.f32 s6, s6; add.f32 l1, l1, s6; fma.rn.f32 s7, s7, %0, n1; ex2.approx.ftz.f32 s7, s7;
        add.f32 l1, l1, s7; fma.rn.f32 s8, s8, %0, n0; ex2.approx.ftz.f32 s8, s8; add.f32 l0, l0, s8; fma.rn.f32 s9, s9, %0, n0;
        ex2.approx.ftz.f32 s9, s9; add.f32 l0, l0, s9; fma.rn.f32 s10, s10, %0, n1; ex2.approx.ftz.f32 s10, s10; add.f32 l1, l1, s10;
        fma.rn.f32 s11, s11, %0, n1; ex2.approx.ftz.f32 s11, s11; add.f32 l1, l1, s11; fma.rn.f32 s12, s12, %0, n0; ex2.approx.ftz.f32 s12, s12;
        add.f32 l0, l0, s12; fma.rn.f32 s13, s13, %0, n0; ex2.approx.ftz.f32 s13, s13; add.f32 l0, l0, s13; fma.rn.f32 s14, s14, %0, n1;
        ex2.approx.ftz.f32 s14, s14; add.f32 l1, l1, s14; fma.rn.f32 s15, s15, %0, n1; ex2.approx.ftz.f32 s15, s15; add.f32 l1, l1, s15;
        fma.rn.f32 s16, s16, %0, n0; ex2.approx.ftz.f32 s16, s16; add.f32 l0, l0, s16; fma.rn.f32 s17, s17, %0, n0; ex2.approx.ftz.f32 s17, s17;
        add.f32 l0, l0, s17; fma.rn.f32 s18, s18, %0, n1; ex2.approx.ftz.f32 s18, s18; add.f32 l1, l1, s18; fma.rn.f32 s19, s19, %0, n1;
        ex2.approx.ftz.f32 s19, s19; add.f32 l1, l1, s19; fma.rn.f32 s20, s20, %0, n0; ex2.approx.ftz.f32 s20, s20; add.f32 l0, l0, s20;
        fma.rn.f32 s21, s21, %0, n0; ex2.approx.ftz.f32 s21, s21; add.f32 l0, l0, s21; fma.rn.f32 s22, s22, %0, n1; ex2.approx.ftz.f32 s22, s22;
        add.f32 l1, l1, s22; fma.rn.f32 s23, s23, %0, n1; ex2.approx.ftz.f32 s23, s23; add.f32 l1, l1, s23; fma.rn.f32 s24, s24, %0, n0;
        ex2.approx.ftz.f32 s24, s24; add.f32 l0, l0, s24; fma.rn.f32 s25, s25, %0, n0; ex2.approx.ftz.f32 s25, s25; add.f32 l0, l0, s25;
        fma.rn.f32 s26, s26, %0, n1; ex2.approx.ftz.f32 s26, s26; add.f32 l1, l1, s26; fma.rn.f32 s27, s27, %0, n1; ex2.approx.ftz.f32 s27, s27;
        add.f32 l1, l1, s27; fma.rn.f32 s28, s28, %0, n0; ex2.approx.ftz.f32 s28, s28; add.f32 l0, l0, s28; fma.rn.f32 s29, s29, %0, n0;
        ex2.approx.ftz.f32 s29, s29; add.f32 l0, l0, s29; fma.rn.f32 s30, s30, %0, n1; ex2.approx.ftz.f32 s30, s30; add.f32 l1, l1, s30;
        fma.rn.f32 s31, s31, %0, n1; ex2.approx.ftz.f32 s31, s31; add.f32 l1, l1, s31; mul.f32 acc0, acc0, shrink0; mul.f32 acc1, acc1, shrink0;
        mul.f32 acc2, acc2, shrink1; mul.f32 acc3, acc3, shrink1; mul.f32 acc4, acc4, shrink0; mul.f32 acc5, acc5, shrink0;
        mul.f32 acc6, acc6, shrink1; mul.f32 acc7, acc7, shrink1; mul.f32 acc8, acc8, shrink0; mul.f32 acc9, acc9, shrink0;
        mul.f32 acc10, acc10, shrink1; mul.f32 acc11, acc11, shrink1; mul.f32 acc12, acc12, shrink0; mul.f32 acc13, acc13, shrink0;
        mul.f32 acc14, acc14, shrink1; mul.f32 acc15, acc15, shrink1; }
        """;

    private const string Quotient = """
        { .reg .f32 t; shfl.sync.bfly.b32 t, l0, 1, 31, 0xffffffff; add.f32 l0, l0, t; shfl.sync.bfly.b32 t, l0, 2, 31, 0xffffffff;
        add.f32 l0, l0, t; lg2.approx.ftz.f32 t, l0; mul.f32 t, t, 0f3F317218; fma.rn.f32 m0, m0, %0, t; rcp.approx.ftz.f32 l0, l0;
        shfl.sync.bfly.b32 t, l1, 1, 31, 0xffffffff; add.f32 l1, l1, t; shfl.sync.bfly.b32 t, l1, 2, 31, 0xffffffff; add.f32 l1, l1, t;
        lg2.approx.ftz.f32 t, l1; mul.f32 t, t, 0f3F317218; fma.rn.f32 m1, m1, %0, t; rcp.approx.ftz.f32 l1, l1; mul.f32 acc0, acc0, l0;
        mul.f32 acc1, acc1, l0; mul.f32 acc2, acc2, l1; mul.f32 acc3, acc3, l1; mul.f32 acc4, acc4, l0; mul.f32 acc5, acc5, l0;
        mul.f32 acc6, acc6, l1; mul.f32 acc7, acc7, l1; mul.f32 acc8, acc8, l0; mul.f32 acc9, acc9, l0; mul.f32 acc10, acc10, l1;
        mul.f32 acc11, acc11, l1; mul.f32 acc12, acc12, l0; mul.f32 acc13, acc13, l0; mul.f32 acc14, acc14, l1; mul.f32 acc15, acc15, l1; }
        """;

    private const string RowStatistics = """
        ld.global.v2.f32 {m0, l0}, [%0]; ld.global.v2.f32 {m1, l1}, [%1]; mul.f32 m0, m0, 0fBFB8AA3B; mul.f32 m1, m1, 0fBFB8AA3B;
        """;

    private const string RowWeights = """
        fma.rn.f32 p0, s0, %0, m0; ex2.approx.ftz.f32 p0, p0; fma.rn.f32 p1, s1, %0, m0; ex2.approx.ftz.f32 p1, p1; fma.rn.f32 p2, s2, %0, m1;
        ex2.approx.ftz.f32 p2, p2; fma.rn.f32 p3, s3, %0, m1; ex2.approx.ftz.f32 p3, p3; fma.rn.f32 p4, s4, %0, m0; ex2.approx.ftz.f32 p4, p4;
        fma.rn.f32 p5, s5, %0, m0; ex2.approx.ftz.f32 p5, p5; fma.rn.f32 p6, s6, %0, m1; ex2.approx.ftz.f32 p6, p6; fma.rn.f32 p7, s7, %0, m1;
        ex2.approx.ftz.f32 p7, p7; fma.rn.f32 p8, s8, %0, m0; ex2.approx.ftz.f32 p8, p8; fma.rn.f32 p9, s9, %0, m0; ex2.approx.ftz.f32 p9, p9;
        fma.rn.f32 p10, s10, %0, m1; ex2.approx.ftz.f32 p10, p10; fma.rn.f32 p11, s11, %0, m1; ex2.approx.ftz.f32 p11, p11;
        fma.rn.f32 p12, s12, %0, m0; ex2.approx.ftz.f32 p12, p12; fma.rn.f32 p13, s13, %0, m0; ex2.approx.ftz.f32 p13, p13;
        fma.rn.f32 p14, s14, %0, m1; ex2.approx.ftz.f32 p14, p14; fma.rn.f32 p15, s15, %0, m1; ex2.approx.ftz.f32 p15, p15;
        fma.rn.f32 p16, s16, %0, m0; ex2.approx.ftz.f32 p16, p16; fma.rn.f32 p17, s17, %0, m0; ex2.approx.ftz.f32 p17, p17;
        fma.rn.f32 p18, s18, %0, m1; ex2.approx.ftz.f32 p18, p18; fma.rn.f32 p19, s19, %0, m1; ex2.approx.ftz.f32 p19, p19;
        fma.rn.f32 p20, s20, %0, m0; ex2.approx.ftz.f32 p20, p20; fma.rn.f32 p21, s21, %0, m0; ex2.approx.ftz.f32 p21, p21;
        fma.rn.f32 p22, s22, %0, m1; ex2.approx.ftz.f32 p22, p22; fma.rn.f32 p23, s23, %0, m1; ex2.approx.ftz.f32 p23, p23;
        fma.rn.f32 p24, s24, %0, m0; ex2.approx.ftz.f32 p24, p24; fma.rn.f32 p25, s25, %0, m0; ex2.approx.ftz.f32 p25, p25;
        fma.rn.f32 p26, s26, %0, m1; ex2.approx.ftz.f32 p26, p26; fma.rn.f32 p27, s27, %0, m1; ex2.approx.ftz.f32 p27, p27;
        fma.rn.f32 p28, s28, %0, m0; ex2.approx.ftz.f32 p28, p28; fma.rn.f32 p29, s29, %0, m0; ex2.approx.ftz.f32 p29, p29;
        fma.rn.f32 p30, s30, %0, m1; ex2.approx.ftz.f32 p30, p30; fma.rn.f32 p31, s31, %0, m1; ex2.approx.ftz.f32 p31, p31;
        """;

    private const string RowDifferences = """
        sub.f32 s0, s0, l0; mul.f32 s0, s0, p0; sub.f32 s1, s1, l0; mul.f32 s1, s1, p1; sub.f32 s2, s2, l1; mul.f32 s2, s2, p2; sub.f32 s3, s3, l1;
        mul.f32 s3, s3, p3; sub.f32 s4, s4, l0; mul.f32 s4, s4, p4; sub.f32 s5, s5, l0; mul.f32 s5, s5, p5; sub.f32 s6, s6, l1; mul.f32 s6, s6, p6;
        sub.f32 s7, s7, l1; mul.f32 s7, s7, p7; sub.f32 s8, s8, l0; mul.f32 s8, s8, p8; sub.f32 s9, s9, l0; mul.f32 s9, s9, p9;
        sub.f32 s10, s10, l1; mul.f32 s10, s10, p10; sub.f32 s11, s11, l1; mul.f32 s11, s11, p11; sub.f32 s12, s12, l0; mul.f32 s12, s12, p12;
        sub.f32 s13, s13, l0; mul.f32 s13, s13, p13; sub.f32 s14, s14, l1; mul.f32 s14, s14, p14; sub.f32 s15, s15, l1; mul.f32 s15, s15, p15;
        sub.f32 s16, s16, l0; mul.f32 s16, s16, p16; sub.f32 s17, s17, l0; mul.f32 s17, s17, p17; sub.f32 s18, s18, l1; mul.f32 s18, s18, p18;
        sub.f32 s19, s19, l1; mul.f32 s19, s19, p19; sub.f32 s20, s20, l0; mul.f32 s20, s20, p20; sub.f32 s21, s21, l0; mul.f32 s21, s21, p21;
        sub.f32 s22, s22, l1; mul.f32 s22, s22, p22; sub.f32 s23, s23, l1; mul.f32 s23, s23, p23; sub.f32 s24, s24, l0; mul.f32 s24, s24, p24;
        sub.f32 s25, s25, l0; mul.f32 s25, s25, p25; sub.f32 s26, s26, l1; mul.f32 s26, s26, p26; sub.f32 s27, s27, l1; mul.f32 s27, s27, p27;
        sub.f32 s28, s28, l0; mul.f32 s28, s28, p28; sub.f32 s29, s29, l0; mul.f32 s29, s29, p29; sub.f32 s30, s30, l1; mul.f32 s30, s30, p30;
        sub.f32 s31, s31, l1; mul.f32 s31, s31, p31;
        """;

    private const string ColumnWeights = """
        { .reg .b32 column; .reg .b64 from; .reg .f32 x<16>; add.s32 column, %2, 0; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x0, [from+0]; add.s32 column, %2, 1; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x1, [from+0]; add.s32 column, %2, 8; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x2, [from+0]; add.s32 column, %2, 9; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x3, [from+0]; add.s32 column, %2, 16; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x4, [from+0]; add.s32 column, %2, 17; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x5, [from+0]; add.s32 column, %2, 24; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x6, [from+0]; add.s32 column, %2, 25; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x7, [from+0]; add.s32 column, %2, 32; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x8, [from+0]; add.s32 column, %2, 33; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x9, [from+0]; add.s32 column, %2, 40; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x10, [from+0]; add.s32 column, %2, 41; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x11, [from+0]; add.s32 column, %2, 48; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x12, [from+0]; add.s32 column, %2, 49; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x13, [from+0]; add.s32 column, %2, 56; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x14, [from+0]; add.s32 column, %2, 57; min.s32 column, column, %3; mul.wide.s32 from, column, 8;
        add.s64 from, from, %1; ld.global.f32 x15, [from+0]; mul.f32 x0, x0, 0fBFB8AA3B; fma.rn.f32 p0, s0, %0, x0; ex2.approx.ftz.f32 p0, p0;
        mul.f32 x1, x1, 0fBFB8AA3B; fma.rn.f32 p1, s1, %0, x1; ex2.approx.ftz.f32 p1, p1; fma.rn.f32 p2, s2, %0, x0; ex2.approx.ftz.f32 p2, p2;
        fma.rn.f32 p3, s3, %0, x1; ex2.approx.ftz.f32 p3, p3; mul.f32 x2, x2, 0fBFB8AA3B; fma.rn.f32 p4, s4, %0, x2; ex2.approx.ftz.f32 p4, p4;
        mul.f32 x3, x3, 0fBFB8AA3B; fma.rn.f32 p5, s5, %0, x3; ex2.approx.ftz.f32 p5, p5; fma.rn.f32 p6, s6, %0, x2; ex2.approx.ftz.f32 p6, p6;
        fma.rn.f32 p7, s7, %0, x3; ex2.approx.ftz.f32 p7, p7; mul.f32 x4, x4, 0fBFB8AA3B; fma.rn.f32 p8, s8, %0, x4; ex2.approx.ftz.f32 p8, p8;
        mul.f32 x5, x5, 0fBFB8AA3B; fma.rn.f32 p9, s9, %0, x5; ex2.approx.ftz.f32 p9, p9; fma.rn.f32 p10, s10, %0, x4; ex2.approx.ftz.f32 p10, p10;
        fma.rn.f32 p11, s11, %0, x5; ex2.approx.ftz.f32 p11, p11; mul.f32 x6, x6, 0fBFB8AA3B; fma.rn.f32 p12, s12, %0, x6;
        ex2.approx.ftz.f32 p12, p12; mul.f32 x7, x7, 0fBFB8AA3B; fma.rn.f32 p13, s13, %0, x7; ex2.approx.ftz.f32 p13, p13;
        fma.rn.f32 p14, s14, %0, x6; ex2.approx.ftz.f32 p14, p14; fma.rn.f32 p15, s15, %0, x7; ex2.approx.ftz.f32 p15, p15;
        mul.f32 x8, x8, 0fBFB8AA3B; fma.rn.f32 p16, s16, %0, x8; ex2.approx.ftz.f32 p16, p16; mul.f32 x9, x9, 0fBFB8AA3B;
        fma.rn.f32 p17, s17, %0, x9; ex2.approx.ftz.f32 p17, p17; fma.rn.f32 p18, s18, %0, x8; ex2.approx.ftz.f32 p18, p18;
        fma.rn.f32 p19, s19, %0, x9; ex2.approx.ftz.f32 p19, p19; mul.f32 x10, x10, 0fBFB8AA3B; fma.rn.f32 p20, s20, %0, x10;
        ex2.approx.ftz.f32 p20, p20; mul.f32 x11, x11, 0fBFB8AA3B; fma.rn.f32 p21, s21, %0, x11; ex2.approx.ftz.f32 p21, p21;
        fma.rn.f32 p22, s22, %0, x10; ex2.approx.ftz.f32 p22, p22; fma.rn.f32 p23, s23, %0, x11; ex2.approx.ftz.f32 p23, p23;
        mul.f32 x12, x12, 0fBFB8AA3B; fma.rn.f32 p24, s24, %0, x12; ex2.approx.ftz.f32 p24, p24; mul.f32 x13, x13, 0fBFB8AA3B;
        fma.rn.f32 p25, s25, %0, x13; ex2.approx.ftz.f32 p25, p25; fma.rn.f32 p26, s26, %0, x12; ex2.approx.ftz.f32 p26, p26;
        fma.rn.f32 p27, s27, %0, x13; ex2.approx.ftz.f32 p27, p27; mul.f32 x14, x14, 0fBFB8AA3B; fma.rn.f32 p28, s28, %0, x14;
        ex2.approx.ftz.f32 p28, p28; mul.f32 x15, x15, 0fBFB8AA3B; fma.rn.f32 p29, s29, %0, x15; ex2.approx.ftz.f32 p29, p29;
        fma.rn.f32 p30, s30, %0, x14; ex2.approx.ftz.f32 p30, p30; fma.rn.f32 p31, s31, %0, x15; ex2.approx.ftz.f32 p31, p31; }
        """;

    private const string ColumnDifferences = """
        { .reg .b32 column; .reg .b64 from; .reg .f32 x<16>; add.s32 column, %1, 0; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x0, [from+4]; add.s32 column, %1, 1; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x1, [from+4]; add.s32 column, %1, 8; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x2, [from+4]; add.s32 column, %1, 9; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x3, [from+4]; add.s32 column, %1, 16; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x4, [from+4]; add.s32 column, %1, 17; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x5, [from+4]; add.s32 column, %1, 24; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x6, [from+4]; add.s32 column, %1, 25; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x7, [from+4]; add.s32 column, %1, 32; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x8, [from+4]; add.s32 column, %1, 33; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x9, [from+4]; add.s32 column, %1, 40; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x10, [from+4]; add.s32 column, %1, 41; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x11, [from+4]; add.s32 column, %1, 48; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x12, [from+4]; add.s32 column, %1, 49; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x13, [from+4]; add.s32 column, %1, 56; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x14, [from+4]; add.s32 column, %1, 57; min.s32 column, column, %2; mul.wide.s32 from, column, 8;
        add.s64 from, from, %0; ld.global.f32 x15, [from+4]; sub.f32 s0, s0, x0; mul.f32 s0, s0, p0; sub.f32 s1, s1, x1; mul.f32 s1, s1, p1;
        sub.f32 s2, s2, x0; mul.f32 s2, s2, p2; sub.f32 s3, s3, x1; mul.f32 s3, s3, p3; sub.f32 s4, s4, x2; mul.f32 s4, s4, p4; sub.f32 s5, s5, x3;
        mul.f32 s5, s5, p5; sub.f32 s6, s6, x2; mul.f32 s6, s6, p6; sub.f32 s7, s7, x3; mul.f32 s7, s7, p7; sub.f32 s8, s8, x4; mul.f32 s8, s8, p8;
        sub.f32 s9, s9, x5; mul.f32 s9, s9, p9; sub.f32 s10, s10, x4; mul.f32 s10, s10, p10; sub.f32 s11, s11, x5; mul.f32 s11, s11, p11;
        sub.f32 s12, s12, x6; mul.f32 s12, s12, p12; sub.f32 s13, s13, x7; mul.f32 s13, s13, p13; sub.f32 s14, s14, x6; mul.f32 s14, s14, p14;
        sub.f32 s15, s15, x7; mul.f32 s15, s15, p15; sub.f32 s16, s16, x8; mul.f32 s16, s16, p16; sub.f32 s17, s17, x9; mul.f32 s17, s17, p17;
        sub.f32 s18, s18, x8; mul.f32 s18, s18, p18; sub.f32 s19, s19, x9; mul.f32 s19, s19, p19; sub.f32 s20, s20, x10; mul.f32 s20, s20, p20;
        sub.f32 s21, s21, x11; mul.f32 s21, s21, p21; sub.f32 s22, s22, x10; mul.f32 s22, s22, p22; sub.f32 s23, s23, x11; mul.f32 s23, s23, p23;
        sub.f32 s24, s24, x12; mul.f32 s24, s24, p24; sub.f32 s25, s25, x13; mul.f32 s25, s25, p25; sub.f32 s26, s26, x12; mul.f32 s26, s26, p26;
        sub.f32 s27, s27, x13; mul.f32 s27, s27, p27; sub.f32 s28, s28, x14; mul.f32 s28, s28, p28; sub.f32 s29, s29, x15; mul.f32 s29, s29, p29;
        sub.f32 s30, s30, x14; mul.f32 s30, s30, p30; sub.f32 s31, s31, x15; mul.f32 s31, s31, p31; }
        """;

    private const string Copies = """
        mov.f32 s0, p0; mov.f32 s1, p1; mov.f32 s2, p2; mov.f32 s3, p3; mov.f32 s4, p4; mov.f32 s5, p5; mov.f32 s6, p6; mov.f32 s7, p7;
        mov.f32 s8, p8; mov.f32 s9, p9; mov.f32 s10, p10; mov.f32 s11, p11; mov.f32 s12, p12; mov.f32 s13, p13; mov.f32 s14, p14; mov.f32 s15, p15;
        mov.f32 s16, p16; mov.f32 s17, p17; mov.f32 s18, p18; mov.f32 s19, p19; mov.f32 s20, p20; mov.f32 s21, p21; mov.f32 s22, p22;
        mov.f32 s23, p23; mov.f32 s24, p24; mov.f32 s25, p25; mov.f32 s26, p26; mov.f32 s27, p27; mov.f32 s28, p28; mov.f32 s29, p29;
        mov.f32 s30, p30; mov.f32 s31, p31;
        """;

    private const string Scaled = """
        mul.f32 acc0, acc0, %0; mul.f32 acc1, acc1, %0; mul.f32 acc2, acc2, %0; mul.f32 acc3, acc3, %0; mul.f32 acc4, acc4, %0;
        mul.f32 acc5, acc5, %0; mul.f32 acc6, acc6, %0; mul.f32 acc7, acc7, %0; mul.f32 acc8, acc8, %0; mul.f32 acc9, acc9, %0;
        mul.f32 acc10, acc10, %0; mul.f32 acc11, acc11, %0; mul.f32 acc12, acc12, %0; mul.f32 acc13, acc13, %0; mul.f32 acc14, acc14, %0;
        mul.f32 acc15, acc15, %0;
        """;

    private const string Result0 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc0, acc1};
        @inside st.global.v2.f32 [%0+32], {acc4, acc5}; @inside st.global.v2.f32 [%0+64], {acc8, acc9};
        @inside st.global.v2.f32 [%0+96], {acc12, acc13}; }
        """;

    private const string Result1 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {acc2, acc3};
        @inside st.global.v2.f32 [%0+32], {acc6, acc7}; @inside st.global.v2.f32 [%0+64], {acc10, acc11};
        @inside st.global.v2.f32 [%0+96], {acc14, acc15}; }
        """;

    private const string Second0 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {second0, second1};
        @inside st.global.v2.f32 [%0+32], {second4, second5}; @inside st.global.v2.f32 [%0+64], {second8, second9};
        @inside st.global.v2.f32 [%0+96], {second12, second13}; }
        """;

    private const string Second1 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.v2.f32 [%0+0], {second2, second3};
        @inside st.global.v2.f32 [%0+32], {second6, second7}; @inside st.global.v2.f32 [%0+64], {second10, second11};
        @inside st.global.v2.f32 [%0+96], {second14, second15}; }
        """;

    private const string LogSumExp0 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.f32 [%0], m0; }
        """;

    private const string LogSumExp1 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; @inside st.global.f32 [%0], m1; }
        """;

    public static int Head { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 32; }

    public static int Block { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 64; }

    public static bool IsBf16 { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare()
    {
        CudaAsm.Emit(Names);
        CudaAsm.Emit(Zero);
    }

    public static bool Exists { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => true; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DeclareSecond()
    {
        CudaAsm.Emit(SecondNames);
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
    public static void AddSecond(int values)
    {
        CudaAsm.Emit(WeightedSecond, values);
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
    public static void StoreSecond(long y, int pitch, bool upper, bool lower)
    {
        CudaAsm.Emit(Second0, y, Utilities.Select(upper, 1, 0));
        CudaAsm.Emit(Second1, y + 8L * pitch, Utilities.Select(lower, 1, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLogSumExp(long lse, bool upper, bool lower)
    {
        CudaAsm.Emit(LogSumExp0, lse, Utilities.Select(upper, 1, 0));
        CudaAsm.Emit(LogSumExp1, lse + 32, Utilities.Select(lower, 1, 0));
    }
}
