namespace BDense.Model.Layers;

/// <summary>What a layer is to its network, as far as its initial values depend on it.</summary>
public enum LayerRole
{
    /// <summary>None of the others.</summary>
    Plain,

    /// <summary>The last layer of a residual branch or of the network: starts at or near zero in most families.</summary>
    Last,

    /// <summary>The projection to queries, keys and values.</summary>
    Attention,
}

/// <summary>A family's initial values.</summary>
/// <param name="Weight">Those of a weight by (role, fan-in, fan-out).</param>
/// <param name="Bias">Those of a bias by (role, fan-in).</param>
public sealed record InitialValues(Func<LayerRole, int, int, Initializer> Weight, Func<LayerRole, int, Initializer> Bias)
{
    /// <summary>DDPM++ as EDM has it: Xavier-uniform, gain 1e-5 for last layers and sqrt(0.2) for attention; biases 0.</summary>
    public static readonly InitialValues Ddpmpp = new(
        (role, fanIn, fanOut) =>
            Initializer.XavierUniform(fanIn, fanOut, role switch { LayerRole.Last => 1e-5, LayerRole.Attention => Math.Sqrt(0.2), _ => 1 }),
        (_, _) => Initializer.Zero);

    /// <summary>ADM, its authors' and EDM's: Kaiming-uniform times sqrt(1/3), PyTorch's own start, biases too; last layers 0.</summary>
    public static readonly InitialValues Adm = new(
        (role, fanIn, _) => role == LayerRole.Last ? Initializer.Zero : Initializer.KaimingUniform(fanIn, Math.Sqrt(1.0 / 3)),
        (role, fanIn) => role == LayerRole.Last ? Initializer.Zero : Initializer.KaimingUniform(fanIn, Math.Sqrt(1.0 / 3)));

    /// <summary>ADM's class embedding: standard normal.</summary>
    public static readonly InitialValues AdmLabel = Adm with { Weight = (_, _, _) => new Initializer(InitialDistribution.Normal, 1) };

    /// <summary>PyTorch's defaults, which diffusers leaves alone: uniform in +-1 / sqrt(fanIn), biases too.</summary>
    public static readonly InitialValues PyTorch = new(
        (_, fanIn, _) => Initializer.KaimingUniform(fanIn, Math.Sqrt(1.0 / 3)),
        (_, fanIn) => Initializer.KaimingUniform(fanIn, Math.Sqrt(1.0 / 3)));

    /// <summary>Flax's defaults, LeCun-normal with biases 0, and last layers 0: progressive distillation.</summary>
    public static readonly InitialValues Flax = new(
        (role, fanIn, _) => role == LayerRole.Last ? Initializer.Zero : Initializer.LecunNormal(fanIn),
        (_, _) => Initializer.Zero);
}
