using BDense.Kernels;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>Sinusoidal features [N,2J] of a scalar per sample t [N]; see <see cref="Backend.Embedding"/>. Has no gradient.</summary>
    public Variable Embedding(Tensor t, Tensor frequencies, bool sinFirst)
    {
        var y = Output(new Shape(t.Length, 2 * frequencies.Length), requiresGradient: false);
        Backend.Embedding(t, frequencies, y.Data, sinFirst);
        return y;
    }
}
