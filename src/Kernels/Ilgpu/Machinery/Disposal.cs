using System.Runtime.CompilerServices;
using ILGPU.Runtime;

namespace BDense.Kernels.Ilgpu;

/// <summary>
/// Gives device objects back without an exception: one from here would hide the error that led here. ILGPU alone stops at the first
/// object that the driver refuses to free, a kernel that did not load among them, and leaves the rest.
/// </summary>
internal static class Disposal
{
    /// <returns>The driver's error; null if there was none.</returns>
    public static AcceleratorException? Quietly(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (AcceleratorException e)
        {
            return e;
        }
    }

    /// <summary>Everything that lives on an accelerator, then the accelerator itself.</summary>
    /// <returns>The first error of the driver; null if there was none.</returns>
    public static AcceleratorException? Close(Accelerator accelerator)
    {
        AcceleratorException? first = null;
        foreach (IDisposable one in Children(accelerator).Append<IDisposable>(accelerator))
        {
            var error = Quietly(one.Dispose);
            first ??= error;
        }
        if (first is not null)
            Abandon(accelerator);
        return first;
    }

    /// <summary>
    /// After a fault of the device: nothing of this accelerator is freed any more, the end of the process does that. A finaliser would
    /// make its context current, which the driver may refuse with the old error, and an exception there ends the process at once.
    /// </summary>
    public static void Abandon(Accelerator accelerator)
    {
        foreach (var child in Children(accelerator))
            GC.SuppressFinalize(child);
        GC.SuppressFinalize(accelerator);
    }

    private static List<AcceleratorObject> Children(Accelerator accelerator)
    {
        var found = new List<AcceleratorObject>();
        foreach (var reference in ChildObjects(accelerator).ToArray())
        {
            if (reference.TryGetTarget(out var child))
                found.Add(child);
        }
        return found;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "childObjects")]
    private static extern ref List<WeakReference<AcceleratorObject>> ChildObjects(Accelerator accelerator);
}
