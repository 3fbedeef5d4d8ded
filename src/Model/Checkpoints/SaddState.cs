namespace BDense.Model.Checkpoints;

/// <summary>What B-DENSE's authors' own networks (dsgiitr/SADD, models/networks_edm.py) carry besides those of EDM and SFD.</summary>
internal static class SaddState
{
    /// <summary>A parameter of SongUNet, one number a head, that nothing in their code uses.</summary>
    private const string Unused = "model.log_var_for_learnable_weights";

    /// <summary>Whether a stored tensor is that one: of its name, and with as many numbers as the network has heads.</summary>
    public static bool IsUnused(string name, int[] shape, int branches) => name == Unused && shape is [var count] && count == branches;
}
