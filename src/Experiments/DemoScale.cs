using BDense.Model.Networks;

namespace BDense.Experiments;

/// <summary>How large the demo is. The numbers fix its result; the time follows from them.</summary>
public sealed record DemoScale
{
    /// <summary>Some four minutes on two cores.</summary>
    public static DemoScale Full { get; } = new();

    /// <summary>Within a minute.</summary>
    public static DemoScale Quick { get; } = new()
    {
        TeacherSteps = 120,
        Updates = 16,
        Students = [(2, 2)],
        Noises = 128,
        FineSteps = 20,
    };

    /// <summary>The catalogue's small network at half its width.</summary>
    public NetworkConfig Network { get; init; } = NetworkCatalog.FindUNet("demo") with { ModelChannels = 16 };

    public int TeacherSteps { get; init; } = 800;

    public int Batch { get; init; } = 64;

    /// <summary>Optimizer updates of every student, all its rounds together.</summary>
    public int Updates { get; init; } = 96;

    public int StudentBatch { get; init; } = 32;

    /// <summary>
    /// Network evaluations of the students, and with how many training seeds; PD's teacher takes four times as many steps.
    /// </summary>
    public IReadOnlyList<(int Nfe, int Seeds)> Students { get; init; } = [(2, 3), (4, 2)];

    /// <summary>Noises that every sampler starts from.</summary>
    public int Noises { get; init; } = 256;

    public int FineSteps { get; init; } = 40;

    /// <summary>NFE at which the undistilled teacher is sampled, to show what there is to mend.</summary>
    public IReadOnlyList<int> TeacherNfes { get; init; } = [2, 4, 8, 16];
}
