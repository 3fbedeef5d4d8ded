namespace BDense.Cases;

/// <summary>How large a case is, hence where it runs.</summary>
public enum CaseSize
{
    /// <summary>Everywhere, ILGPU's CPU accelerator included (a group barrier costs a millisecond there).</summary>
    Tiny,

    /// <summary>On the CPU reference and on real devices.</summary>
    Small,

    /// <summary>In benchmarks, and in tests that are asked for by name: the double-precision loops take seconds.</summary>
    Large,

    /// <summary>In benchmarks on GPUs alone: the layers of EDM's and ADM's networks. The loops would take minutes.</summary>
    Huge,
}
