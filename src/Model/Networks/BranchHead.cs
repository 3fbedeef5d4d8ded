using BDense.Kernels;

namespace BDense.Model;

/// <summary>The K-branch head: a last convolution of K*C channels, branch-major, and its way back to one of C channels.</summary>
public static class BranchHead
{
    /// <summary>
    /// A student with K heads, each a copy of the teacher's: W[k*C + c] = W_teacher[c], b likewise; everything else is copied.
    /// At this start all heads agree with the teacher.
    /// </summary>
    /// <param name="teacher">One branch; it stays as it is.</param>
    /// <param name="branches">K, 1 to 8.</param>
    /// <exception cref="BDenseException">The teacher has branches already, or K is out of range.</exception>
    public static UNet Widen(UNet teacher, int branches)
    {
        if (teacher.Config.Branches != 1)
            throw new BDenseException($"only a network of one branch can be widened; this one has {teacher.Config.Branches}");
        if (branches is < 1 or > Backend.MaxBranches)
            throw new UsageException($"a head has 1 to {Backend.MaxBranches} branches, not {branches}");
        var student = CopyBody(teacher, branches);
        for (int k = 0; k < branches; k++)
        {
            Combine([1f], [teacher.HeadWeight.Value], student.HeadWeight.Value, k);
            Combine([1f], [teacher.HeadBias.Value], student.HeadBias.Value, k);
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
    public static UNet Fold(UNet student, ReadOnlySpan<double> coefficients)
    {
        float[] c = Check(student, coefficients);
        var plain = CopyBody(student, 1);
        Fold(c, student.HeadWeight.Value, plain.HeadWeight.Value);
        Fold(c, student.HeadBias.Value, plain.HeadBias.Value);
        return plain;
    }

    /// <summary>W_eff and b_eff alone; the caller disposes them.</summary>
    internal static (Tensor Weight, Tensor Bias) FoldedHead(UNet student, ReadOnlySpan<double> coefficients)
    {
        float[] c = Check(student, coefficients);
        var s = student.HeadWeight.Shape;
        var weight = student.Backend.Empty(new Shape(s[0] / c.Length, s[1], s[2], s[3]));
        var bias = student.Backend.Empty(new Shape(s[0] / c.Length));
        Fold(c, student.HeadWeight.Value, weight);
        Fold(c, student.HeadBias.Value, bias);
        return (weight, bias);
    }

    private static float[] Check(UNet student, ReadOnlySpan<double> coefficients)
    {
        int branches = student.Config.Branches;
        if (coefficients.Length != branches)
            throw new BDenseException($"{coefficients.Length} coefficients for {branches} branches");
        var c = new float[branches];
        for (int j = 0; j < branches; j++)
            c[j] = (float)coefficients[j];
        return c;
    }

    private static void Fold(float[] c, Tensor heads, Tensor folded)
    {
        var slices = new Tensor[c.Length];
        for (int j = 0; j < c.Length; j++)
            slices[j] = heads.View(j * folded.Length, folded.Shape);
        Combine(c, slices, folded, 0);
        foreach (var slice in slices)
            slice.Dispose();
    }

    /// <summary>Slice <paramref name="k"/> of y = sum_j c_j x_j.</summary>
    private static void Combine(ReadOnlySpan<float> c, ReadOnlySpan<Tensor> x, Tensor y, int k)
    {
        using var slice = y.View(k * x[0].Length, x[0].Shape);
        y.Backend.LinearCombination(c, x, slice);
    }

    private static UNet CopyBody(UNet source, int branches)
    {
        var copy = new UNet(source.Backend, source.Config with { Branches = branches }, seed: null);
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
