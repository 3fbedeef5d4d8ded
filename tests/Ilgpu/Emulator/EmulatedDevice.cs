using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Runtime.InteropServices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.MachineCode;
using ILGPU;
using ILGPU.Runtime;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>
/// Takes the tensor-core kernels of a backend on ILGPU's simulation: their launches, with the arguments and the geometry that the
/// operation's own host code gave them, run their PTX on the blocks of the backend.
/// </summary>
internal sealed class EmulatedDevice : IKernelEmulator
{
    private static readonly ConcurrentDictionary<string, string> Ptx = new(StringComparer.Ordinal);

    private readonly HostMemory _memory = new();

    /// <summary>Names of the kernels that ran, in order.</summary>
    public List<string> Ran { get; } = [];

    public void Allocated(long address, long bytes) => _memory.Add(address, bytes);

    /// <summary>(stream, geometry, a, b, ...) => Run(kernel, stream, geometry, [bytes of a, bytes of b, ...])</summary>
    public Delegate? Launcher(KernelEntry kernel, Type type)
    {
        if (!kernel.Name.StartsWith("Tensor", StringComparison.Ordinal))
            return null;
        ParameterExpression[] parameters = [.. type.GetMethod("Invoke")!.GetParameters().Select(p => Expression.Parameter(p.ParameterType))];
        return Expression.Lambda(type, Expression.Call(Expression.Constant(this), nameof(Run), null,
            Expression.Constant(kernel), parameters[0], parameters[1], Expression.NewArrayInit(typeof(byte[]), parameters[2..].Select(Argument))), parameters).Compile();
    }

    private void Run(KernelEntry kernel, AcceleratorStream stream, KernelConfig config, byte[][] arguments)
    {
        stream.Synchronize();
        Ran.Add(kernel.Name);
        string ptx = Ptx.GetOrAdd(kernel.Name, _ => KernelCatalog.Ptx(kernel, GpuArchitecture.Find("sm_80")));
        EmulatedLaunch.Run(ptx, _memory, config.GridDim.X, config.GroupDim.X, config.SharedMemoryConfig.ArraySize, arguments);
    }

    private static Expression Argument(ParameterExpression p) => p.Type.IsGenericType && p.Type.GetGenericTypeDefinition() == typeof(ArrayView<>)
        ? Expression.Call(typeof(EmulatedDevice), nameof(View), p.Type.GetGenericArguments(), p)
        : Expression.Call(typeof(EmulatedDevice), nameof(Value), [p.Type], p);

    /// <summary>As the PTX of a kernel takes it: address and length.</summary>
    private static byte[] View<T>(ArrayView<T> view)
        where T : unmanaged => MemoryMarshal.AsBytes<long>([view.LoadEffectiveAddressAsPtr(), view.Length]).ToArray();

    /// <summary>As it lies.</summary>
    private static byte[] Value<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes<T>([value]).ToArray();
}
