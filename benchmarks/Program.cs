using BDense.Benchmarks.Comparison;
using BDense.Benchmarks.Gpu;
using BDense.Benchmarks.Ladder;
using BDense.Benchmarks.Micro;
using BDense.Cases;
using BDense.Cases.Timing;
using BenchmarkDotNet.Running;

return args switch
{
    ["peers", .. var rest] => PeersProject.Run(rest),
    ["gpu", .. var rest] => GpuCommand.Run(rest),
    ["join", .. var rest] => JoinCommand.Run(rest),
    ["ladder", .. var rest] => LadderCommand.Run(rest),
    ["ops", .. var rest] => OpsCommand.Run(rest, CaseSet.Library),
    ["micro", .. var rest] => Micro(rest),
    ["virtual", .. var rest] => VirtualGpuSpeed.Run(rest),
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
          ops     one operation at its rows: time, GB/s, GFLOP/s, share of the measured roof; --help lists options
                  example: ops GroupNorm --device cpu
          peers   the CPU reference against libtorch, ONNX Runtime, naive loops, MathNet.Numerics, OpenCL; --help lists options
                  example: peers --filter "conv3x3 16x64x32" --peer libtorch --quick
          gpu     kernels and whole steps on a GPU, for benchmarks/Gpu/torch_peer.py to time the same in PyTorch
          join    one table of the two
          ladder  matrix product and convolution, step by step from naive to pipelined tensor cores; --help lists options
                  example: ladder --device opencl --op gemm
          micro   BenchmarkDotNet suites with their options: micro --filter '*GroupNorm*'
          virtual how many instructions a second the virtual GPU runs
        """);
    return args is ["--help"] or ["-h"] ? 0 : 2;
}
