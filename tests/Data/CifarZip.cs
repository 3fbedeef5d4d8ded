using NUnit.Framework;

namespace BDense.Tests.Data;

/// <summary>CIFAR-10's training images as a zip of class folders, where this machine has them.</summary>
internal static class CifarZip
{
    public const string Missing = "cifar10-train.zip is not there: neither BDENSE_CIFAR10 nor shared/data beside the checkout";

    public static string? Path()
    {
        if (Environment.GetEnvironmentVariable("BDENSE_CIFAR10") is { Length: > 0 } path)
            return path;
        for (var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = System.IO.Path.Combine(folder.FullName, "shared", "data", "cifar10-train.zip");
            if (File.Exists(candidate))
                return candidate;
        }
        return null;
    }
}
