namespace BDense.Cases;

/// <summary>
/// Finite differences from a forward row and its backward row, whose operands say by their names what belongs together: the backward row's
/// <c>dy</c> is the gradient of the forward row's output <c>y</c>, its output <c>dx</c> that of the input <c>x</c>, and any other of its
/// inputs is the operand of that name before or after the forward pass.
/// </summary>
public static class PairedGradient
{
    /// <summary>The two oracles as one case. An input of which the backward row gives no gradient has none.</summary>
    /// <param name="forward">Its first output is the one that the loss is made of.</param>
    /// <param name="backward">Of the same shapes; a gradient may have another shape of the same length.</param>
    /// <exception cref="ArgumentException">The backward row has an input that stands for nothing of the forward row, or no gradient at
    /// all.</exception>
    public static GradientCase Of(OpCase forward, OpCase backward)
    {
        int output = Array.FindIndex(forward.Operands, o => o.Role == Role.Output);
        int[] inputs = [.. Enumerable.Range(0, forward.Operands.Length).Where(k => forward.Operands[k].Role == Role.Input)];
        int Place(OpCase row, string name) => Array.FindIndex(row.Operands, o => o.Name == name);
        string gradientOfOutput = "d" + forward.Operands[output].Name;
        foreach (var operand in backward.Operands.Where(
            o => o.Role == Role.Input && o.Name != gradientOfOutput && Place(forward, o.Name) < 0))
            throw new ArgumentException($"{backward.Name}: {operand.Name} is neither {gradientOfOutput} nor an operand of {forward.Name}");
        int[] gradients = [.. inputs.Select(k => Place(backward, "d" + forward.Operands[k].Name))];
        if (Array.TrueForAll(gradients, k => k < 0))
            throw new ArgumentException(
                $"{backward.Name}: gives no gradient of an input of {forward.Name}: name it d{forward.Operands[inputs[0]].Name}");

        double[][] Forward(double[][] at)
        {
            var values = Array.ConvertAll(forward.Operands, o => new double[o.Shape.Length]);
            for (int k = 0; k < inputs.Length; k++)
                values[inputs[k]] = [.. at[k]];
            forward.Oracle(values);
            return values;
        }

        var start = forward.Start();
        return new GradientCase(backward.Op, backward.Label, [.. inputs.Select(k => Array.ConvertAll(start[k], v => (double)v))],
            at => Forward(at)[output],
            (at, dy) =>
            {
                var before = Forward(at);
                double[][] values = [.. backward.Operands.Select(o => o.Name == gradientOfOutput ? dy
                    : Place(forward, o.Name) is >= 0 and var k ? before[k] : new double[o.Shape.Length])];
                backward.Oracle(values);
                return [.. gradients.Select(k => k < 0 ? null : values[k])];
            });
    }
}
