using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;
using ILGPU.Util;

namespace BDense.Kernels.Ilgpu.Generated;

/// <summary>The epilogue of a warp's tile of 64 x 64; written by tools/TensorFragments.cs.</summary>
internal readonly partial struct TensorFragments64x64
{
    private const string AddPairs0 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc0, acc0, t0; add.f32 acc1, acc1, t1;
        add.f32 acc4, acc4, t2; add.f32 acc5, acc5, t3; add.f32 acc8, acc8, t4; add.f32 acc9, acc9, t5; add.f32 acc12, acc12, t6;
        add.f32 acc13, acc13, t7; add.f32 acc16, acc16, t8; add.f32 acc17, acc17, t9; add.f32 acc20, acc20, t10; add.f32 acc21, acc21, t11;
        add.f32 acc24, acc24, t12; add.f32 acc25, acc25, t13; add.f32 acc28, acc28, t14; add.f32 acc29, acc29, t15; }
        """;

    private const string AddPairs1 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc2, acc2, t0; add.f32 acc3, acc3, t1;
        add.f32 acc6, acc6, t2; add.f32 acc7, acc7, t3; add.f32 acc10, acc10, t4; add.f32 acc11, acc11, t5; add.f32 acc14, acc14, t6;
        add.f32 acc15, acc15, t7; add.f32 acc18, acc18, t8; add.f32 acc19, acc19, t9; add.f32 acc22, acc22, t10; add.f32 acc23, acc23, t11;
        add.f32 acc26, acc26, t12; add.f32 acc27, acc27, t13; add.f32 acc30, acc30, t14; add.f32 acc31, acc31, t15; }
        """;

    private const string AddPairs2 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc32, acc32, t0; add.f32 acc33, acc33, t1;
        add.f32 acc36, acc36, t2; add.f32 acc37, acc37, t3; add.f32 acc40, acc40, t4; add.f32 acc41, acc41, t5; add.f32 acc44, acc44, t6;
        add.f32 acc45, acc45, t7; add.f32 acc48, acc48, t8; add.f32 acc49, acc49, t9; add.f32 acc52, acc52, t10; add.f32 acc53, acc53, t11;
        add.f32 acc56, acc56, t12; add.f32 acc57, acc57, t13; add.f32 acc60, acc60, t14; add.f32 acc61, acc61, t15; }
        """;

    private const string AddPairs3 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc34, acc34, t0; add.f32 acc35, acc35, t1;
        add.f32 acc38, acc38, t2; add.f32 acc39, acc39, t3; add.f32 acc42, acc42, t4; add.f32 acc43, acc43, t5; add.f32 acc46, acc46, t6;
        add.f32 acc47, acc47, t7; add.f32 acc50, acc50, t8; add.f32 acc51, acc51, t9; add.f32 acc54, acc54, t10; add.f32 acc55, acc55, t11;
        add.f32 acc58, acc58, t12; add.f32 acc59, acc59, t13; add.f32 acc62, acc62, t14; add.f32 acc63, acc63, t15; }
        """;

    private const string AddPairs4 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc64, acc64, t0; add.f32 acc65, acc65, t1;
        add.f32 acc68, acc68, t2; add.f32 acc69, acc69, t3; add.f32 acc72, acc72, t4; add.f32 acc73, acc73, t5; add.f32 acc76, acc76, t6;
        add.f32 acc77, acc77, t7; add.f32 acc80, acc80, t8; add.f32 acc81, acc81, t9; add.f32 acc84, acc84, t10; add.f32 acc85, acc85, t11;
        add.f32 acc88, acc88, t12; add.f32 acc89, acc89, t13; add.f32 acc92, acc92, t14; add.f32 acc93, acc93, t15; }
        """;

    private const string AddPairs5 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc66, acc66, t0; add.f32 acc67, acc67, t1;
        add.f32 acc70, acc70, t2; add.f32 acc71, acc71, t3; add.f32 acc74, acc74, t4; add.f32 acc75, acc75, t5; add.f32 acc78, acc78, t6;
        add.f32 acc79, acc79, t7; add.f32 acc82, acc82, t8; add.f32 acc83, acc83, t9; add.f32 acc86, acc86, t10; add.f32 acc87, acc87, t11;
        add.f32 acc90, acc90, t12; add.f32 acc91, acc91, t13; add.f32 acc94, acc94, t14; add.f32 acc95, acc95, t15; }
        """;

    private const string AddPairs6 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc96, acc96, t0; add.f32 acc97, acc97, t1;
        add.f32 acc100, acc100, t2; add.f32 acc101, acc101, t3; add.f32 acc104, acc104, t4; add.f32 acc105, acc105, t5; add.f32 acc108, acc108, t6;
        add.f32 acc109, acc109, t7; add.f32 acc112, acc112, t8; add.f32 acc113, acc113, t9; add.f32 acc116, acc116, t10;
        add.f32 acc117, acc117, t11; add.f32 acc120, acc120, t12; add.f32 acc121, acc121, t13; add.f32 acc124, acc124, t14;
        add.f32 acc125, acc125, t15; }
        """;

    private const string AddPairs7 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v2.f32 {t0, t1}, [%0+0];
        setp.gt.s32 inside, %1, 8; @inside ld.global.v2.f32 {t2, t3}, [%0+32]; setp.gt.s32 inside, %1, 16;
        @inside ld.global.v2.f32 {t4, t5}, [%0+64]; setp.gt.s32 inside, %1, 24; @inside ld.global.v2.f32 {t6, t7}, [%0+96];
        setp.gt.s32 inside, %1, 32; @inside ld.global.v2.f32 {t8, t9}, [%0+128]; setp.gt.s32 inside, %1, 40;
        @inside ld.global.v2.f32 {t10, t11}, [%0+160]; setp.gt.s32 inside, %1, 48; @inside ld.global.v2.f32 {t12, t13}, [%0+192];
        setp.gt.s32 inside, %1, 56; @inside ld.global.v2.f32 {t14, t15}, [%0+224]; add.f32 acc98, acc98, t0; add.f32 acc99, acc99, t1;
        add.f32 acc102, acc102, t2; add.f32 acc103, acc103, t3; add.f32 acc106, acc106, t4; add.f32 acc107, acc107, t5; add.f32 acc110, acc110, t6;
        add.f32 acc111, acc111, t7; add.f32 acc114, acc114, t8; add.f32 acc115, acc115, t9; add.f32 acc118, acc118, t10;
        add.f32 acc119, acc119, t11; add.f32 acc122, acc122, t12; add.f32 acc123, acc123, t13; add.f32 acc126, acc126, t14;
        add.f32 acc127, acc127, t15; }
        """;

    private const string AddSingles0 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc0, acc0, t0; add.f32 acc1, acc1, t1; add.f32 acc4, acc4, t2; add.f32 acc5, acc5, t3;
        add.f32 acc8, acc8, t4; add.f32 acc9, acc9, t5; add.f32 acc12, acc12, t6; add.f32 acc13, acc13, t7; add.f32 acc16, acc16, t8;
        add.f32 acc17, acc17, t9; add.f32 acc20, acc20, t10; add.f32 acc21, acc21, t11; add.f32 acc24, acc24, t12; add.f32 acc25, acc25, t13;
        add.f32 acc28, acc28, t14; add.f32 acc29, acc29, t15; }
        """;

    private const string AddSingles1 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc2, acc2, t0; add.f32 acc3, acc3, t1; add.f32 acc6, acc6, t2; add.f32 acc7, acc7, t3;
        add.f32 acc10, acc10, t4; add.f32 acc11, acc11, t5; add.f32 acc14, acc14, t6; add.f32 acc15, acc15, t7; add.f32 acc18, acc18, t8;
        add.f32 acc19, acc19, t9; add.f32 acc22, acc22, t10; add.f32 acc23, acc23, t11; add.f32 acc26, acc26, t12; add.f32 acc27, acc27, t13;
        add.f32 acc30, acc30, t14; add.f32 acc31, acc31, t15; }
        """;

    private const string AddSingles2 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc32, acc32, t0; add.f32 acc33, acc33, t1; add.f32 acc36, acc36, t2;
        add.f32 acc37, acc37, t3; add.f32 acc40, acc40, t4; add.f32 acc41, acc41, t5; add.f32 acc44, acc44, t6; add.f32 acc45, acc45, t7;
        add.f32 acc48, acc48, t8; add.f32 acc49, acc49, t9; add.f32 acc52, acc52, t10; add.f32 acc53, acc53, t11; add.f32 acc56, acc56, t12;
        add.f32 acc57, acc57, t13; add.f32 acc60, acc60, t14; add.f32 acc61, acc61, t15; }
        """;

    private const string AddSingles3 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc34, acc34, t0; add.f32 acc35, acc35, t1; add.f32 acc38, acc38, t2;
        add.f32 acc39, acc39, t3; add.f32 acc42, acc42, t4; add.f32 acc43, acc43, t5; add.f32 acc46, acc46, t6; add.f32 acc47, acc47, t7;
        add.f32 acc50, acc50, t8; add.f32 acc51, acc51, t9; add.f32 acc54, acc54, t10; add.f32 acc55, acc55, t11; add.f32 acc58, acc58, t12;
        add.f32 acc59, acc59, t13; add.f32 acc62, acc62, t14; add.f32 acc63, acc63, t15; }
        """;

    private const string AddSingles4 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc64, acc64, t0; add.f32 acc65, acc65, t1; add.f32 acc68, acc68, t2;
        add.f32 acc69, acc69, t3; add.f32 acc72, acc72, t4; add.f32 acc73, acc73, t5; add.f32 acc76, acc76, t6; add.f32 acc77, acc77, t7;
        add.f32 acc80, acc80, t8; add.f32 acc81, acc81, t9; add.f32 acc84, acc84, t10; add.f32 acc85, acc85, t11; add.f32 acc88, acc88, t12;
        add.f32 acc89, acc89, t13; add.f32 acc92, acc92, t14; add.f32 acc93, acc93, t15; }
        """;

    private const string AddSingles5 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc66, acc66, t0; add.f32 acc67, acc67, t1; add.f32 acc70, acc70, t2;
        add.f32 acc71, acc71, t3; add.f32 acc74, acc74, t4; add.f32 acc75, acc75, t5; add.f32 acc78, acc78, t6; add.f32 acc79, acc79, t7;
        add.f32 acc82, acc82, t8; add.f32 acc83, acc83, t9; add.f32 acc86, acc86, t10; add.f32 acc87, acc87, t11; add.f32 acc90, acc90, t12;
        add.f32 acc91, acc91, t13; add.f32 acc94, acc94, t14; add.f32 acc95, acc95, t15; }
        """;

    private const string AddSingles6 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc96, acc96, t0; add.f32 acc97, acc97, t1; add.f32 acc100, acc100, t2;
        add.f32 acc101, acc101, t3; add.f32 acc104, acc104, t4; add.f32 acc105, acc105, t5; add.f32 acc108, acc108, t6; add.f32 acc109, acc109, t7;
        add.f32 acc112, acc112, t8; add.f32 acc113, acc113, t9; add.f32 acc116, acc116, t10; add.f32 acc117, acc117, t11;
        add.f32 acc120, acc120, t12; add.f32 acc121, acc121, t13; add.f32 acc124, acc124, t14; add.f32 acc125, acc125, t15; }
        """;

    private const string AddSingles7 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.f32 t0, [%0+0]; setp.gt.s32 inside, %1, 1;
        @inside ld.global.f32 t1, [%0+4]; setp.gt.s32 inside, %1, 8; @inside ld.global.f32 t2, [%0+32]; setp.gt.s32 inside, %1, 9;
        @inside ld.global.f32 t3, [%0+36]; setp.gt.s32 inside, %1, 16; @inside ld.global.f32 t4, [%0+64]; setp.gt.s32 inside, %1, 17;
        @inside ld.global.f32 t5, [%0+68]; setp.gt.s32 inside, %1, 24; @inside ld.global.f32 t6, [%0+96]; setp.gt.s32 inside, %1, 25;
        @inside ld.global.f32 t7, [%0+100]; setp.gt.s32 inside, %1, 32; @inside ld.global.f32 t8, [%0+128]; setp.gt.s32 inside, %1, 33;
        @inside ld.global.f32 t9, [%0+132]; setp.gt.s32 inside, %1, 40; @inside ld.global.f32 t10, [%0+160]; setp.gt.s32 inside, %1, 41;
        @inside ld.global.f32 t11, [%0+164]; setp.gt.s32 inside, %1, 48; @inside ld.global.f32 t12, [%0+192]; setp.gt.s32 inside, %1, 49;
        @inside ld.global.f32 t13, [%0+196]; setp.gt.s32 inside, %1, 56; @inside ld.global.f32 t14, [%0+224]; setp.gt.s32 inside, %1, 57;
        @inside ld.global.f32 t15, [%0+228]; add.f32 acc98, acc98, t0; add.f32 acc99, acc99, t1; add.f32 acc102, acc102, t2;
        add.f32 acc103, acc103, t3; add.f32 acc106, acc106, t4; add.f32 acc107, acc107, t5; add.f32 acc110, acc110, t6; add.f32 acc111, acc111, t7;
        add.f32 acc114, acc114, t8; add.f32 acc115, acc115, t9; add.f32 acc118, acc118, t10; add.f32 acc119, acc119, t11;
        add.f32 acc122, acc122, t12; add.f32 acc123, acc123, t13; add.f32 acc126, acc126, t14; add.f32 acc127, acc127, t15; }
        """;

    private const string AddQuads0 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc0, acc0, t0; add.f32 acc4, acc4, t1; add.f32 acc8, acc8, t2; add.f32 acc12, acc12, t3; add.f32 acc1, acc1, t4;
        add.f32 acc5, acc5, t5; add.f32 acc9, acc9, t6; add.f32 acc13, acc13, t7; add.f32 acc16, acc16, t8; add.f32 acc20, acc20, t9;
        add.f32 acc24, acc24, t10; add.f32 acc28, acc28, t11; add.f32 acc17, acc17, t12; add.f32 acc21, acc21, t13; add.f32 acc25, acc25, t14;
        add.f32 acc29, acc29, t15; }
        """;

    private const string AddQuads1 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc2, acc2, t0; add.f32 acc6, acc6, t1; add.f32 acc10, acc10, t2; add.f32 acc14, acc14, t3; add.f32 acc3, acc3, t4;
        add.f32 acc7, acc7, t5; add.f32 acc11, acc11, t6; add.f32 acc15, acc15, t7; add.f32 acc18, acc18, t8; add.f32 acc22, acc22, t9;
        add.f32 acc26, acc26, t10; add.f32 acc30, acc30, t11; add.f32 acc19, acc19, t12; add.f32 acc23, acc23, t13; add.f32 acc27, acc27, t14;
        add.f32 acc31, acc31, t15; }
        """;

    private const string AddQuads2 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc32, acc32, t0; add.f32 acc36, acc36, t1; add.f32 acc40, acc40, t2; add.f32 acc44, acc44, t3; add.f32 acc33, acc33, t4;
        add.f32 acc37, acc37, t5; add.f32 acc41, acc41, t6; add.f32 acc45, acc45, t7; add.f32 acc48, acc48, t8; add.f32 acc52, acc52, t9;
        add.f32 acc56, acc56, t10; add.f32 acc60, acc60, t11; add.f32 acc49, acc49, t12; add.f32 acc53, acc53, t13; add.f32 acc57, acc57, t14;
        add.f32 acc61, acc61, t15; }
        """;

    private const string AddQuads3 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc34, acc34, t0; add.f32 acc38, acc38, t1; add.f32 acc42, acc42, t2; add.f32 acc46, acc46, t3; add.f32 acc35, acc35, t4;
        add.f32 acc39, acc39, t5; add.f32 acc43, acc43, t6; add.f32 acc47, acc47, t7; add.f32 acc50, acc50, t8; add.f32 acc54, acc54, t9;
        add.f32 acc58, acc58, t10; add.f32 acc62, acc62, t11; add.f32 acc51, acc51, t12; add.f32 acc55, acc55, t13; add.f32 acc59, acc59, t14;
        add.f32 acc63, acc63, t15; }
        """;

    private const string AddQuads4 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc64, acc64, t0; add.f32 acc68, acc68, t1; add.f32 acc72, acc72, t2; add.f32 acc76, acc76, t3; add.f32 acc65, acc65, t4;
        add.f32 acc69, acc69, t5; add.f32 acc73, acc73, t6; add.f32 acc77, acc77, t7; add.f32 acc80, acc80, t8; add.f32 acc84, acc84, t9;
        add.f32 acc88, acc88, t10; add.f32 acc92, acc92, t11; add.f32 acc81, acc81, t12; add.f32 acc85, acc85, t13; add.f32 acc89, acc89, t14;
        add.f32 acc93, acc93, t15; }
        """;

    private const string AddQuads5 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc66, acc66, t0; add.f32 acc70, acc70, t1; add.f32 acc74, acc74, t2; add.f32 acc78, acc78, t3; add.f32 acc67, acc67, t4;
        add.f32 acc71, acc71, t5; add.f32 acc75, acc75, t6; add.f32 acc79, acc79, t7; add.f32 acc82, acc82, t8; add.f32 acc86, acc86, t9;
        add.f32 acc90, acc90, t10; add.f32 acc94, acc94, t11; add.f32 acc83, acc83, t12; add.f32 acc87, acc87, t13; add.f32 acc91, acc91, t14;
        add.f32 acc95, acc95, t15; }
        """;

    private const string AddQuads6 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc96, acc96, t0; add.f32 acc100, acc100, t1; add.f32 acc104, acc104, t2; add.f32 acc108, acc108, t3; add.f32 acc97, acc97, t4;
        add.f32 acc101, acc101, t5; add.f32 acc105, acc105, t6; add.f32 acc109, acc109, t7; add.f32 acc112, acc112, t8; add.f32 acc116, acc116, t9;
        add.f32 acc120, acc120, t10; add.f32 acc124, acc124, t11; add.f32 acc113, acc113, t12; add.f32 acc117, acc117, t13;
        add.f32 acc121, acc121, t14; add.f32 acc125, acc125, t15; }
        """;

    private const string AddQuads7 = """
        { .reg .pred inside; .reg .f32 t<16>; mov.f32 t0, 0f00000000; mov.f32 t1, 0f00000000; mov.f32 t2, 0f00000000; mov.f32 t3, 0f00000000;
        mov.f32 t4, 0f00000000; mov.f32 t5, 0f00000000; mov.f32 t6, 0f00000000; mov.f32 t7, 0f00000000; mov.f32 t8, 0f00000000;
        mov.f32 t9, 0f00000000; mov.f32 t10, 0f00000000; mov.f32 t11, 0f00000000; mov.f32 t12, 0f00000000; mov.f32 t13, 0f00000000;
        mov.f32 t14, 0f00000000; mov.f32 t15, 0f00000000; setp.gt.s32 inside, %1, 0; @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%0+0];
        setp.gt.s32 inside, %1, 4; @inside ld.global.v4.f32 {t4, t5, t6, t7}, [%0+16]; setp.gt.s32 inside, %1, 32;
        @inside ld.global.v4.f32 {t8, t9, t10, t11}, [%0+128]; setp.gt.s32 inside, %1, 36; @inside ld.global.v4.f32 {t12, t13, t14, t15}, [%0+144];
        add.f32 acc98, acc98, t0; add.f32 acc102, acc102, t1; add.f32 acc106, acc106, t2; add.f32 acc110, acc110, t3; add.f32 acc99, acc99, t4;
        add.f32 acc103, acc103, t5; add.f32 acc107, acc107, t6; add.f32 acc111, acc111, t7; add.f32 acc114, acc114, t8; add.f32 acc118, acc118, t9;
        add.f32 acc122, acc122, t10; add.f32 acc126, acc126, t11; add.f32 acc115, acc115, t12; add.f32 acc119, acc119, t13;
        add.f32 acc123, acc123, t14; add.f32 acc127, acc127, t15; }
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
        mul.f32 t, acc63, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc63, acc63, t;
        mul.f32 t, acc64, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc64, acc64, t;
        mul.f32 t, acc65, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc65, acc65, t;
        mul.f32 t, acc66, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc66, acc66, t;
        mul.f32 t, acc67, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc67, acc67, t;
        mul.f32 t, acc68, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc68, acc68, t;
        mul.f32 t, acc69, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc69, acc69, t;
        mul.f32 t, acc70, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc70, acc70, t;
        mul.f32 t, acc71, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc71, acc71, t;
        mul.f32 t, acc72, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc72, acc72, t;
        mul.f32 t, acc73, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc73, acc73, t;
        mul.f32 t, acc74, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc74, acc74, t;
        mul.f32 t, acc75, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc75, acc75, t;
        mul.f32 t, acc76, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc76, acc76, t;
        mul.f32 t, acc77, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc77, acc77, t;
        mul.f32 t, acc78, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc78, acc78, t;
        mul.f32 t, acc79, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc79, acc79, t;
        mul.f32 t, acc80, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc80, acc80, t;
        mul.f32 t, acc81, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc81, acc81, t;
        mul.f32 t, acc82, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc82, acc82, t;
        mul.f32 t, acc83, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc83, acc83, t;
        mul.f32 t, acc84, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc84, acc84, t;
        mul.f32 t, acc85, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc85, acc85, t;
        mul.f32 t, acc86, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc86, acc86, t;
        mul.f32 t, acc87, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc87, acc87, t;
        mul.f32 t, acc88, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc88, acc88, t;
        mul.f32 t, acc89, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc89, acc89, t;
        mul.f32 t, acc90, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc90, acc90, t;
        mul.f32 t, acc91, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc91, acc91, t;
        mul.f32 t, acc92, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc92, acc92, t;
        mul.f32 t, acc93, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc93, acc93, t;
        mul.f32 t, acc94, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc94, acc94, t;
        mul.f32 t, acc95, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc95, acc95, t;
        mul.f32 t, acc96, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc96, acc96, t;
        mul.f32 t, acc97, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc97, acc97, t;
        mul.f32 t, acc98, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc98, acc98, t;
        mul.f32 t, acc99, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc99, acc99, t;
        mul.f32 t, acc100, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc100, acc100, t;
        mul.f32 t, acc101, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc101, acc101, t;
        mul.f32 t, acc102, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc102, acc102, t;
        mul.f32 t, acc103, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc103, acc103, t;
        mul.f32 t, acc104, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc104, acc104, t;
        mul.f32 t, acc105, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc105, acc105, t;
        mul.f32 t, acc106, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc106, acc106, t;
        mul.f32 t, acc107, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc107, acc107, t;
        mul.f32 t, acc108, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc108, acc108, t;
        mul.f32 t, acc109, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc109, acc109, t;
        mul.f32 t, acc110, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc110, acc110, t;
        mul.f32 t, acc111, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc111, acc111, t;
        mul.f32 t, acc112, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc112, acc112, t;
        mul.f32 t, acc113, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc113, acc113, t;
        mul.f32 t, acc114, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc114, acc114, t;
        mul.f32 t, acc115, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc115, acc115, t;
        mul.f32 t, acc116, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc116, acc116, t;
        mul.f32 t, acc117, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc117, acc117, t;
        mul.f32 t, acc118, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc118, acc118, t;
        mul.f32 t, acc119, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc119, acc119, t;
        mul.f32 t, acc120, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc120, acc120, t;
        mul.f32 t, acc121, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc121, acc121, t;
        mul.f32 t, acc122, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc122, acc122, t;
        mul.f32 t, acc123, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc123, acc123, t;
        mul.f32 t, acc124, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc124, acc124, t;
        mul.f32 t, acc125, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc125, acc125, t;
        mul.f32 t, acc126, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc126, acc126, t;
        mul.f32 t, acc127, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 acc127, acc127, t; }
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
