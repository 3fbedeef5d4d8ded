using BDense.Tests.Ops;
using NUnit.Framework;

namespace BDense.Tests;

/// <summary>The end of all tests.</summary>
[SetUpFixture]
internal sealed class SharedDevices
{
    [OneTimeTearDown]
    public void Close() => Backends.CloseShared();
}
