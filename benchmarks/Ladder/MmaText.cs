namespace BDense.Benchmarks.Ladder;

/// <summary>
/// The PTX of the tensor-core steps: inline assembly must be constant text, and only registers declared in text can be kept over a whole
/// kernel without ILGPU moving them. A group of 8 warps computes 128 rows by 64 columns, 16 values of the sum at a time; a warp (4 down, 2
/// across) 32 by 32, as 2 x 4 products of mma.sync.m16n8k8 in TF32: 19 bits of each factor, sums in float32.
/// </summary>
/// <remarks>
/// Which lane holds what is the PTX ISA's ("Matrix fragments for mma.m16n8k8"): with g = lane / 4 and i = lane mod 4 a lane holds of A rows
/// g and g + 8 in columns i and i + 4, of B rows i and i + 4 in column g, of C rows g and g + 8 in columns 2 i and 2 i + 1. In shared
/// memory a row of A takes 20 floats for 16 and a row of B 72 for 64: then 32 lanes read from 32 banks (20 g + i and 72 i + g are all
/// different mod 32).
/// </remarks>
internal static class MmaText
{
    /// <summary>Shared bytes of a row of A, of a row of B, of both tiles.</summary>
    public const int PitchA = 80, PitchB = 288, BytesA = 128 * PitchA, StageBytes = BytesA + 16 * PitchB;

    /// <summary>Sums, fragments, and the tiles: one stage, or three.</summary>
    private const string Registers = """
        .reg .f32 acc<32>;
        .reg .b32 a<8>;
        .reg .b32 b<8>;
        .reg .b32 base;
        .reg .b32 at;
        """;

    public const string DeclareOneStage = Registers + """

        .shared .align 16 .b8 tiles[14848];
        mov.u32 base, tiles;
        """;

    public const string DeclareThreeStages = Registers + """

        .shared .align 16 .b8 tiles[44544];
        mov.u32 base, tiles;
        """;

    public const string Zero = """
        mov.f32 acc0, 0f00000000;
        mov.f32 acc1, 0f00000000;
        mov.f32 acc2, 0f00000000;
        mov.f32 acc3, 0f00000000;
        mov.f32 acc4, 0f00000000;
        mov.f32 acc5, 0f00000000;
        mov.f32 acc6, 0f00000000;
        mov.f32 acc7, 0f00000000;
        mov.f32 acc8, 0f00000000;
        mov.f32 acc9, 0f00000000;
        mov.f32 acc10, 0f00000000;
        mov.f32 acc11, 0f00000000;
        mov.f32 acc12, 0f00000000;
        mov.f32 acc13, 0f00000000;
        mov.f32 acc14, 0f00000000;
        mov.f32 acc15, 0f00000000;
        mov.f32 acc16, 0f00000000;
        mov.f32 acc17, 0f00000000;
        mov.f32 acc18, 0f00000000;
        mov.f32 acc19, 0f00000000;
        mov.f32 acc20, 0f00000000;
        mov.f32 acc21, 0f00000000;
        mov.f32 acc22, 0f00000000;
        mov.f32 acc23, 0f00000000;
        mov.f32 acc24, 0f00000000;
        mov.f32 acc25, 0f00000000;
        mov.f32 acc26, 0f00000000;
        mov.f32 acc27, 0f00000000;
        mov.f32 acc28, 0f00000000;
        mov.f32 acc29, 0f00000000;
        mov.f32 acc30, 0f00000000;
        mov.f32 acc31, 0f00000000;
        """;

    /// <summary>16 bytes from global address %1 through registers to shared offset %0; zeros where %2 is 0.</summary>
    public const string Copy = """
        {
        .reg .pred inside;
        .reg .f32 t<4>;
        setp.ne.s32 inside, %2, 0;
        mov.f32 t0, 0f00000000;
        mov.f32 t1, 0f00000000;
        mov.f32 t2, 0f00000000;
        mov.f32 t3, 0f00000000;
        @inside ld.global.v4.f32 {t0, t1, t2, t3}, [%1];
        add.u32 at, base, %0;
        st.shared.v4.f32 [at], {t0, t1, t2, t3};
        }
        """;

    /// <summary>The same, started and not waited for, past all registers: of 16 bytes %2 (0 or 16) are read, the rest are zeros.</summary>
    public const string CopyAsync = """
        add.u32 at, base, %0;
        cp.async.cg.shared.global [at], [%1], 16, %2;
        """;

    /// <summary>Fragments of A: 32 rows by 8. %0: the lane's first value.</summary>
    public const string LoadA = """
        add.u32 at, base, %0;
        ld.shared.b32 a0, [at+0];
        ld.shared.b32 a1, [at+640];
        ld.shared.b32 a2, [at+16];
        ld.shared.b32 a3, [at+656];
        ld.shared.b32 a4, [at+1280];
        ld.shared.b32 a5, [at+1920];
        ld.shared.b32 a6, [at+1296];
        ld.shared.b32 a7, [at+1936];
        """;

    /// <summary>Fragments of B: 8 rows by 32 columns. %0: the lane's first value.</summary>
    public const string LoadB = """
        add.u32 at, base, %0;
        ld.shared.b32 b0, [at+0];
        ld.shared.b32 b1, [at+1152];
        ld.shared.b32 b2, [at+32];
        ld.shared.b32 b3, [at+1184];
        ld.shared.b32 b4, [at+64];
        ld.shared.b32 b5, [at+1216];
        ld.shared.b32 b6, [at+96];
        ld.shared.b32 b7, [at+1248];
        """;

    /// <summary>
    /// The tensor core cuts off 13 bits. Times 1 + ln(2)/2^11 first, the cut is right on average (the library's kernels do the same).
    /// </summary>
    public const string Round = """
        mul.rn.f32 a0, a0, 0f3F800B17;
        mul.rn.f32 a1, a1, 0f3F800B17;
        mul.rn.f32 a2, a2, 0f3F800B17;
        mul.rn.f32 a3, a3, 0f3F800B17;
        mul.rn.f32 a4, a4, 0f3F800B17;
        mul.rn.f32 a5, a5, 0f3F800B17;
        mul.rn.f32 a6, a6, 0f3F800B17;
        mul.rn.f32 a7, a7, 0f3F800B17;
        mul.rn.f32 b0, b0, 0f3F800B17;
        mul.rn.f32 b1, b1, 0f3F800B17;
        mul.rn.f32 b2, b2, 0f3F800B17;
        mul.rn.f32 b3, b3, 0f3F800B17;
        mul.rn.f32 b4, b4, 0f3F800B17;
        mul.rn.f32 b5, b5, 0f3F800B17;
        mul.rn.f32 b6, b6, 0f3F800B17;
        mul.rn.f32 b7, b7, 0f3F800B17;
        """;

    /// <summary>Eight products of 16 x 8 x 8: 8192 multiply-adds of a warp in eight instructions.</summary>
    public const string Multiply = """
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc0, acc1, acc2, acc3}, {a0, a1, a2, a3}, {b0, b1}, {acc0, acc1, acc2, acc3};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc4, acc5, acc6, acc7}, {a0, a1, a2, a3}, {b2, b3}, {acc4, acc5, acc6, acc7};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc8, acc9, acc10, acc11}, {a0, a1, a2, a3},
            {b4, b5}, {acc8, acc9, acc10, acc11};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc12, acc13, acc14, acc15}, {a0, a1, a2, a3},
            {b6, b7}, {acc12, acc13, acc14, acc15};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc16, acc17, acc18, acc19}, {a4, a5, a6, a7},
            {b0, b1}, {acc16, acc17, acc18, acc19};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc20, acc21, acc22, acc23}, {a4, a5, a6, a7},
            {b2, b3}, {acc20, acc21, acc22, acc23};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc24, acc25, acc26, acc27}, {a4, a5, a6, a7},
            {b4, b5}, {acc24, acc25, acc26, acc27};
        mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {acc28, acc29, acc30, acc31}, {a4, a5, a6, a7},
            {b6, b7}, {acc28, acc29, acc30, acc31};
        """;

    /// <summary>
    /// The lane's sums of its rows 0, 8, 16 and 24 to the addresses %0 to %3 of their first column: two columns of each of four products.
    /// </summary>
    public const string Store = """
        st.global.v2.f32 [%0+0], {acc0, acc1};
        st.global.v2.f32 [%0+32], {acc4, acc5};
        st.global.v2.f32 [%0+64], {acc8, acc9};
        st.global.v2.f32 [%0+96], {acc12, acc13};
        st.global.v2.f32 [%1+0], {acc2, acc3};
        st.global.v2.f32 [%1+32], {acc6, acc7};
        st.global.v2.f32 [%1+64], {acc10, acc11};
        st.global.v2.f32 [%1+96], {acc14, acc15};
        st.global.v2.f32 [%2+0], {acc16, acc17};
        st.global.v2.f32 [%2+32], {acc20, acc21};
        st.global.v2.f32 [%2+64], {acc24, acc25};
        st.global.v2.f32 [%2+96], {acc28, acc29};
        st.global.v2.f32 [%3+0], {acc18, acc19};
        st.global.v2.f32 [%3+32], {acc22, acc23};
        st.global.v2.f32 [%3+64], {acc26, acc27};
        st.global.v2.f32 [%3+96], {acc30, acc31};
        """;
}
