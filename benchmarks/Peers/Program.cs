using BDense.Benchmarks.Comparison;
using BDense.Peers;

return PeersCommand.Run(args, threads => new Libtorch(threads));
