namespace BDense.Kernels.Ilgpu.Tuning;

/// <summary>A problem that was tuned.</summary>
/// <param name="Operation">forward, dgrad, wgrad, product NN, NT or TN, portable.</param>
/// <param name="Precision">Of the products.</param>
/// <param name="M">Rows of the result.</param>
/// <param name="N">Columns of the result.</param>
/// <param name="Steps">Steps of the sum.</param>
/// <param name="Taps">Of a convolution's kernel; 1 elsewhere.</param>
/// <param name="Stride">Of a convolution; 1 elsewhere.</param>
/// <param name="Batch">Of matrix products; 1 elsewhere.</param>
/// <param name="Tile">The fastest tile.</param>
/// <param name="Slices">Its slices of the sum.</param>
/// <param name="Milliseconds">Its time.</param>
/// <param name="RuleTile">What would have been taken without a measurement.</param>
/// <param name="RuleSlices">Its slices.</param>
/// <param name="RuleMilliseconds">Its time.</param>
/// <param name="Candidates">How many were timed.</param>
public sealed record TuningRow(string Operation, string Precision, int M, int N, int Steps, int Taps, int Stride, int Batch, string Tile,
    int Slices, double Milliseconds,
    string RuleTile, int RuleSlices, double RuleMilliseconds, int Candidates);
