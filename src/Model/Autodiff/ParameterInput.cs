using BDense.Model.Layers;

namespace BDense.Model.Autodiff;

public sealed partial class Tape
{
    /// <summary>
    /// A trained tensor as an operand like any other: what operations contribute to it is added to <see cref="Parameter.Gradient"/> at the
    /// end, in a launch of its own. BDense's own layers save that launch: their kernels add to the parameter's gradient themselves.
    /// </summary>
    /// <param name="parameter">Of the network that the tape's pass is of; a frozen one wants no gradient.</param>
    public Variable Input(Parameter parameter)
    {
        var value = Register(new Variable(parameter.Value, owned: false, Recording && parameter.Gradient is not null));
        return Record(value, saved: [], kept: [], (tape, gradient) =>
            tape.Backend.LinearCombination([1f, 1f], [parameter.Gradient!, gradient], parameter.Gradient!));
    }
}
