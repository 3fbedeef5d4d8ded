// Writes src/Kernels/Ilgpu/Generated/TensorAttention{Head}{Precision}.cs: the PTX of a warp's 16 rows of attention, unrolled. Inline PTX
// must be constant text, and a constant cannot hold a loop.
//   dotnet run tools/TensorAttention.cs src/Kernels/Ilgpu/Generated
using System.Text;

string folder = args.Length > 0 ? args[0] : ".";
foreach (var (head, block) in new[] { (32, 64), (64, 64), (128, 32), (256, 16) })
{
    foreach (bool bf16 in new[] { false, true })
        File.WriteAllText(Path.Combine(folder, $"TensorAttention{head}{(bf16 ? "Bf16" : "Tf32")}.cs"),
            new Writer(head, block, bf16).Write());
}

/// <summary>For heads of <paramref name="head"/> channels, whose other tokens come in blocks of <paramref name="block"/>.</summary>
internal sealed class Writer(int head, int block, bool bf16)
{
    private const string Round = "0f3F800B17"; // 1 + ln(2) / 2^11, of which the tensor core takes the upper 19 bits: rounds float32 to TF32

    private readonly StringBuilder _constants = new();
    private readonly StringBuilder _members = new();

    /// <summary>
    /// Bytes from row to row in shared memory: 16 more than a row has, so that eight rows of one piece fall into all 32 banks.
    /// </summary>
    private readonly int _pitch = head * (bf16 ? 2 : 4) + 16;

    /// <summary>Pieces of 16 bytes in a row, and rows that the group's 128 threads load at once.</summary>
    private readonly int _passRows = 128 / (head * (bf16 ? 2 : 4) / 16);

    private int Scores => block / 2;

    private int Sums => head / 2;

    /// <summary>Whether two results of a row fit into registers.</summary>
    private bool HasSecond => head <= 128;

    private string Summary => $"/// <summary>A warp's 16 rows of attention with heads of {head} channels, in {(bf16 ? "BF16" : "TF32")}; "
        + "written by tools/TensorAttention.cs.</summary>";

    private string Interfaces => HasSecond ? "ITensorAttention, ITensorAttentionSecond" : "ITensorAttention";

    private int Passes => block / _passRows;

    private int Channels => bf16 ? 8 : 4;

    private static IEnumerable<int> To(int count) => Enumerable.Range(0, count);

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

    private void Property(string type, string name, string value) =>
        _members.AppendLine($"    public static {type} {name} {{ [MethodImpl(MethodImplOptions.AggressiveInlining)] get => {value}; }}")
            .AppendLine();

    private static IEnumerable<string> Scope(string registers, IEnumerable<string> lines) =>
        lines.Prepend(registers).Prepend("{").Append("}");

    private string Product(string sum, int s, int b) =>
        $"mma.sync.aligned.{(bf16 ? "m16n8k16.row.col.f32.bf16.bf16.f32" : "m16n8k8.row.col.f32.tf32.tf32.f32")} {Four(sum, s)}, "
            + $"{Four("a", 0)}, {{b{b}, b{b + 1}}}, {Four(sum, s)};";

    public string Write()
    {
        Property("int", "Head", $"{head}");
        Property("int", "Block", $"{block}");
        Property("bool", "IsBf16", bf16 ? "true" : "false");
        Registers();
        Load();
        Multiply();
        Softmax();
        Weights();
        Store();
        return $$"""
            using System.Runtime.CompilerServices;
            using BDense.Kernels.Ilgpu.Attention;
            using ILGPU.Runtime.Cuda;
            using ILGPU.Util;

            namespace BDense.Kernels.Ilgpu.Generated;

            {{Summary}}
            internal readonly struct TensorAttention{{head}}{{(bf16 ? "Bf16" : "Tf32")}} : {{Interfaces}}
            {
            {{_constants.ToString().TrimEnd()}}

            {{_members.ToString().TrimEnd()}}
            }

            """;
    }

    private void Registers()
    {
        Constant("Names", [
            $".reg .f32 acc<{Sums}>;", $".reg .f32 s<{Scores}>;", $".reg .f32 p<{Scores}>;", $".reg .f32 v<{Passes * Channels}>;",
            ".reg .f32 m<2>;", ".reg .f32 l<2>;", ".reg .b32 a<4>;", ".reg .b32 b<8>;", ".reg .b32 base;", ".reg .b32 at;",
            .. To(2).Select(i => $"mov.f32 m{i}, 0fFF800000; mov.f32 l{i}, 0f00000000;"),
        ]);
        Constant("Zero", To(Sums).Select(i => $"mov.f32 acc{i}, 0f00000000;"));
        Member("void Declare()", "CudaAsm.Emit(Names);", "CudaAsm.Emit(Zero);");
        if (!HasSecond)
            return;
        Property("bool", "Exists", "true");
        Constant("SecondNames", To(Sums).Select(i => $"mov.f32 second{i}, 0f00000000;").Prepend($".reg .f32 second<{Sums}>;"));
        Member("void DeclareSecond()", "CudaAsm.Emit(SecondNames);");
    }

    /// <summary>A thread's pieces of a block: rows behind the last are the last again, whatever is made of them has no weight.</summary>
    private void Load()
    {
        Constant("Loads", Scope(".reg .b32 row; .reg .b64 from;", To(Passes).SelectMany(i => new[]
        {
            $"add.s32 row, %1, {i * _passRows};", "min.s32 row, row, %2;", "mul.wide.s32 from, row, %3;", "add.s64 from, from, %0;",
        }.Concat(To(Channels / 4).Select(q => $"ld.global.v4.f32 {Four("v", i * Channels + 4 * q)}, [from+{16 * q}];")))));
        Constant("Stores", Scope(".reg .b32 w<4>; add.u32 at, base, %0;", To(Passes).SelectMany(i => bf16
            ? To(4).Select(k => $"cvt.rn.bf16x2.f32 w{k}, v{8 * i + 2 * k + 1}, v{8 * i + 2 * k};")
                .Append($"st.shared.v4.b32 [at+{i * _passRows * _pitch}], {Four("w", 0)};")
            : To(4).Select(k => $"mul.rn.f32 v{4 * i + k}, v{4 * i + k}, {Round};")
                .Append($"st.shared.v4.f32 [at+{i * _passRows * _pitch}], {Four("v", 4 * i)};"))));
        Member("void Fetch(long from, int row, int last, int pitch)", "CudaAsm.Emit(Loads, from, row, last, pitch);");
        Member("void Place(int to)", "CudaAsm.Emit(Stores, to);");
    }

    private void Multiply()
    {
        // 32 bytes of both operands' rows at a time: 16 channels in BF16, 8 in TF32.
        Constant("Products",
            To(Scores).Select(i => $"mov.f32 s{i}, 0f00000000;")
                .Concat(Scope(".reg .b32 left; add.u32 left, base, %0; add.u32 at, base, %1;",
            To((_pitch - 16) / 32).SelectMany(k => To(block / 16).SelectMany(n => new[]
            {
                $"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Four("b", 0)}, [at+{n * 16 * _pitch + 32 * k}];", Product("s", 8 * n, 0),
                Product("s", 8 * n + 4, 2),
            }).Prepend($"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Four("a", 0)}, [left+{32 * k}];")))));
        Member("void Scores(int rows, int columns)", "CudaAsm.Emit(Products, rows, columns);");
        // The products' own layout is that of a left operand: in BF16 as it is, in TF32 once the sum's order is 0, 2, 4, 6, 1, 3, 5, 7.
        IEnumerable<string> Weighted(string sum, string weights) => To(block / (bf16 ? 16 : 8)).SelectMany(k => bf16
            ? To(4).Select(i => $"cvt.rn.bf16x2.f32 a{i}, {weights}{8 * k + 2 * i + 1}, {weights}{8 * k + 2 * i};")
                .Concat(To(head / 16).SelectMany(n => new[]
            {
                $"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {Four("b", 0)}, [at+{k * 16 * _pitch + 32 * n}];", Product(sum, 8 * n, 0),
                Product(sum, 8 * n + 4, 2),
            }))
            : To(4).Select(i => $"mul.rn.f32 a{i}, {weights}{4 * k + i % 2 * 2 + i / 2}, {Round};")
                .Concat(To(head / 32).SelectMany(n => To(2).Select(odd =>
                $"ld.shared.v4.b32 {Set(To(4).Select(j => $"b{2 * j + odd}"))}, [at+{(k * 8 + odd) * _pitch + 128 * n}];")
                .Concat(To(4).Select(j => Product(sum, 16 * n + 4 * j, 2 * j))))));
        Constant("Weighted", Weighted("acc", "s").Prepend("add.u32 at, base, %0;"));
        Member("void Add(int values)", "CudaAsm.Emit(Weighted, values);");
        if (!HasSecond)
            return;
        Constant("WeightedSecond", Weighted("second", "p").Prepend("add.u32 at, base, %0;"));
        Member("void AddSecond(int values)", "CudaAsm.Emit(WeightedSecond, values);");
    }

    /// <summary>Row of a lane's score, 0 for its upper one.</summary>
    private static int Row(int i) => i / 2 % 2;

    private void Softmax()
    {
        Constant("Masked", Scope(".reg .pred inside;", To(Scores / 4).SelectMany(n => To(2).SelectMany(i => new[]
        {
            $"setp.gt.s32 inside, %0, {8 * n + i};", $"selp.f32 s{4 * n + i}, s{4 * n + i}, 0fFF800000, inside;",
            $"selp.f32 s{4 * n + i + 2}, s{4 * n + i + 2}, 0fFF800000, inside;",
        }))));
        Member("void Mask(int left)", "CudaAsm.Emit(Masked, left);");
        IEnumerable<string> AcrossLanes(string op, string value) =>
            new[] { 1,
                2 }.SelectMany(
                    lane => new[] { $"shfl.sync.bfly.b32 t, {value}, {lane}, 31, 0xffffffff;", $"{op}.f32 {value}, {value}, t;" });
        Constant("Online", Scope(".reg .f32 n<2>; .reg .f32 shrink<2>; .reg .f32 t;",
            To(2).Select(r => $"mov.f32 n{r}, m{r};")
                .Concat(To(Scores).Select(i => $"max.f32 n{Row(i)}, n{Row(i)}, s{i};"))
                .Concat(To(2).SelectMany(r => AcrossLanes("max", $"n{r}")))
                .Concat(To(2).SelectMany(r => new[]
                {
                    $"sub.f32 t, m{r}, n{r};", "mul.f32 t, t, %0;", $"ex2.approx.ftz.f32 shrink{r}, t;", $"mov.f32 m{r}, n{r};",
                    $"mul.f32 n{r}, n{r}, %0;", $"neg.f32 n{r}, n{r};",
                    $"mul.f32 l{r}, l{r}, shrink{r};",
                }))
                .Concat(To(Scores)
                    .SelectMany(
                        i => new[] { $"fma.rn.f32 s{i}, s{i}, %0, n{Row(i)};", $"ex2.approx.ftz.f32 s{i}, s{i};",
                            $"add.f32 l{Row(i)}, l{Row(i)}, s{i};" }))
                .Concat(To(Sums).Select(i => $"mul.f32 acc{i}, acc{i}, shrink{Row(i)};"))));
        Member("void Softmax(float scale)", "CudaAsm.Emit(Online, scale);");
        // m becomes the log-sum-exp: m scale + ln 2 log2(l).
        Constant("Quotient", Scope(".reg .f32 t;", To(2).SelectMany(r => AcrossLanes("add", $"l{r}").Concat(
            [$"lg2.approx.ftz.f32 t, l{r};", "mul.f32 t, t, 0f3F317218;", $"fma.rn.f32 m{r}, m{r}, %0, t;",
                $"rcp.approx.ftz.f32 l{r}, l{r};"]))
            .Concat(To(Sums).Select(i => $"mul.f32 acc{i}, acc{i}, l{Row(i)};"))));
        Member("void Divide(float scale)", "CudaAsm.Emit(Quotient, scale);");
    }

    /// <summary>Weights of the backward pass, from statistics of the queries: pairs of log-sum-exp and delta.</summary>
    private void Weights()
    {
        const string minusLog2E = "0fBFB8AA3B";
        Constant("RowStatistics",
            To(2).Select(r => $"ld.global.v2.f32 {{m{r}, l{r}}}, [%{r}];").Concat(To(2).Select(r => $"mul.f32 m{r}, m{r}, {minusLog2E};")));
        Member("void LoadStatistics(long upper, long lower)", "CudaAsm.Emit(RowStatistics, upper, lower);");
        Constant("RowWeights",
            To(Scores).SelectMany(i => new[] { $"fma.rn.f32 p{i}, s{i}, %0, m{Row(i)};", $"ex2.approx.ftz.f32 p{i}, p{i};" }));
        Member("void WeighRows(float scale)", "CudaAsm.Emit(RowWeights, scale);");
        Constant("RowDifferences", To(Scores).SelectMany(i => new[] { $"sub.f32 s{i}, s{i}, l{Row(i)};", $"mul.f32 s{i}, s{i}, p{i};" }));
        Member("void DifferRows()", "CudaAsm.Emit(RowDifferences);");
        // Column 8 n + i of a lane: its statistics lie 8 bytes apart, those behind the last are the last's.
        IEnumerable<string> Columns(string statistics, string first, string last, int offset, Func<int, IEnumerable<string>> use) =>
            To(Scores / 4).SelectMany(n => To(2).SelectMany(i => new[]
        {
            $"add.s32 column, {first}, {8 * n + i};", $"min.s32 column, column, {last};", "mul.wide.s32 from, column, 8;",
            $"add.s64 from, from, {statistics};", $"ld.global.f32 x{2 * n + i}, [from+{offset}];",
        })).Concat(To(Scores).SelectMany(use)).ToList();
        int Column(int i) => i / 4 * 2 + i % 2;
        string registers = $".reg .b32 column; .reg .b64 from; .reg .f32 x<{Scores / 2}>;";
        Constant("ColumnWeights", Scope(registers, Columns("%1", "%2", "%3", 0, i =>
            [.. i % 4 < 2 ? [$"mul.f32 x{Column(i)}, x{Column(i)}, {minusLog2E};"] : Array.Empty<string>(),
                $"fma.rn.f32 p{i}, s{i}, %0, x{Column(i)};", $"ex2.approx.ftz.f32 p{i}, p{i};"])));
        Member("void WeighColumns(float scale, long statistics, int column, int last)",
            "CudaAsm.Emit(ColumnWeights, scale, statistics, column, last);");
        Constant("ColumnDifferences",
            Scope(registers, Columns("%0", "%1", "%2", 4, i => [$"sub.f32 s{i}, s{i}, x{Column(i)};", $"mul.f32 s{i}, s{i}, p{i};"])));
        Member("void DifferColumns(long statistics, int column, int last)", "CudaAsm.Emit(ColumnDifferences, statistics, column, last);");
        Constant("Copies", To(Scores).Select(i => $"mov.f32 s{i}, p{i};"));
        Member("void UseWeights()", "CudaAsm.Emit(Copies);");
    }

    private void Store()
    {
        Constant("Scaled", To(Sums).Select(i => $"mul.f32 acc{i}, acc{i}, %0;"));
        Member("void Scale(float scale)", "CudaAsm.Emit(Scaled, scale);");
        foreach (var (name, sum) in new[] { ("Result", "acc"), ("Second", "second") }.Take(HasSecond ? 2 : 1))
        {
            // In TF32 column 2 t + odd of product 4 q + j is channel 32 q + 8 t + 4 odd + j.
            foreach (int row in To(2))
            {
                Constant($"{name}{row}", Scope(".reg .pred inside; setp.ne.s32 inside, %1, 0;", bf16
                    ? To(head / 8)
                        .Select(n => $"@inside st.global.v2.f32 [%0+{32 * n}], {Set(To(2).Select(i => $"{sum}{4 * n + 2 * row + i}"))};")
                    : To(head / 32)
                        .SelectMany(
                            q => To(2)
                                .Select(odd =>
                                    $"@inside st.global.v4.f32 [%0+{128 * q + 16 * odd}], "
                                        + $"{Set(To(4).Select(j => $"{sum}{16 * q + 4 * j + 2 * row + odd}"))};"))));
            }
            Member($"void Store{(name == "Result" ? "" : name)}(long y, int pitch, bool upper, bool lower)",
                $"CudaAsm.Emit({name}0, y, Utilities.Select(upper, 1, 0));",
                $"CudaAsm.Emit({name}1, y + 8L * pitch, Utilities.Select(lower, 1, 0));");
        }
        foreach (int row in To(2))
            Constant($"LogSumExp{row}", Scope(".reg .pred inside; setp.ne.s32 inside, %1, 0;", [$"@inside st.global.f32 [%0], m{row};"]));
        Member("void StoreLogSumExp(long lse, bool upper, bool lower)", "CudaAsm.Emit(LogSumExp0, lse, Utilities.Select(upper, 1, 0));",
            "CudaAsm.Emit(LogSumExp1, lse + 32, Utilities.Select(lower, 1, 0));");
    }
}
