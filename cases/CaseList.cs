using BDense.Cases.Ops;

namespace BDense.Cases;

/// <summary>The list: every operation with its shapes and options. A new operation is a file in Ops/ and a line here.</summary>
public static class CaseList
{
    /// <summary>Every row of every size, in the order of the files.</summary>
    public static IReadOnlyList<OpCase> All { get; } =
    [
        .. Conv2dCases.Rows(), .. LinearCases.Rows(), .. MatMulCases.Rows(), .. GroupNormCases.Rows(), .. SiluCases.Rows(),
        .. AttentionCases.Rows(),
        .. LinearCombinationCases.Rows(), .. ElementwiseCases.Rows(), .. BroadcastAddCases.Rows(), .. ConcatCases.Rows(),
        .. ResampleCases.Rows(),
        .. DropoutCases.Rows(), .. EmbeddingCases.Rows(), .. ReductionCases.Rows(), .. PhiloxCases.Rows(), .. AdamCases.Rows(),
        .. TrajectoryLossCases.Rows(), .. SoftmaxCases.Rows(), .. TransposeCases.Rows(), .. RhoCases.Rows(),
        .. FusedConv2dCases.Rows(), .. UpsampleWeightsCases.Rows(), .. ScaleShiftCases.Rows(),
    ];

    /// <summary>Every backward oracle.</summary>
    public static IReadOnlyList<GradientCase> Gradients { get; } =
    [
        .. Conv2dCases.Gradients(), .. LinearCases.Gradients(), .. GroupNormCases.Gradients(), .. SiluCases.Gradients(),
        .. AttentionCases.Gradients(),
        .. BroadcastAddCases.Gradients(), .. ConcatCases.Gradients(), .. ResampleCases.Gradients(), .. DropoutCases.Gradients(),
        .. TrajectoryLossCases.Gradients(), .. SoftmaxCases.Gradients(),
        .. FusedConv2dCases.Gradients(), .. UpsampleWeightsCases.Gradients(),
    ];

    /// <summary>Rows up to a size.</summary>
    public static IEnumerable<OpCase> Of(CaseSize largest) => All.Where(row => row.Size <= largest);
}
