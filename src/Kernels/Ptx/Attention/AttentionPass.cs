namespace BDense.Kernels.Ptx.Attention;

/// <summary>What a launch computes.</summary>
internal enum AttentionPass
{
    /// <summary>y and log-sum-exp.</summary>
    Forward,

    /// <summary>dq</summary>
    QueryGradient,

    /// <summary>dk and dv, where registers are left for both: heads of up to 128.</summary>
    KeyValueGradient,

    /// <summary>dk</summary>
    KeyGradient,

    /// <summary>dv</summary>
    ValueGradient,
}

/// <summary>What the kernels of all instructions know of a pass.</summary>
internal static class AttentionPasses
{
    /// <summary>Whether a group's own tokens ask, and the others answer.</summary>
    public static bool OwnQueries(this AttentionPass pass) => pass is AttentionPass.Forward or AttentionPass.QueryGradient;

    /// <summary>Whether both operands of either side are needed: for a gradient but dv's.</summary>
    public static bool HasPairs(this AttentionPass pass) =>
        pass is AttentionPass.QueryGradient or AttentionPass.KeyGradient or AttentionPass.KeyValueGradient;

    /// <summary>Which of q, k and v the first sums are the gradient of.</summary>
    public static int Part(this AttentionPass pass) =>
        pass switch { AttentionPass.QueryGradient => 0, AttentionPass.ValueGradient => 2, _ => 1 };
}
