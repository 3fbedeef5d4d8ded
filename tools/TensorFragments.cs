// Writes src/Kernels/Ilgpu/Generated/TensorFragments{Rows}x{Columns}.cs and beside each .Epilogue.cs: the PTX of a warp's tile, unrolled;
// and TensorActivation.cs, that of the pieces which a thread activates. Inline PTX must be constant text, and a constant cannot hold a
// loop.
//   dotnet run tools/TensorFragments.cs src/Kernels/Ilgpu/Generated
using System.Text;

string folder = args.Length > 0 ? args[0] : ".";
foreach (var (m, n) in new[] { (2, 4), (4, 4), (4, 8) })
{
    File.WriteAllText(Path.Combine(folder, $"TensorFragments{16 * m}x{8 * n}.cs"), new Writer(m, n).Write());
    File.WriteAllText(Path.Combine(folder, $"TensorFragments{16 * m}x{8 * n}.Epilogue.cs"), new Writer(m, n).WriteEpilogue());
}
File.WriteAllText(Path.Combine(folder, "TensorActivation.cs"), new Writer(0, 0).WriteActivation());

/// <summary>For a warp's tile of <paramref name="mTiles"/> x <paramref name="nTiles"/> products of 16 x 8.</summary>
internal sealed class Writer(int mTiles, int nTiles)
{
    private readonly StringBuilder _constants = new();
    private readonly StringBuilder _members = new();

    private IEnumerable<int> M => Enumerable.Range(0, mTiles);

    private IEnumerable<int> N => Enumerable.Range(0, nTiles);

    private string Acc(int m, int n, int i) => $"acc{(m * nTiles + n) * 4 + i}";

    private static string Set(params IEnumerable<string> names) => "{" + string.Join(", ", names) + "}";

    private static string Four(string name, int first) => Set(Enumerable.Range(first, 4).Select(i => name + i));

    private void Constant(string name, IEnumerable<string> lines)
    {
        _constants.AppendLine($"    private const string {name} = \"\"\"");
        string row = "";
        foreach (string line in lines)
        {
            if (row.Length > 0 && row.Length + line.Length > 138)
            {
                _constants.AppendLine("        " + row);
                row = "";
            }
            row += row.Length > 0 ? " " + line : line;
        }
        _constants.AppendLine("        " + row).AppendLine("        \"\"\";").AppendLine();
    }

    private void Member(string signature, params IEnumerable<string> body)
    {
        _members.AppendLine("    [MethodImpl(MethodImplOptions.AggressiveInlining)]").AppendLine($"    public static {signature}")
            .AppendLine("    {");
        foreach (string line in body)
            _members.AppendLine("        " + line);
        _members.AppendLine("    }").AppendLine();
    }

    private IEnumerable<string> Products(string instruction) => M.SelectMany(m => N.Select(n =>
        $"mma.sync.aligned.{instruction} {Four("acc", (m * nTiles + n) * 4)}, {Four("a", 4 * m)}, {{b{2 * n}, b{2 * n + 1}}}, "
            + $"{Four("acc", (m * nTiles + n) * 4)};"));

    public string Write()
    {
        Registers();
        Start();
        Load();
        LoadSummedRows();
        Multiply();
        Store();
        return $$"""
            using System.Runtime.CompilerServices;
            using BDense.Kernels.Ilgpu.Tiles;
            using ILGPU;
            using ILGPU.Algorithms;
            using ILGPU.Runtime.Cuda;
            using ILGPU.Util;

            namespace BDense.Kernels.Ilgpu.Generated;

            /// <summary>A warp's tile of {{16 * mTiles}} x {{8 * nTiles}}; written by tools/TensorFragments.cs.</summary>
            internal readonly partial struct TensorFragments{{16 * mTiles}}x{{8 * nTiles}} : ITensorFragments
            {
            {{_constants.ToString().TrimEnd()}}

                public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => {{16 * mTiles}}; }

                public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => {{8 * nTiles}}; }

            {{_members.ToString().TrimEnd()}}
            }

            """;
    }

    /// <summary>What happens to the accumulators between the last product and the store: the other half of the struct.</summary>
    public string WriteEpilogue()
    {
        Add();
        Finish();
        return $$"""
            using System.Runtime.CompilerServices;
            using ILGPU.Runtime.Cuda;
            using ILGPU.Util;

            namespace BDense.Kernels.Ilgpu.Generated;

            /// <summary>The epilogue of a warp's tile of {{16 * mTiles}} x {{8 * nTiles}}; written by tools/TensorFragments.cs.</summary>
            internal readonly partial struct TensorFragments{{16 * mTiles}}x{{8 * nTiles}}
            {
            {{_constants.ToString().TrimEnd()}}

            {{_members.ToString().TrimEnd()}}
            }

            """;
    }

    /// <summary>Pieces of 16 bytes that go through registers on their way to shared memory: four values in TF32, eight in BF16.</summary>
    public string WriteActivation()
    {
        const int pieces = 4;
        Constant("Registers", [$".reg .f32 v<{8 * pieces}>;"]);
        Member("void Declare()", "CudaAsm.Emit(Registers);");
        for (int piece = 0; piece < pieces; piece++)
        {
            foreach (bool bf16 in new[] { false, true })
            {
                int count = bf16 ? 8 : 4, first = piece * count;
                string suffix = $"{piece}{(bf16 ? "Bf16" : "Tf32")}";
                IEnumerable<string> Loads(string name, int from, string address) =>
                    Enumerable.Range(from, count).Select(i => $"mov.f32 {name}{i}, 0f00000000;")
                    .Concat(Enumerable.Range(0, count / 4)
                        .Select(q => $"@inside ld.global.v4.f32 {Four(name, from + 4 * q)}, [{address}+{16 * q}];"));
                Constant($"Fetch{suffix}",
                    Loads("v", first, "%0").Prepend("setp.ne.s32 inside, %1, 0;").Prepend(".reg .pred inside;").Prepend("{").Append("}"));
                // u = scale x + shift; u / (1 + 2^(slope u + offset)).
                var values = Enumerable.Range(0, count).SelectMany(i => new[]
                {
                    $"fma.rn.f32 v{first + i}, v{first + i}, s{i}, h{i};", $"fma.rn.f32 t, v{first + i}, %4, %5;",
                    "ex2.approx.ftz.f32 t, t;",
                    "add.f32 t, t, 0f3F800000;", "rcp.approx.ftz.f32 t, t;", $"mul.f32 v{first + i}, v{first + i}, t;",
                });
                var store = bf16
                    ? Enumerable.Range(0, 4).Select(i => $"cvt.rn.bf16x2.f32 w{i}, v{first + 2 * i + 1}, v{first + 2 * i};")
                        .Prepend(".reg .b32 w<4>;").Append($"st.shared.v4.b32 [at], {Four("w", 0)};")
                    : [$"st.shared.v4.f32 [at], {Four("v", first)};"];
                Constant($"Store{suffix}", [
                    "{", ".reg .pred inside;", ".reg .f32 t;", $".reg .f32 s<{count}>;", $".reg .f32 h<{count}>;",
                    "setp.ne.s32 inside, %3, 0;",
                    .. Loads("s", 0, "%1"), .. Loads("h", 0, "%2"), .. values, "add.u32 at, base, %0;", .. store, "}",
                ]);
            }
        }
        for (int piece = 0; piece < pieces; piece++)
        {
            Member($"void Fetch{piece}<TPrecision>(long from, bool inside)\n        where TPrecision : struct, ITensorPrecision",
                "if (TPrecision.IsBf16)", $"    CudaAsm.Emit(Fetch{piece}Bf16, from, Utilities.Select(inside, 1, 0));",
                "else", $"    CudaAsm.Emit(Fetch{piece}Tf32, from, Utilities.Select(inside, 1, 0));");
            Member($"void Store{piece}<TPrecision>(in TensorActivationFactors f, int to, long scale, bool inside)\n        where "
                + $"TPrecision : struct, ITensorPrecision",
                "if (TPrecision.IsBf16)",
                $"    CudaAsm.Emit(Store{piece}Bf16, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), f.Slope, f.Offset);",
                "else", $"    CudaAsm.Emit(Store{piece}Tf32, to, scale, scale + f.ShiftBytes, Utilities.Select(inside, 1, 0), "
                    + $"f.Slope, f.Offset);");
        }
        return $$"""
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
            {{_constants.ToString().TrimEnd()}}

            {{_members.ToString().TrimEnd()}}
            }

            """;
    }

    /// <summary>
    /// Rows of a matrix in global memory: all loads of a row first. What lies outside is 0, and must be set: a register that is only loaded
    /// under a condition counts as live from the kernel's beginning.
    /// </summary>
    private void Add()
    {
        void Rows(string name, Func<int, IEnumerable<string>> load)
        {
            for (int j = 0; j < 2 * mTiles; j++)
            {
                int first = 2 * (j % 2), m = j / 2;
                var sums =
                    N.SelectMany(
                        n => Enumerable.Range(0, 2).Select(i => $"add.f32 {Acc(m, n, first + i)}, {Acc(m, n, first + i)}, t{2 * n + i};"));
                var zeros = Enumerable.Range(0, 2 * nTiles).Select(i => $"mov.f32 t{i}, 0f00000000;");
                Constant($"{name}{j}",
                    zeros.Concat(N.SelectMany(load)).Prepend($".reg .f32 t<{2 * nTiles}>;").Prepend(".reg .pred inside;").Prepend("{")
                        .Concat(sums).Append("}"));
            }
            Member($"void {name}(long from, int pitch, int row, int rows, int shared, int left)",
                Enumerable.Range(0, 2 * mTiles).Select(j =>
                $"CudaAsm.Emit({name}{j}, from + (long)((row + {8 * j}) / shared) * pitch, Utilities.Select(row + {8 * j} < "
                    + $"rows, left, 0));"));
        }
        static string If(int column) => $"setp.gt.s32 inside, %1, {column};";
        Rows("AddPairs", n => [If(8 * n), $"@inside ld.global.v2.f32 {{t{2 * n}, t{2 * n + 1}}}, [%0+{32 * n}];"]);
        Rows("AddSingles",
            n => [If(8 * n), $"@inside ld.global.f32 t{2 * n}, [%0+{32 * n}];", If(8 * n + 1),
                $"@inside ld.global.f32 t{2 * n + 1}, [%0+{32 * n + 4}];"]);
        // Columns as StoreQuads has them.
        for (int j = 0; j < 2 * mTiles; j++)
        {
            var quads = Enumerable.Range(0, nTiles / 2)
                .Select(i => (First: 4 * i, Column: 32 * (i / 2) + 4 * (i % 2), Accs: Quad(j, i / 2, i % 2))).ToList();
            Constant($"AddQuads{j}", ["{", ".reg .pred inside;", $".reg .f32 t<{2 * nTiles}>;",
                .. Enumerable.Range(0, 2 * nTiles).Select(i => $"mov.f32 t{i}, 0f00000000;"),
                .. quads.SelectMany(q => new[] { If(q.Column), $"@inside ld.global.v4.f32 {Four("t", q.First)}, [%0+{4 * q.Column}];" }),
                .. quads.SelectMany(q => q.Accs.Select((acc, i) => $"add.f32 {acc}, {acc}, t{q.First + i};")), "}"]);
        }
        Member("void AddQuads(long from, int pitch, int row, int rows, int left, bool near)", QuadRows("AddQuads", "from"));
    }

    /// <summary>Four neighbouring columns of a lane's row j, after LoadSummedBTf32.</summary>
    private IEnumerable<string> Quad(int j, int q, int odd) => Enumerable.Range(4 * q, 4).Select(n => Acc(j / 2, n, 2 * (j % 2) + odd));

    /// <summary>Rows of a lane: after LoadSummedATf32 side by side, (j mod 4) + 32 (j / 4), else 8 apart.</summary>
    private IEnumerable<string> QuadRows(string name, string address) => Enumerable.Range(0, 2 * mTiles).SelectMany(j => new[]
    {
        j % 4 + 32 * (j / 4) == 8 * j ? $"int r{j} = row + {8 * j};" : $"int r{j} = row + (near ? {j % 4 + 32 * (j / 4)} : {8 * j});",
        $"CudaAsm.Emit({name}{j}, {address} + (long)r{j} * pitch, Utilities.Select(r{j} < rows, left, 0));",
    });

    private void Finish()
    {
        var all = Enumerable.Range(0, mTiles * nTiles * 4).Select(i => $"acc{i}").ToList();
        Constant("Scaled", all.Select(a => $"mul.f32 {a}, {a}, %0;"));
        // x / (1 + 2^(-x / ln 2))
        Constant("Activated",
            all.Select(
                a => $"mul.f32 t, {a}, 0fBFB8AA3B; ex2.approx.ftz.f32 t, t; add.f32 t, t, 0f3F800000; rcp.approx.ftz.f32 t, t; mul.f32 "
                    + $"{a}, {a}, t;")
            .Prepend(".reg .f32 t;").Prepend("{").Append("}"));
        Member("void Scale(float scale)", "CudaAsm.Emit(Scaled, scale);");
        Member("void Silu()", "CudaAsm.Emit(Activated);");
    }

    private void Registers()
    {
        Constant("Registers",
        [
            $".reg .f32 acc<{mTiles * nTiles * 4}>;", $".reg .b32 a<{mTiles * 4}>;", $".reg .b32 b<{nTiles * 2}>;",
            $".reg .b32 kept<{mTiles * 4 + nTiles * 2}>;",
            ".reg .b32 base;", ".reg .b32 at;", ".reg .b32 below;",
        ]);
        Member("void Declare()", "CudaAsm.Emit(Registers);");
    }

    /// <summary>Columns of tile n start with %0 and %1.</summary>
    private void Start()
    {
        foreach (int n in N)
            Constant($"Start{n}", M.SelectMany(m => Enumerable.Range(0, 4).Select(i => $"mov.f32 {Acc(m, n, i)}, %{i % 2};")));
        Member("void StartZero()", N.Select(n => $"CudaAsm.Emit(Start{n}, 0f, 0f);"));
        Member("void StartBias(ArrayView<float> bias, int column, int last)",
            N.Select(
                n => $"CudaAsm.Emit(Start{n}, bias[XMath.Min(column + {8 * n}, last)], bias[XMath.Min(column + {8 * n + 1}, last)]);"));
    }

    private void Load()
    {
        Constant("A",
            M.Select(m => $"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Four("a", 4 * m)}, [at+{1024 * m}];")
                .Prepend("add.u32 at, base, %0;"));
        Constant("B",
            Enumerable.Range(0, nTiles / 2).Select(n => $"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Four("b", 4 * n)}, [at+{1024 * n}];")
                .Prepend("add.u32 at, base, %0;"));
        Member("void LoadA(int at)", "CudaAsm.Emit(A, at);");
        Member("void LoadB(int at)", "CudaAsm.Emit(B, at);");
        // Names alone: the assembler renames registers, and moves nothing.
        var loaded = Enumerable.Range(0, mTiles * 4).Select(i => $"a{i}").Concat(Enumerable.Range(0, nTiles * 2).Select(i => $"b{i}"))
            .ToList();
        Constant("Kept", loaded.Select((r, i) => $"mov.b32 kept{i}, {r};"));
        Constant("Exchanged",
            loaded.Select((r, i) => $"mov.b32 t, {r}; mov.b32 {r}, kept{i}; mov.b32 kept{i}, t;").Prepend(".reg .b32 t;").Prepend("{")
                .Append("}"));
        Member("void Keep()", "CudaAsm.Emit(Kept);");
        Member("void Exchange()", "CudaAsm.Emit(Exchanged);");
    }

    /// <summary>
    /// Fragments of operands that lie in shared memory with the sum's axis outermost. BF16: ldmatrix transposes. TF32: a lane loads four
    /// neighbours of the row of its sum, and of the fourth row below; they are the lane's part of four fragments, whose rows are so
    /// exchanged.
    /// </summary>
    private void LoadSummedRows()
    {
        IEnumerable<string> Transposed(string register, int loads) => Enumerable.Range(0, loads).SelectMany(i => new[]
        {
            $"xor.b32 at, %0, {32 * i};", "add.u32 at, base, at;",
            $"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {Four(register, 4 * i)}, [at];",
        });
        Constant("SummedABf16", Transposed("a", mTiles));
        Constant("SummedBBf16", Transposed("b", nTiles / 2));
        // Value j of a lane: fragment j / 2, its upper (a0, a2) or lower (a1, a3) rows.
        static string A(int j, int below) => $"a{4 * (j / 2) + j % 2 + 2 * below}";
        static string B(int j, int below) => $"b{2 * j + below}";
        static IEnumerable<string> Quads(Func<int, int, string> name, int values) =>
            Enumerable.Range(0, values / 4).SelectMany(q => new[] { 0, 1 }.Select(below =>
            $"ld.shared.v4.b32 {Set(Enumerable.Range(4 * q, 4).Select(j => name(j, below)))}, [{(below == 0 ? "at" : "below")}+"
                + $"{128 * q}];")).Prepend("add.u32 below, base, %1;").Prepend("add.u32 at, base, %0;");
        Constant("SummedATf32", Quads(A, 2 * mTiles));
        Constant("SummedBTf32", Quads(B, nTiles));
        Member("void LoadSummedABf16(int at)", "CudaAsm.Emit(SummedABf16, at);");
        Member("void LoadSummedBBf16(int at)", "CudaAsm.Emit(SummedBBf16, at);");
        Member("void LoadSummedATf32(int at, int below)", "CudaAsm.Emit(SummedATf32, at, below);");
        Member("void LoadSummedBTf32(int at, int below)", "CudaAsm.Emit(SummedBTf32, at, below);");
    }

    private void Multiply()
    {
        // Times 1 + ln(2) / 2^11, of which the tensor core takes the upper 19 bits: rounds float32 to TF32.
        Constant("Round",
            Enumerable.Range(0, mTiles * 4).Select(i => $"a{i}").Concat(Enumerable.Range(0, nTiles * 2).Select(i => $"b{i}"))
                .Select(r => $"mul.rn.f32 {r}, {r}, 0f3F800B17;"));
        Constant("Tf32", Products("m16n8k8.row.col.f32.tf32.tf32.f32"));
        Constant("Bf16", Products("m16n8k16.row.col.f32.bf16.bf16.f32"));
        Member("void MultiplyTf32()", "CudaAsm.Emit(Round);", "CudaAsm.Emit(Tf32);");
        Member("void MultiplyBf16()", "CudaAsm.Emit(Bf16);");
    }

    private void Store()
    {
        static IEnumerable<string> Scope(IEnumerable<string> lines) => lines.Prepend(".reg .pred inside;").Prepend("{").Append("}");
        static string If(int column) => $"setp.gt.s32 inside, %1, {column};";
        // Row 16 m + 8 half of a lane: two columns of each tile.
        void Rows(string name, Func<int, int, int, IEnumerable<string>> columns)
        {
            for (int j = 0; j < 2 * mTiles; j++)
                Constant($"{name}{j}", Scope(N.SelectMany(n => columns(j / 2, n, 2 * (j % 2)))));
            Member($"void {name}(long y, int pitch, int row, int rows, int left)", Enumerable.Range(0, 2 * mTiles).Select(j =>
                $"CudaAsm.Emit({name}{j}, y + (long)(row + {8 * j}) * pitch, Utilities.Select(row + {8 * j} < rows, left, 0));"));
        }
        Rows("StorePairs", (m, n, i) => [If(8 * n), $"@inside st.global.v2.f32 [%0+{32 * n}], {Set(Acc(m, n, i), Acc(m, n, i + 1))};"]);
        Rows("StoreSingles",
            (m, n, i) =>
                [If(8 * n), $"@inside st.global.f32 [%0+{32 * n}], {Acc(m, n, i)};", If(8 * n + 1),
                    $"@inside st.global.f32 [%0+{32 * n + 4}], {Acc(m, n, i + 1)};"]);
        // After LoadSummedBTf32 a lane's columns lie side by side.
        for (int j = 0; j < 2 * mTiles; j++)
        {
            Constant($"StoreQuads{j}", Scope(Enumerable.Range(0, nTiles / 4).SelectMany(q => Enumerable.Range(0, 2).SelectMany(odd => new[]
            {
                If(32 * q + 4 * odd),
                $"@inside st.global.v4.f32 [%0+{128 * q + 16 * odd}], {Set(Quad(j, q, odd))};",
            }))));
        }
        Member("void StoreQuads(long y, int pitch, int row, int rows, int left, bool near)", QuadRows("StoreQuads", "y"));
    }
}
