using BDense.Benchmarks.Comparison;
using BenchmarkDotNet.Running;

return args switch
{
    ["peers", .. var rest] => PeersProject.Run(rest),
    ["micro", .. var rest] => Micro(rest),
    _ => Usage(),
};

static int Micro(string[] arguments)
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments);
    return 0;
}

int Usage()
{
    (args is ["--help"] or ["-h"] ? Console.Out : Console.Error).WriteLine("""
        usage: dotnet run -c Release --project benchmarks -- VERB [options]
          peers   the CPU reference against libtorch, naive loops, MathNet.Numerics and OpenCL; --help lists options
                  example: peers --filter "conv3x3 16x64x32" --peer libtorch --quick
          micro   BenchmarkDotNet suites with their options: micro --filter '*GroupNorm*'
        """);
    return args is ["--help"] or ["-h"] ? 0 : 2;
}
