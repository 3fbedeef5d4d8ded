namespace BDense.Model.Checkpoints;

/// <summary>
/// unet.cu's names for guided-diffusion's layers: its train_unet.py has a residual block's layers one by one, where guided-diffusion has
/// them in lists, and saves what torch.compile wraps with a prefix.
/// </summary>
internal static class UnetCuNames
{
    private const string Compiled = "_orig_mod.";

    private static readonly (string Theirs, string Ours)[] Layers =
    [
        (".gn1.", ".in_layers.0."), (".cv3_1.", ".in_layers.2."), (".l_emb.", ".emb_layers.1."), (".gn2.", ".out_layers.0."),
        (".cv3_2.", ".out_layers.3."), (".gn.", ".norm."), (".proj.", ".proj_out."),
    ];

    /// <summary>A tensor's name as guided-diffusion has it; names of other networks stay as they are.</summary>
    public static string NewName(string name)
    {
        if (name.StartsWith(Compiled, StringComparison.Ordinal))
            name = name[Compiled.Length..];
        bool isBlock = name.StartsWith("input_blocks.", StringComparison.Ordinal)
            || name.StartsWith("middle_block.", StringComparison.Ordinal)
            || name.StartsWith("output_blocks.", StringComparison.Ordinal);
        if (!isBlock)
            return name;
        foreach (var (theirs, ours) in Layers)
            name = name.Replace(theirs, ours, StringComparison.Ordinal);
        return name;
    }
}
