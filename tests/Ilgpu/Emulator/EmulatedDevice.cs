using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Runtime.InteropServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using BDense.Kernels.Ptx;
using BDense.VirtualGpu;
using BDense.VirtualGpu.Execution;
using ILGPU;
using ILGPU.Runtime;
using GpuModel = BDense.VirtualGpu.GpuModel;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>
/// Takes kernels of a backend on ILGPU's simulation: their launches, with the arguments and the geometry that the operation's own host
/// code gave them, run their PTX on a virtual GPU, in the memory of the backend.
/// </summary>
/// <param name="takes">Which kernels, by name.</param>
/// <param name="plant">Changes the PTX (the second argument) of a kernel of that name: faults that a check must find.</param>
internal sealed class EmulatedDevice(Func<string, bool> takes, Func<string, string, string>? plant = null) : IKernelEmulator
{
    private static readonly ConcurrentDictionary<string, string> Ptx = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<IWrittenKernel, WrittenKernel> Written = new();
    private static readonly ConcurrentDictionary<string, PtxModule> Modules = new(StringComparer.Ordinal);

    private readonly BDense.VirtualGpu.Gpu _gpu = new(GpuModel.H100, new GpuOptions(Count: true));

    /// <summary>What it remembers of each word lies in the host's own memory, which no collector counts.</summary>
    ~EmulatedDevice() => _gpu.Dispose();

    /// <summary>Names of the kernels that ran, in order.</summary>
    public List<string> Ran { get; } = [];

    /// <summary>
    /// For each kernel that ran, which of its stores to global memory some lane executed, counted from 0 in the order of the text.
    /// </summary>
    public Dictionary<string, IReadOnlyList<int>> ReachedStores { get; } = [];

    /// <summary>New memory is full of NaN: what an earlier run left in the same place must not pass for this one's.</summary>
    public unsafe void Allocated(long address, long bytes)
    {
        _gpu.Memory.Lend((byte*)address, bytes);
        new Span<byte>((void*)address, (int)bytes).Fill(0xFF);
    }

    /// <summary>(stream, geometry, a, b, ...) => Run(kernel, stream, geometry, [bytes of a, bytes of b, ...])</summary>
    public Delegate? Launcher(KernelEntry kernel, Type type)
    {
        if (!takes(kernel.Name))
            return null;
        ParameterExpression[] parameters =
            [.. type.GetMethod("Invoke")!.GetParameters().Select(p => Expression.Parameter(p.ParameterType))];
        return Expression.Lambda(type, Expression.Call(Expression.Constant(this), nameof(Run), null,
            Expression.Constant(kernel), parameters[0], parameters[1],
            Expression.NewArrayInit(typeof(byte[]), parameters[2..].Select(Argument))), parameters).Compile();
    }

    /// <inheritdoc/>
    public void Run(IWrittenKernel kernel, int groups, ReadOnlySpan<byte> arguments)
    {
        var written = Written.GetOrAdd(kernel, static one => one.Write());
        byte[] bytes = arguments.ToArray();
        var parameters = Modules.GetOrAdd(written.Text, PtxModule.Read).Kernels[kernel.Name].Parameters;
        Run(kernel.Name, written.Text, groups, written.Threads, written.SharedBytes,
            [.. written.Arguments.Zip(parameters, (start, parameter) => bytes[start..(start + parameter.Bytes)])]);
    }

    private void Run(KernelEntry kernel, AcceleratorStream stream, KernelConfig config, byte[][] arguments)
    {
        stream.Synchronize();
        Run(kernel.Name, Ptx.GetOrAdd(kernel.Name, _ => KernelCatalog.Ptx(kernel, GpuArchitecture.Find("sm_80"))), config.GridDim.X,
            config.GroupDim.X, config.SharedMemoryConfig.ArraySize, arguments);
    }

    private void Run(string kernel, string ptx, int groups, int groupSize, int dynamicShared, byte[][] arguments)
    {
        Ran.Add(kernel);
        ptx = plant is null ? ptx : plant(kernel, ptx);
        var counts = EmulatedLaunch.Run(_gpu, Modules.GetOrAdd(ptx, PtxModule.Read), groups, groupSize, dynamicShared, arguments);
        ReachedStores[kernel] =
            [.. counts.AllPlaces.Where(p => p.Class == InstructionClass.GlobalStore).Select((store, number) => (store, number))
                .Where(s => s.store.Counts.Lanes > 0).Select(s => s.number)];
    }

    private static Expression Argument(ParameterExpression p) =>
        p.Type.IsGenericType && p.Type.GetGenericTypeDefinition() == typeof(ArrayView<>)
        ? Expression.Call(typeof(EmulatedDevice), nameof(View), p.Type.GetGenericArguments(), p)
        : Expression.Call(typeof(EmulatedDevice), nameof(Value), [p.Type], p);

    /// <summary>As the PTX of a kernel takes it: address and length.</summary>
    private static byte[] View<T>(ArrayView<T> view)
        where T : unmanaged => MemoryMarshal.AsBytes<long>([view.LoadEffectiveAddressAsPtr(), view.Length]).ToArray();

    /// <summary>As it lies.</summary>
    private static byte[] Value<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes<T>([value]).ToArray();
}
