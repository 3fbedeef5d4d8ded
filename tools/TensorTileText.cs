// Writes src/Kernels/Ilgpu/Cuda/TensorTileText.cs: the PTX of the tensor-core tile, unrolled. Inline PTX must be constant text, and a
// constant cannot hold a loop.
//   dotnet run tools/TensorTileText.cs > src/Kernels/Ilgpu/Cuda/TensorTileText.cs
using System.Text;

const int MTiles = 4, NTiles = 4;
const string Ptx = "        ";
var text = new StringBuilder();
void Constant(string summary, string name, IEnumerable<string> lines)
{
    text.AppendLine($"    /// <summary>{summary}</summary>").AppendLine($"    public const string {name} = \"\"\"");
    foreach (string line in lines)
        text.AppendLine(Ptx + line);
    text.AppendLine(Ptx + "\"\"\";").AppendLine();
}
static string Acc(int m, int n, int i) => $"acc{(m * NTiles + n) * 4 + i}";
static string Four(string name, int first) => "{" + string.Join(", ", Enumerable.Range(first, 4).Select(i => name + i)) + "}";
IEnumerable<(int M, int N)> tiles = from m in Enumerable.Range(0, MTiles) from n in Enumerable.Range(0, NTiles) select (m, n);
IEnumerable<string> Products(string instruction) =>
    tiles.Select(t => $"mma.sync.aligned.{instruction} {Four("acc", (t.M * NTiles + t.N) * 4)}, {Four("a", 4 * t.M)}, {{b{2 * t.N}, b{2 * t.N + 1}}}, {Four("acc", (t.M * NTiles + t.N) * 4)};");

Constant("Accumulators, fragments of A and B, and three stages of two tiles in shared memory.", "Declare",
[
    $".reg .f32 acc<{MTiles * NTiles * 4}>;", $".reg .b32 a<{MTiles * 4}>;", $".reg .b32 b<{NTiles * 2}>;", ".reg .b32 base;", ".reg .b32 at;", ".shared .align 128 .b8 tiles[49152];", "mov.u32 base, tiles;",
]);
for (int n = 0; n < NTiles; n++)
    Constant($"Starts the columns of tile {n} with %0 and %1.", $"Start{n}", Enumerable.Range(0, MTiles).SelectMany(m => Enumerable.Range(0, 4).Select(i => $"mov.f32 {Acc(m, n, i)}, %{i % 2};")));
Constant("16 bytes from global address %1 to shared offset %0; of them %2 (0 or 16) are read, the rest are zeros.", "Copy",
    ["add.u32 at, base, %0;", "cp.async.cg.shared.global [at], [%1], 16, %2;"]);
Constant("Fragments of A for 64 rows: four tiles of 16 rows, 1024 bytes apart. %0: shared offset of this lane's row of the first.", "LoadA",
    Enumerable.Range(0, MTiles).Select(m => $"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Four("a", 4 * m)}, [at+{1024 * m}];").Prepend("add.u32 at, base, %0;"));
Constant("Fragments of B for 32 columns: four tiles of 8 columns, two a load.", "LoadB",
    Enumerable.Range(0, NTiles / 2).Select(n => $"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Four("b", 4 * n)}, [at+{1024 * n}];").Prepend("add.u32 at, base, %0;"));
Constant("Rounds float32 to TF32: times 1 + ln(2)/2^11, of which the tensor core takes the upper 19 bits.", "RoundTf32",
    Enumerable.Range(0, MTiles * 4).Select(i => $"a{i}").Concat(Enumerable.Range(0, NTiles * 2).Select(i => $"b{i}")).Select(r => $"mul.rn.f32 {r}, {r}, 0f3F800B17;"));
Constant("16 products of 16x8x8 in TF32.", "MultiplyTf32", Products("m16n8k8.row.col.f32.tf32.tf32.f32"));
Constant("16 products of 16x8x16 in BF16.", "MultiplyBf16", Products("m16n8k16.row.col.f32.bf16.bf16.f32"));
for (int m = 0; m < MTiles; m++)
    for (int half = 0; half < 2; half++)
        Constant($"Stores row {m * 16 + half * 8} of the lane: two columns of each tile to %0, while %1 columns are left.", $"Store{m * 2 + half}",
            Enumerable.Range(0, NTiles).SelectMany(n => new[]
            {
                $"setp.gt.s32 inside, %1, {8 * n};",
                $"@inside st.global.v2.f32 [%0+{32 * n}], {{{Acc(m, n, 2 * half)}, {Acc(m, n, 2 * half + 1)}}};",
            }).Prepend(".reg .pred inside;").Prepend("{").Append("}"));
Console.Write($$"""
    namespace BDense.Kernels.Ilgpu.Cuda;

    /// <summary>The PTX of <see cref="TensorTile"/>; written by tools/TensorTileText.cs.</summary>
    internal static class TensorTileText
    {
    {{text.ToString().TrimEnd()}}
    }

    """);
