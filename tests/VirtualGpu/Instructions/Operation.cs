using System.Globalization;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Instructions;

namespace BDense.Tests.VirtualGpu.Instructions;

/// <summary>Runs one opcode on arrays of operands, a thread for each element.</summary>
internal static class Operation
{
    /// <param name="op">The opcode; the table of instructions tells its operands.</param>
    /// <param name="sources">An array for each source, as bits.</param>
    /// <returns>The destinations' bits; of a predicate 0 or 1.</returns>
    public static ulong[] Run(string op, params ulong[][] sources)
    {
        string shape = (InstructionTable.Find(op) ?? throw new ArgumentException($"no {op}")).Shape;
        int count = sources[0].Length, threads = (count + 63) / 64 * 64;
        using var gpu = new Gpu(GpuModel.H100, new GpuOptions(Threads: 1));
        var arguments = new List<byte>();
        foreach (ulong[] source in sources)
            arguments.AddRange(BitConverter.GetBytes(Copy(gpu, [.. source, .. new ulong[threads - count]])));
        ulong result = Copy(gpu, new ulong[threads]);
        arguments.AddRange(BitConverter.GetBytes(result));
        var kernel = PtxModule.Read(Text(op, shape)).Kernels["k"];
        gpu.Run(new Launch(kernel, new Dim3(threads / 64), new Dim3(64), 0, arguments.ToArray()));
        return Read(gpu, result, count);
    }

    private static unsafe ulong Copy(Gpu gpu, ulong[] values)
    {
        ulong address = gpu.Memory.Allocate(8L * values.Length);
        values.CopyTo(new Span<ulong>(gpu.Memory.Find(address, 8L * values.Length), values.Length));
        gpu.Memory.MarkWritten(address, 8L * values.Length);
        return address;
    }

    private static unsafe ulong[] Read(Gpu gpu, ulong address, int count) =>
        new ReadOnlySpan<ulong>(gpu.Memory.Find(address, 8L * count), count).ToArray();

    private static string Text(string op, string shape)
    {
        var lines = new List<string>();
        for (int k = 1; k < shape.Length; k++)
        {
            lines.Add($"ld.param.u64 %rd1, [p{k}]; add.s64 %rd1, %rd1, %rd0;");
            lines.Add(shape[k] switch
            {
                'l' or 'd' => $"ld.global.b64 %l{k}, [%rd1];",
                'h' => $"ld.global.b16 %h{k}, [%rd1];",
                'p' => $"ld.global.b32 %w{k}, [%rd1]; setp.ne.s32 %p{k}, %w{k}, 0;",
                _ => $"ld.global.b32 %w{k}, [%rd1];",
            });
        }
        lines.Add($"{op} {string.Join(", ", Enumerable.Range(0, shape.Length).Select(k => Register(shape[k], k)))};");
        lines.Add("ld.param.u64 %rd1, [p0]; add.s64 %rd1, %rd1, %rd0;");
        lines.Add(shape[0] switch
        {
            'l' or 'd' => "st.global.b64 [%rd1], %l0;",
            'h' => "st.global.b16 [%rd1], %h0;",
            'p' => "selp.b32 %w0, 1, 0, %p0; st.global.b32 [%rd1], %w0;",
            _ => "st.global.b32 [%rd1], %w0;",
        });
        string parameters = string.Join(", ",
            Enumerable.Range(1, shape.Length - 1).Append(0).Select(k => string.Create(CultureInfo.InvariantCulture, $".param .b64 p{k}")));
        return $$"""
            .version 7.8
            .target sm_90
            .address_size 64
            .visible .entry k({{parameters}})
            {
            .reg .pred %p<6>; .reg .b16 %h<6>; .reg .b32 %w<6>, %r<4>; .reg .b64 %l<6>, %rd<2>;
            mov.b32 %r0, %ctaid.x; mov.b32 %r1, %ntid.x; mov.b32 %r2, %tid.x;
            mad.lo.s32 %r0, %r0, %r1, %r2;
            mul.wide.s32 %rd0, %r0, 8;
            {{string.Join("\n", lines)}}
            ret;
            }
            """;
    }

    private static string Register(char letter, int number) =>
        letter switch { 'l' or 'd' => "%l", 'h' => "%h", 'p' => "%p", _ => "%w" } + number.ToString(CultureInfo.InvariantCulture);
}
