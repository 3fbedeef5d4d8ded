using System.Reflection;
using BDense.Kernels.Ilgpu;
using ILGPU;
using NUnit.Framework;

namespace BDense.Tests.Ilgpu;

/// <summary>The registry holds every kernel: what is launched but not in it would be compiled by no test.</summary>
internal sealed class KernelRegistryTests
{
    [Test]
    public void Every_method_with_a_thread_index_is_registered()
    {
        var kernels = typeof(IlgpuBackend).Assembly.GetTypes()
            .SelectMany(
                type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            // What is generic is a body that kernels of several types share.
            .Where(method => method.ReturnType == typeof(void) && !method.IsGenericMethod
                && method.GetParameters().FirstOrDefault()?.ParameterType == typeof(Index1D));
        Assert.That(kernels.Select(method => method.Name),
            Is.EquivalentTo(KernelRegistry.BuiltIn.Where(k => !k.ExplicitlyGrouped).Select(k => k.Name)));
    }

    [Test]
    public void Names_are_unique() => Assert.That(KernelRegistry.BuiltIn.Select(k => k.Name), Is.Unique);

    [Test]
    public void Group_sizes_are_whole_warps() =>
        Assert.That(KernelRegistry.BuiltIn,
            Has.All.Matches<KernelEntry>(k => k?.GroupSize is 32 or 64 or 96 or 128 or 256 or 384 or 512 or 1024));
}
