using BDense.VirtualGpu;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu;

internal sealed class GpuModelTests
{
    [Test]
    public void Keys_differ() => Assert.That(GpuModel.All.Select(m => m.Key), Is.Unique);
}
