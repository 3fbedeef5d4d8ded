using System.Runtime.CompilerServices;
using BDense.Kernels.Ilgpu.Convolution;
using BDense.Kernels.Ilgpu.Tiles;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Generated;

/// <summary>
/// Up to four pieces of 16 shared bytes a thread, from float32 in global memory through registers:
/// act(scale x + shift) on the way, zeros
/// where nothing is inside; in BF16 rounded to nearest even. Written by tools/TensorFragments.cs.
/// </summary>
internal static class TensorActivation
{
    private const string Registers = """
        .reg .f32 v<32>;
        """;

    private const string Fetch0Tf32 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v0, 0f00000000; mov.f32 v1, 0f00000000; mov.f32 v2, 0f00000000;
        mov.f32 v3, 0f00000000; @inside ld.global.v4.f32 {v0, v1, v2, v3}, [%0+0]; }
        """;

    private const string Store0Tf32 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<4>; .reg .f32 h<4>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000; mov.f32 h3, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; fma.rn.f32 v0, v0, s0, h0; fma.rn.f32 t, v0, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v0, v0, t; fma.rn.f32 v1, v1, s1, h1; fma.rn.f32 t, v1, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v1, v1, t; fma.rn.f32 v2, v2, s2, h2;
        fma.rn.f32 t, v2, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v2, v2, t;
        fma.rn.f32 v3, v3, s3, h3; fma.rn.f32 t, v3, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v3, v3, t; add.u32 at, base, %0; st.shared.v4.f32 [at], {v0, v1, v2, v3}; }
        """;

    private const string Fetch0Bf16 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v0, 0f00000000; mov.f32 v1, 0f00000000; mov.f32 v2, 0f00000000;
        mov.f32 v3, 0f00000000; mov.f32 v4, 0f00000000; mov.f32 v5, 0f00000000; mov.f32 v6, 0f00000000; mov.f32 v7, 0f00000000;
        @inside ld.global.v4.f32 {v0, v1, v2, v3}, [%0+0]; @inside ld.global.v4.f32 {v4, v5, v6, v7}, [%0+16]; }
        """;

    private const string Store0Bf16 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<8>; .reg .f32 h<8>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; mov.f32 s4, 0f00000000; mov.f32 s5, 0f00000000;
        mov.f32 s6, 0f00000000; mov.f32 s7, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        @inside ld.global.v4.f32 {s4, s5, s6, s7}, [%1+16]; mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000;
        mov.f32 h3, 0f00000000; mov.f32 h4, 0f00000000; mov.f32 h5, 0f00000000; mov.f32 h6, 0f00000000; mov.f32 h7, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; @inside ld.global.v4.f32 {h4, h5, h6, h7}, [%2+16]; fma.rn.f32 v0, v0, s0, h0;
        fma.rn.f32 t, v0, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v0, v0, t;
        fma.rn.f32 v1, v1, s1, h1; fma.rn.f32 t, v1, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v1, v1, t; fma.rn.f32 v2, v2, s2, h2; fma.rn.f32 t, v2, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v2, v2, t; fma.rn.f32 v3, v3, s3, h3; fma.rn.f32 t, v3, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v3, v3, t; fma.rn.f32 v4, v4, s4, h4; fma.rn.f32 t, v4, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v4, v4, t; fma.rn.f32 v5, v5, s5, h5;
        fma.rn.f32 t, v5, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v5, v5, t;
        fma.rn.f32 v6, v6, s6, h6; fma.rn.f32 t, v6, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v6, v6, t; fma.rn.f32 v7, v7, s7, h7; fma.rn.f32 t, v7, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v7, v7, t; add.u32 at, base, %0; .reg .b32 w<4>; cvt.rn.bf16x2.f32 w0, v1, v0;
        cvt.rn.bf16x2.f32 w1, v3, v2; cvt.rn.bf16x2.f32 w2, v5, v4; cvt.rn.bf16x2.f32 w3, v7, v6; st.shared.v4.b32 [at], {w0, w1, w2, w3}; }
        """;

    private const string Fetch1Tf32 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v4, 0f00000000; mov.f32 v5, 0f00000000; mov.f32 v6, 0f00000000;
        mov.f32 v7, 0f00000000; @inside ld.global.v4.f32 {v4, v5, v6, v7}, [%0+0]; }
        """;

    private const string Store1Tf32 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<4>; .reg .f32 h<4>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000; mov.f32 h3, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; fma.rn.f32 v4, v4, s0, h0; fma.rn.f32 t, v4, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v4, v4, t; fma.rn.f32 v5, v5, s1, h1; fma.rn.f32 t, v5, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v5, v5, t; fma.rn.f32 v6, v6, s2, h2;
        fma.rn.f32 t, v6, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v6, v6, t;
        fma.rn.f32 v7, v7, s3, h3; fma.rn.f32 t, v7, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v7, v7, t; add.u32 at, base, %0; st.shared.v4.f32 [at], {v4, v5, v6, v7}; }
        """;

    private const string Fetch1Bf16 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v8, 0f00000000; mov.f32 v9, 0f00000000; mov.f32 v10, 0f00000000;
        mov.f32 v11, 0f00000000; mov.f32 v12, 0f00000000; mov.f32 v13, 0f00000000; mov.f32 v14, 0f00000000; mov.f32 v15, 0f00000000;
        @inside ld.global.v4.f32 {v8, v9, v10, v11}, [%0+0]; @inside ld.global.v4.f32 {v12, v13, v14, v15}, [%0+16]; }
        """;

    private const string Store1Bf16 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<8>; .reg .f32 h<8>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; mov.f32 s4, 0f00000000; mov.f32 s5, 0f00000000;
        mov.f32 s6, 0f00000000; mov.f32 s7, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        @inside ld.global.v4.f32 {s4, s5, s6, s7}, [%1+16]; mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000;
        mov.f32 h3, 0f00000000; mov.f32 h4, 0f00000000; mov.f32 h5, 0f00000000; mov.f32 h6, 0f00000000; mov.f32 h7, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; @inside ld.global.v4.f32 {h4, h5, h6, h7}, [%2+16]; fma.rn.f32 v8, v8, s0, h0;
        fma.rn.f32 t, v8, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v8, v8, t;
        fma.rn.f32 v9, v9, s1, h1; fma.rn.f32 t, v9, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v9, v9, t; fma.rn.f32 v10, v10, s2, h2; fma.rn.f32 t, v10, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v10, v10, t; fma.rn.f32 v11, v11, s3, h3; fma.rn.f32 t, v11, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v11, v11, t; fma.rn.f32 v12, v12, s4, h4; fma.rn.f32 t, v12, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v12, v12, t; fma.rn.f32 v13, v13, s5, h5;
        fma.rn.f32 t, v13, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v13, v13, t;
        fma.rn.f32 v14, v14, s6, h6; fma.rn.f32 t, v14, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v14, v14, t; fma.rn.f32 v15, v15, s7, h7; fma.rn.f32 t, v15, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v15, v15, t; add.u32 at, base, %0; .reg .b32 w<4>; cvt.rn.bf16x2.f32 w0, v9, v8;
        cvt.rn.bf16x2.f32 w1, v11, v10; cvt.rn.bf16x2.f32 w2, v13, v12; cvt.rn.bf16x2.f32 w3, v15, v14; st.shared.v4.b32 [at], {w0, w1, w2, w3}; }
        """;

    private const string Fetch2Tf32 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v8, 0f00000000; mov.f32 v9, 0f00000000; mov.f32 v10, 0f00000000;
        mov.f32 v11, 0f00000000; @inside ld.global.v4.f32 {v8, v9, v10, v11}, [%0+0]; }
        """;

    private const string Store2Tf32 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<4>; .reg .f32 h<4>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000; mov.f32 h3, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; fma.rn.f32 v8, v8, s0, h0; fma.rn.f32 t, v8, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v8, v8, t; fma.rn.f32 v9, v9, s1, h1; fma.rn.f32 t, v9, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v9, v9, t; fma.rn.f32 v10, v10, s2, h2;
        fma.rn.f32 t, v10, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v10, v10, t;
        fma.rn.f32 v11, v11, s3, h3; fma.rn.f32 t, v11, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v11, v11, t; add.u32 at, base, %0; st.shared.v4.f32 [at], {v8, v9, v10, v11}; }
        """;

    private const string Fetch2Bf16 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v16, 0f00000000; mov.f32 v17, 0f00000000; mov.f32 v18, 0f00000000;
        mov.f32 v19, 0f00000000; mov.f32 v20, 0f00000000; mov.f32 v21, 0f00000000; mov.f32 v22, 0f00000000; mov.f32 v23, 0f00000000;
        @inside ld.global.v4.f32 {v16, v17, v18, v19}, [%0+0]; @inside ld.global.v4.f32 {v20, v21, v22, v23}, [%0+16]; }
        """;

    private const string Store2Bf16 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<8>; .reg .f32 h<8>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; mov.f32 s4, 0f00000000; mov.f32 s5, 0f00000000;
        mov.f32 s6, 0f00000000; mov.f32 s7, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        @inside ld.global.v4.f32 {s4, s5, s6, s7}, [%1+16]; mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000;
        mov.f32 h3, 0f00000000; mov.f32 h4, 0f00000000; mov.f32 h5, 0f00000000; mov.f32 h6, 0f00000000; mov.f32 h7, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; @inside ld.global.v4.f32 {h4, h5, h6, h7}, [%2+16]; fma.rn.f32 v16, v16, s0, h0;
        fma.rn.f32 t, v16, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v16, v16, t;
        fma.rn.f32 v17, v17, s1, h1; fma.rn.f32 t, v17, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v17, v17, t; fma.rn.f32 v18, v18, s2, h2; fma.rn.f32 t, v18, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v18, v18, t; fma.rn.f32 v19, v19, s3, h3; fma.rn.f32 t, v19, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v19, v19, t; fma.rn.f32 v20, v20, s4, h4; fma.rn.f32 t, v20, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v20, v20, t; fma.rn.f32 v21, v21, s5, h5;
        fma.rn.f32 t, v21, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v21, v21, t;
        fma.rn.f32 v22, v22, s6, h6; fma.rn.f32 t, v22, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v22, v22, t; fma.rn.f32 v23, v23, s7, h7; fma.rn.f32 t, v23, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v23, v23, t; add.u32 at, base, %0; .reg .b32 w<4>; cvt.rn.bf16x2.f32 w0, v17, v16;
        cvt.rn.bf16x2.f32 w1, v19, v18; cvt.rn.bf16x2.f32 w2, v21, v20; cvt.rn.bf16x2.f32 w3, v23, v22; st.shared.v4.b32 [at], {w0, w1, w2, w3}; }
        """;

    private const string Fetch3Tf32 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v12, 0f00000000; mov.f32 v13, 0f00000000; mov.f32 v14, 0f00000000;
        mov.f32 v15, 0f00000000; @inside ld.global.v4.f32 {v12, v13, v14, v15}, [%0+0]; }
        """;

    private const string Store3Tf32 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<4>; .reg .f32 h<4>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000; mov.f32 h3, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; fma.rn.f32 v12, v12, s0, h0; fma.rn.f32 t, v12, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v12, v12, t; fma.rn.f32 v13, v13, s1, h1; fma.rn.f32 t, v13, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v13, v13, t; fma.rn.f32 v14, v14, s2, h2;
        fma.rn.f32 t, v14, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v14, v14, t;
        fma.rn.f32 v15, v15, s3, h3; fma.rn.f32 t, v15, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v15, v15, t; add.u32 at, base, %0; st.shared.v4.f32 [at], {v12, v13, v14, v15}; }
        """;

    private const string Fetch3Bf16 = """
        { .reg .pred inside; setp.ne.s32 inside, %1, 0; mov.f32 v24, 0f00000000; mov.f32 v25, 0f00000000; mov.f32 v26, 0f00000000;
        mov.f32 v27, 0f00000000; mov.f32 v28, 0f00000000; mov.f32 v29, 0f00000000; mov.f32 v30, 0f00000000; mov.f32 v31, 0f00000000;
        @inside ld.global.v4.f32 {v24, v25, v26, v27}, [%0+0]; @inside ld.global.v4.f32 {v28, v29, v30, v31}, [%0+16]; }
        """;

    private const string Store3Bf16 = """
        { .reg .pred inside; .reg .f32 t; .reg .f32 s<8>; .reg .f32 h<8>; setp.ne.s32 inside, %3, 0; mov.f32 s0, 0f00000000;
        mov.f32 s1, 0f00000000; mov.f32 s2, 0f00000000; mov.f32 s3, 0f00000000; mov.f32 s4, 0f00000000; mov.f32 s5, 0f00000000;
        mov.f32 s6, 0f00000000; mov.f32 s7, 0f00000000; @inside ld.global.v4.f32 {s0, s1, s2, s3}, [%1+0];
        @inside ld.global.v4.f32 {s4, s5, s6, s7}, [%1+16]; mov.f32 h0, 0f00000000; mov.f32 h1, 0f00000000; mov.f32 h2, 0f00000000;
        mov.f32 h3, 0f00000000; mov.f32 h4, 0f00000000; mov.f32 h5, 0f00000000; mov.f32 h6, 0f00000000; mov.f32 h7, 0f00000000;
        @inside ld.global.v4.f32 {h0, h1, h2, h3}, [%2+0]; @inside ld.global.v4.f32 {h4, h5, h6, h7}, [%2+16]; fma.rn.f32 v24, v24, s0, h0;
        fma.rn.f32 t, v24, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v24, v24, t;
        fma.rn.f32 v25, v25, s1, h1; fma.rn.f32 t, v25, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v25, v25, t; fma.rn.f32 v26, v26, s2, h2; fma.rn.f32 t, v26, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v26, v26, t; fma.rn.f32 v27, v27, s3, h3; fma.rn.f32 t, v27, %4, %5; ex2.approx.ftz.f32 t, t;
        add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v27, v27, t; fma.rn.f32 v28, v28, s4, h4; fma.rn.f32 t, v28, %4, %5;
        ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v28, v28, t; fma.rn.f32 v29, v29, s5, h5;
        fma.rn.f32 t, v29, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 v29, v29, t;
        fma.rn.f32 v30, v30, s6, h6; fma.rn.f32 t, v30, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t;
        mul.f32 v30, v30, t; fma.rn.f32 v31, v31, s7, h7; fma.rn.f32 t, v31, %4, %5; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000;
        rcp.approx.ftz.f32 t, t; mul.f32 v31, v31, t; add.u32 at, base, %0; .reg .b32 w<4>; cvt.rn.bf16x2.f32 w0, v25, v24;
        cvt.rn.bf16x2.f32 w1, v27, v26; cvt.rn.bf16x2.f32 w2, v29, v28; cvt.rn.bf16x2.f32 w3, v31, v30; st.shared.v4.b32 [at], {w0, w1, w2, w3}; }
        """;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare()
    {
        CudaAsm.Emit(Registers);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch0<TPrecision>(long from, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Fetch0Bf16, from, Utilities.Select(inside, 1, 0));
        else
            CudaAsm.Emit(Fetch0Tf32, from, Utilities.Select(inside, 1, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store0<TPrecision>(in TensorActivationFactors f, int to, long scale, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Store0Bf16, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
        else
            CudaAsm.Emit(Store0Tf32, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch1<TPrecision>(long from, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Fetch1Bf16, from, Utilities.Select(inside, 1, 0));
        else
            CudaAsm.Emit(Fetch1Tf32, from, Utilities.Select(inside, 1, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store1<TPrecision>(in TensorActivationFactors f, int to, long scale, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Store1Bf16, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
        else
            CudaAsm.Emit(Store1Tf32, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch2<TPrecision>(long from, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Fetch2Bf16, from, Utilities.Select(inside, 1, 0));
        else
            CudaAsm.Emit(Fetch2Tf32, from, Utilities.Select(inside, 1, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store2<TPrecision>(in TensorActivationFactors f, int to, long scale, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Store2Bf16, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
        else
            CudaAsm.Emit(Store2Tf32, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch3<TPrecision>(long from, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Fetch3Bf16, from, Utilities.Select(inside, 1, 0));
        else
            CudaAsm.Emit(Fetch3Tf32, from, Utilities.Select(inside, 1, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store3<TPrecision>(in TensorActivationFactors f, int to, long scale, bool inside)
        where TPrecision : struct, ITensorPrecision
    {
        if (TPrecision.IsBf16)
            CudaAsm.Emit(Store3Bf16, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
        else
            CudaAsm.Emit(Store3Tf32, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);
    }
}
