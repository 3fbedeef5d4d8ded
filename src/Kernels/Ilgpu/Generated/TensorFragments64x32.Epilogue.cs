using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Generated;

/// <summary>The epilogue of a warp's tile of 64 x 32; written by tools/TensorFragments.cs.</summary>
internal readonly partial struct TensorFragments64x32
{
    private const string AddPairs0 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc0, acc0, t0; add.f32 acc1, acc1, t1; add.f32 acc4, acc4, t2; add.f32 acc5, acc5, t3;
        add.f32 acc8, acc8, t4; add.f32 acc9, acc9, t5; add.f32 acc12, acc12, t6; add.f32 acc13, acc13, t7; }
        """;

    private const string AddPairs1 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc2, acc2, t0; add.f32 acc3, acc3, t1; add.f32 acc6, acc6, t2; add.f32 acc7, acc7, t3;
        add.f32 acc10, acc10, t4; add.f32 acc11, acc11, t5; add.f32 acc14, acc14, t6; add.f32 acc15, acc15, t7; }
        """;

    private const string AddPairs2 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc16, acc16, t0; add.f32 acc17, acc17, t1; add.f32 acc20, acc20, t2;
        add.f32 acc21, acc21, t3; add.f32 acc24, acc24, t4; add.f32 acc25, acc25, t5; add.f32 acc28, acc28, t6; add.f32 acc29, acc29, t7; }
        """;

    private const string AddPairs3 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc18, acc18, t0; add.f32 acc19, acc19, t1; add.f32 acc22, acc22, t2;
        add.f32 acc23, acc23, t3; add.f32 acc26, acc26, t4; add.f32 acc27, acc27, t5; add.f32 acc30, acc30, t6; add.f32 acc31, acc31, t7; }
        """;

    private const string AddPairs4 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc32, acc32, t0; add.f32 acc33, acc33, t1; add.f32 acc36, acc36, t2;
        add.f32 acc37, acc37, t3; add.f32 acc40, acc40, t4; add.f32 acc41, acc41, t5; add.f32 acc44, acc44, t6; add.f32 acc45, acc45, t7; }
        """;

    private const string AddPairs5 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc34, acc34, t0; add.f32 acc35, acc35, t1; add.f32 acc38, acc38, t2;
        add.f32 acc39, acc39, t3; add.f32 acc42, acc42, t4; add.f32 acc43, acc43, t5; add.f32 acc46, acc46, t6; add.f32 acc47, acc47, t7; }
        """;

    private const string AddPairs6 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc48, acc48, t0; add.f32 acc49, acc49, t1; add.f32 acc52, acc52, t2;
        add.f32 acc53, acc53, t3; add.f32 acc56, acc56, t4; add.f32 acc57, acc57, t5; add.f32 acc60, acc60, t6; add.f32 acc61, acc61, t7; }
        """;

    private const string AddPairs7 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v2.f32 {t0, t1}, [%0+0]; setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32];
        setp.gt.s32 inside, %1, 16; @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.v2.f32 {t6, t7}, [%0+96]; add.f32 acc50, acc50, t0; add.f32 acc51, acc51, t1; add.f32 acc54, acc54, t2;
        add.f32 acc55, acc55, t3; add.f32 acc58, acc58, t4; add.f32 acc59, acc59, t5; add.f32 acc62, acc62, t6; add.f32 acc63, acc63, t7; }
        """;

    private const string AddSingles0 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc0, acc0, t0;
        add.f32 acc1, acc1, t1; add.f32 acc4, acc4, t2; add.f32 acc5, acc5, t3; add.f32 acc8, acc8, t4; add.f32 acc9, acc9, t5;
        add.f32 acc12, acc12, t6; add.f32 acc13, acc13, t7; }
        """;

    private const string AddSingles1 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc2, acc2, t0;
        add.f32 acc3, acc3, t1; add.f32 acc6, acc6, t2; add.f32 acc7, acc7, t3; add.f32 acc10, acc10, t4; add.f32 acc11, acc11, t5;
        add.f32 acc14, acc14, t6; add.f32 acc15, acc15, t7; }
        """;

    private const string AddSingles2 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc16, acc16, t0;
        add.f32 acc17, acc17, t1; add.f32 acc20, acc20, t2; add.f32 acc21, acc21, t3; add.f32 acc24, acc24, t4; add.f32 acc25, acc25, t5;
        add.f32 acc28, acc28, t6; add.f32 acc29, acc29, t7; }
        """;

    private const string AddSingles3 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc18, acc18, t0;
        add.f32 acc19, acc19, t1; add.f32 acc22, acc22, t2; add.f32 acc23, acc23, t3; add.f32 acc26, acc26, t4; add.f32 acc27, acc27, t5;
        add.f32 acc30, acc30, t6; add.f32 acc31, acc31, t7; }
        """;

    private const string AddSingles4 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc32, acc32, t0;
        add.f32 acc33, acc33, t1; add.f32 acc36, acc36, t2; add.f32 acc37, acc37, t3; add.f32 acc40, acc40, t4; add.f32 acc41, acc41, t5;
        add.f32 acc44, acc44, t6; add.f32 acc45, acc45, t7; }
        """;

    private const string AddSingles5 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc34, acc34, t0;
        add.f32 acc35, acc35, t1; add.f32 acc38, acc38, t2; add.f32 acc39, acc39, t3; add.f32 acc42, acc42, t4; add.f32 acc43, acc43, t5;
        add.f32 acc46, acc46, t6; add.f32 acc47, acc47, t7; }
        """;

    private const string AddSingles6 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc48, acc48, t0;
        add.f32 acc49, acc49, t1; add.f32 acc52, acc52, t2; add.f32 acc53, acc53, t3; add.f32 acc56, acc56, t4; add.f32 acc57, acc57, t5;
        add.f32 acc60, acc60, t6; add.f32 acc61, acc61, t7; }
        """;

    private const string AddSingles7 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1; @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8;
        @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9; @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17; @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24;
        @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25; @inside ld.global.f32 t7, [%0+100]; add.f32 acc50, acc50, t0;
        add.f32 acc51, acc51, t1; add.f32 acc54, acc54, t2; add.f32 acc55, acc55, t3; add.f32 acc58, acc58, t4; add.f32 acc59, acc59, t5;
        add.f32 acc62, acc62, t6; add.f32 acc63, acc63, t7; }
        """;

    private const string AddQuads0 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc0, acc0, t0; add.f32 acc4, acc4, t1; add.f32 acc8, acc8, t2; add.f32 acc12, acc12, t3; add.f32 acc1, acc1, t4;
        add.f32 acc5, acc5, t5; add.f32 acc9, acc9, t6; add.f32 acc13, acc13, t7; }
        """;

    private const string AddQuads1 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc2, acc2, t0; add.f32 acc6, acc6, t1; add.f32 acc10, acc10, t2; add.f32 acc14, acc14, t3; add.f32 acc3, acc3, t4;
        add.f32 acc7, acc7, t5; add.f32 acc11, acc11, t6; add.f32 acc15, acc15, t7; }
        """;

    private const string AddQuads2 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc16, acc16, t0; add.f32 acc20, acc20, t1; add.f32 acc24, acc24, t2; add.f32 acc28, acc28, t3; add.f32 acc17, acc17, t4;
        add.f32 acc21, acc21, t5; add.f32 acc25, acc25, t6; add.f32 acc29, acc29, t7; }
        """;

    private const string AddQuads3 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc18, acc18, t0; add.f32 acc22, acc22, t1; add.f32 acc26, acc26, t2; add.f32 acc30, acc30, t3; add.f32 acc19, acc19, t4;
        add.f32 acc23, acc23, t5; add.f32 acc27, acc27, t6; add.f32 acc31, acc31, t7; }
        """;

    private const string AddQuads4 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc32, acc32, t0; add.f32 acc36, acc36, t1; add.f32 acc40, acc40, t2; add.f32 acc44, acc44, t3; add.f32 acc33, acc33, t4;
        add.f32 acc37, acc37, t5; add.f32 acc41, acc41, t6; add.f32 acc45, acc45, t7; }
        """;

    private const string AddQuads5 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc34, acc34, t0; add.f32 acc38, acc38, t1; add.f32 acc42, acc42, t2; add.f32 acc46, acc46, t3; add.f32 acc35, acc35, t4;
        add.f32 acc39, acc39, t5; add.f32 acc43, acc43, t6; add.f32 acc47, acc47, t7; }
        """;

    private const string AddQuads6 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc48, acc48, t0; add.f32 acc52, acc52, t1; add.f32 acc56, acc56, t2; add.f32 acc60, acc60, t3; add.f32 acc49, acc49, t4;
        add.f32 acc53, acc53, t5; add.f32 acc57, acc57, t6; add.f32 acc61, acc61, t7; }
        """;

    private const string AddQuads7 = """
        { .reg .pred inside; .reg .f32 t<8>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; setp.gt.s32 inside, %1, 0;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0]; setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16];
        add.f32 acc50, acc50, t0; add.f32 acc54, acc54, t1; add.f32 acc58, acc58, t2; add.f32 acc62, acc62, t3; add.f32 acc51, acc51, t4;
        add.f32 acc55, acc55, t5; add.f32 acc59, acc59, t6; add.f32 acc63, acc63, t7; }
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
        mul.f32 acc60, acc60, %0; mul.f32 acc61, acc61, %0; mul.f32 acc62, acc62, %0; mul.f32 acc63, acc63, %0;
        """;

    private const string Activated = """
        { .reg .f32 t;
        mul.f32 t, acc0, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc0, acc0, t;
        mul.f32 t, acc1, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc1, acc1, t;
        mul.f32 t, acc2, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc2, acc2, t;
        mul.f32 t, acc3, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc3, acc3, t;
        mul.f32 t, acc4, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc4, acc4, t;
        mul.f32 t, acc5, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc5, acc5, t;
        mul.f32 t, acc6, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc6, acc6, t;
        mul.f32 t, acc7, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc7, acc7, t;
        mul.f32 t, acc8, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc8, acc8, t;
        mul.f32 t, acc9, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc9, acc9, t;
        mul.f32 t, acc10, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc10, acc10, t;
        mul.f32 t, acc11, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc11, acc11, t;
        mul.f32 t, acc12, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc12, acc12, t;
        mul.f32 t, acc13, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc13, acc13, t;
        mul.f32 t, acc14, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc14, acc14, t;
        mul.f32 t, acc15, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc15, acc15, t;
        mul.f32 t, acc16, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc16, acc16, t;
        mul.f32 t, acc17, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc17, acc17, t;
        mul.f32 t, acc18, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc18, acc18, t;
        mul.f32 t, acc19, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc19, acc19, t;
        mul.f32 t, acc20, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc20, acc20, t;
        mul.f32 t, acc21, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc21, acc21, t;
        mul.f32 t, acc22, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc22, acc22, t;
        mul.f32 t, acc23, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc23, acc23, t;
        mul.f32 t, acc24, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc24, acc24, t;
        mul.f32 t, acc25, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc25, acc25, t;
        mul.f32 t, acc26, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc26, acc26, t;
        mul.f32 t, acc27, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc27, acc27, t;
        mul.f32 t, acc28, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc28, acc28, t;
        mul.f32 t, acc29, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc29, acc29, t;
        mul.f32 t, acc30, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc30, acc30, t;
        mul.f32 t, acc31, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc31, acc31, t;
        mul.f32 t, acc32, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc32, acc32, t;
        mul.f32 t, acc33, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc33, acc33, t;
        mul.f32 t, acc34, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc34, acc34, t;
        mul.f32 t, acc35, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc35, acc35, t;
        mul.f32 t, acc36, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc36, acc36, t;
        mul.f32 t, acc37, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc37, acc37, t;
        mul.f32 t, acc38, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc38, acc38, t;
        mul.f32 t, acc39, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc39, acc39, t;
        mul.f32 t, acc40, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc40, acc40, t;
        mul.f32 t, acc41, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc41, acc41, t;
        mul.f32 t, acc42, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc42, acc42, t;
        mul.f32 t, acc43, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc43, acc43, t;
        mul.f32 t, acc44, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc44, acc44, t;
        mul.f32 t, acc45, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc45, acc45, t;
        mul.f32 t, acc46, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc46, acc46, t;
        mul.f32 t, acc47, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc47, acc47, t;
        mul.f32 t, acc48, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc48, acc48, t;
        mul.f32 t, acc49, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc49, acc49, t;
        mul.f32 t, acc50, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc50, acc50, t;
        mul.f32 t, acc51, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc51, acc51, t;
        mul.f32 t, acc52, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc52, acc52, t;
        mul.f32 t, acc53, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc53, acc53, t;
        mul.f32 t, acc54, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc54, acc54, t;
        mul.f32 t, acc55, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc55, acc55, t;
        mul.f32 t, acc56, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc56, acc56, t;
        mul.f32 t, acc57, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc57, acc57, t;
        mul.f32 t, acc58, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc58, acc58, t;
        mul.f32 t, acc59, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc59, acc59, t;
        mul.f32 t, acc60, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc60, acc60, t;
        mul.f32 t, acc61, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc61, acc61, t;
        mul.f32 t, acc62, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc62, acc62, t;
        mul.f32 t, acc63, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc63, acc63, t; }
        """;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddPairs(long from, int pitch, int row, int rows, int shared, int left)
    {
        CudaAsm.Emit(AddPairs0, from + (long)((row + 0) / shared) * pitch, Utilities.Select(row + 0 < rows, left, 0));
        CudaAsm.Emit(AddPairs1, from + (long)((row + 8) / shared) * pitch, Utilities.Select(row + 8 < rows, left, 0));
        CudaAsm.Emit(AddPairs2, from + (long)((row + 16) / shared) * pitch, Utilities.Select(row + 16 < rows, left, 0));
        CudaAsm.Emit(AddPairs3, from + (long)((row + 24) / shared) * pitch, Utilities.Select(row + 24 < rows, left, 0));
        CudaAsm.Emit(AddPairs4, from + (long)((row + 32) / shared) * pitch, Utilities.Select(row + 32 < rows, left, 0));
        CudaAsm.Emit(AddPairs5, from + (long)((row + 40) / shared) * pitch, Utilities.Select(row + 40 < rows, left, 0));
        CudaAsm.Emit(AddPairs6, from + (long)((row + 48) / shared) * pitch, Utilities.Select(row + 48 < rows, left, 0));
        CudaAsm.Emit(AddPairs7, from + (long)((row + 56) / shared) * pitch, Utilities.Select(row + 56 < rows, left, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddSingles(long from, int pitch, int row, int rows, int shared, int left)
    {
        CudaAsm.Emit(AddSingles0, from + (long)((row + 0) / shared) * pitch, Utilities.Select(row + 0 < rows, left, 0));
        CudaAsm.Emit(AddSingles1, from + (long)((row + 8) / shared) * pitch, Utilities.Select(row + 8 < rows, left, 0));
        CudaAsm.Emit(AddSingles2, from + (long)((row + 16) / shared) * pitch, Utilities.Select(row + 16 < rows, left, 0));
        CudaAsm.Emit(AddSingles3, from + (long)((row + 24) / shared) * pitch, Utilities.Select(row + 24 < rows, left, 0));
        CudaAsm.Emit(AddSingles4, from + (long)((row + 32) / shared) * pitch, Utilities.Select(row + 32 < rows, left, 0));
        CudaAsm.Emit(AddSingles5, from + (long)((row + 40) / shared) * pitch, Utilities.Select(row + 40 < rows, left, 0));
        CudaAsm.Emit(AddSingles6, from + (long)((row + 48) / shared) * pitch, Utilities.Select(row + 48 < rows, left, 0));
        CudaAsm.Emit(AddSingles7, from + (long)((row + 56) / shared) * pitch, Utilities.Select(row + 56 < rows, left, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddQuads(long from, int pitch, int row, int rows, int left, bool near)
    {
        int r0 = row + 0;
        CudaAsm.Emit(AddQuads0, from + (long)r0 * pitch, Utilities.Select(r0 < rows, left, 0));
        int r1 = row + (near ? 1 : 8);
        CudaAsm.Emit(AddQuads1, from + (long)r1 * pitch, Utilities.Select(r1 < rows, left, 0));
        int r2 = row + (near ? 2 : 16);
        CudaAsm.Emit(AddQuads2, from + (long)r2 * pitch, Utilities.Select(r2 < rows, left, 0));
        int r3 = row + (near ? 3 : 24);
        CudaAsm.Emit(AddQuads3, from + (long)r3 * pitch, Utilities.Select(r3 < rows, left, 0));
        int r4 = row + 32;
        CudaAsm.Emit(AddQuads4, from + (long)r4 * pitch, Utilities.Select(r4 < rows, left, 0));
        int r5 = row + (near ? 33 : 40);
        CudaAsm.Emit(AddQuads5, from + (long)r5 * pitch, Utilities.Select(r5 < rows, left, 0));
        int r6 = row + (near ? 34 : 48);
        CudaAsm.Emit(AddQuads6, from + (long)r6 * pitch, Utilities.Select(r6 < rows, left, 0));
        int r7 = row + (near ? 35 : 56);
        CudaAsm.Emit(AddQuads7, from + (long)r7 * pitch, Utilities.Select(r7 < rows, left, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(float scale)
    {
        CudaAsm.Emit(Scaled, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Silu()
    {
        CudaAsm.Emit(Activated);
    }
}
