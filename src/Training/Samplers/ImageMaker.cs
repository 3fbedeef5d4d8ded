namespace BDense.Training.Samplers;

/// <summary>How a network makes images, whatever it is: a teacher with a solver, or a student as it is distilled.</summary>
/// <param name="Run">From noise at <paramref name="Sigma"/> to images.</param>
/// <param name="Sigma">The first noise level.</param>
public sealed record ImageMaker(Sampler Run, double Sigma);
