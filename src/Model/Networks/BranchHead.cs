using BDense.Kernels;

namespace BDense.Model.Networks;

/// <summary>The K-branch head: a last convolution of K heads, branch-major, and its way back to one.</summary>
/// <remarks>The prediction <see cref="Prediction.Both"/> has two such blocks of K heads: all images, then all noises.</remarks>
public static class BranchHead
{
    /// <summary>
    /// A student with K heads, each a copy of the teacher's: W[k*C + c] = W_teacher[c], b likewise; everything else is copied.
    /// At this start all heads agree with the teacher.
    /// </summary>
    /// <param name="teacher">One branch; it stays as it is.</param>
    /// <param name="branches">K, 1 to 8.</param>
    /// <param name="stepSeed">
    /// Asks for a student with SFD's step condition. Where the teacher has none, its layers are new and start as the family's layers do,
    /// by this seed: what loading EDM's weights into SFD's network non-strictly leaves.
    /// </param>
    /// <exception cref="BDenseException">The teacher has branches already, K is out of range, or its family has no step
    /// condition.</exception>
    public static INetwork Widen(INetwork teacher, int branches, ulong? stepSeed = null)
    {
        if (teacher.Config.Branches != 1)
            throw new BDenseException($"only a network of one branch can be widened; this one has {teacher.Config.Branches}");
        if (branches is < 1 or > Backend.MaxBranches)
            throw new UsageException($"a head has 1 to {Backend.MaxBranches} branches, not {branches}");
        var student = CopyBody(teacher, branches, teacher.Config.StepCondition ? null : stepSeed);
        int parts = teacher.Config.HeadParts;
        for (int part = 0; part < parts; part++)
        {
            for (int k = 0; k < branches; k++)
            {
                Combine([1f], teacher.HeadWeight.Value, part, parts, student.HeadWeight.Value, part * branches + k, parts * branches);
                Combine([1f], teacher.HeadBias.Value, part, parts, student.HeadBias.Value, part * branches + k, parts * branches);
            }
        }
        return student;
    }

    /// <summary>
    /// The plain network whose F equals sum_j c_j F_j of the student's heads, exactly, since the last convolution is linear:
    /// W_eff = sum_j c_j W_j, b_eff = sum_j c_j b_j. Sampling with it costs what the plain student costs.
    /// </summary>
    /// <param name="student">K heads; it stays as it is.</param>
    /// <param name="coefficients">c_0..c_{K-1}: for chained Euler steps (1/t_{j+1} - 1/t_j) / (1/t_K - 1/t_0).</param>
    /// <exception cref="BDenseException">Not K coefficients.</exception>
    public static INetwork Fold(INetwork student, ReadOnlySpan<double> coefficients)
    {
        var (weight, bias) = FoldedHead(student, coefficients);
        using (weight)
        using (bias)
            return Plain(student, weight, bias);
    }

    /// <summary>A network of one branch: the student's body, and this head.</summary>
    internal static INetwork Plain(INetwork student, Tensor weight, Tensor bias)
    {
        var plain = CopyBody(student, 1, null);
        plain.Backend.Copy(weight, plain.HeadWeight.Value);
        plain.Backend.Copy(bias, plain.HeadBias.Value);
        return plain;
    }

    /// <summary>W_eff and b_eff alone; the caller disposes them.</summary>
    internal static (Tensor Weight, Tensor Bias) FoldedHead(INetwork student, ReadOnlySpan<double> coefficients)
    {
        float[] c = Check(student, coefficients);
        var s = student.HeadWeight.Shape;
        var weight = student.Backend.Empty(new Shape([s[0] / c.Length, .. s.ToArray()[1..]]));
        var bias = student.Backend.Empty(new Shape(s[0] / c.Length));
        FoldHead(student, c, weight, bias);
        return (weight, bias);
    }

    private static float[] Check(INetwork student, ReadOnlySpan<double> coefficients)
    {
        int branches = student.Config.Branches;
        if (coefficients.Length != branches)
            throw new BDenseException($"{coefficients.Length} coefficients for {branches} branches");
        var c = new float[branches];
        for (int j = 0; j < branches; j++)
            c[j] = (float)coefficients[j];
        return c;
    }

    /// <summary>Each part of the head (two of the prediction "both") is combined by itself.</summary>
    private static void FoldHead(INetwork student, float[] c, Tensor weight, Tensor bias)
    {
        int branches = c.Length, parts = student.Config.HeadParts;
        for (int part = 0; part < parts; part++)
        {
            Combine(c, student.HeadWeight.Value, part * branches, parts * branches, weight, part, parts);
            Combine(c, student.HeadBias.Value, part * branches, parts * branches, bias, part, parts);
        }
    }

    /// <summary>Slice <paramref name="at"/> of y's equal slices = sum_j c_j slice first + j of x's.</summary>
    private static void Combine(ReadOnlySpan<float> c, Tensor x, int first, int slicesOfX, Tensor y, int at, int slicesOfY)
    {
        var slices = new Tensor[c.Length];
        for (int j = 0; j < c.Length; j++)
            slices[j] = Slice(x, first + j, slicesOfX);
        using (var target = Slice(y, at, slicesOfY))
            y.Backend.LinearCombination(c, slices, target);
        foreach (var slice in slices)
            slice.Dispose();
    }

    private static Tensor Slice(Tensor x, int i, int of) => x.View(i * (x.Length / of), new Shape(x.Length / of));

    private static Network CopyBody(INetwork source, int branches, ulong? stepSeed)
    {
        var config = source.Config with { Branches = branches, StepCondition = source.Config.StepCondition || stepSeed is not null };
        var copy = new Network(source.Backend, config, stepSeed);
        foreach (var parameter in source.Parameters.All)
        {
            if (parameter != source.HeadWeight && parameter != source.HeadBias)
                source.Backend.Copy(parameter.Value, copy.Parameters[parameter.Name].Value);
        }
        copy.CopyConstants(source);
        copy.Execution = source.Execution;
        return copy;
    }
}
