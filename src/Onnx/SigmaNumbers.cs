using BDense.Model.Networks;

namespace BDense.Onnx;

/// <summary>
/// What <see cref="Preconditioning"/> and <see cref="NoiseInput"/> make of a noise level, as nodes: in double precision, as on the host,
/// since ln sigma and the steps of DDPM's table ask for it.
/// </summary>
internal sealed class SigmaNumbers
{
    private readonly GraphBuilder _graph;
    private readonly NetworkConfig _config;
    private readonly string _sigma, _unit, _edm;

    /// <param name="graph">Where nodes go.</param>
    /// <param name="config">Prediction, number and sigma_data.</param>
    /// <param name="sigma">float32 [N]</param>
    public SigmaNumbers(GraphBuilder graph, NetworkConfig config, string sigma)
    {
        (_graph, _config) = (graph, config);
        _sigma = graph.Node("Cast", [sigma], ("to", 11));
        _unit = Inverse(1);
        _edm = Inverse(config.SigmaData * config.SigmaData);

        string Inverse(double added) => graph.Node("Div", graph.Double(1),
            graph.Node("Sqrt", graph.Node("Add", graph.Node("Mul", _sigma, _sigma), graph.Double(added))));
    }

    /// <summary>c_noise, float32 [N].</summary>
    public string Noise()
    {
        string ln = _graph.Node("Log", _sigma);
        return Float(_config.NoiseInput switch
        {
            NoiseInput.LogSigma => Times(ln, 0.25),
            NoiseInput.Timestep => Timestep(ln),
            _ => InverseCosine(ln),
        });
    }

    /// <summary>c_in, float32 [N,1,1,1].</summary>
    public string In() => OverImage(_config.Prediction == Prediction.Edm ? _edm : _unit);

    /// <summary>c_skip, float32 [N,1,1,1] or a number for all; none where it is 0.</summary>
    public string? Skip() => _config.Prediction switch
    {
        Prediction.Edm => OverImage(Times(Mul(_edm, _edm), _config.SigmaData * _config.SigmaData)),
        Prediction.Eps => _graph.Scalar(1),
        Prediction.X => null,
        _ => OverImage(Mul(_unit, _unit)),
    };

    /// <summary>c_out, float32 [N,1,1,1] or a number for all.</summary>
    public string Out() => _config.Prediction switch
    {
        Prediction.Edm => OverImage(Mul(Times(_sigma, _config.SigmaData), _edm)),
        Prediction.Eps => OverImage(_graph.Node("Neg", _sigma)),
        Prediction.X => _graph.Scalar(1),
        _ => OverImage(_graph.Node("Neg", Mul(_sigma, _unit))),
    };

    /// <summary>alpha and sigma_vp of "both", float32 [N,1,1,1]: v = alpha noise - sigma_vp image.</summary>
    public (string Alpha, string SigmaVp) Merging() => (OverImage(_unit), OverImage(Mul(_sigma, _unit)));

    /// <summary>
    /// The place of ln sigma in DDPM's table, linear between two entries and held at the ends: a ramp from 0 to 1 for each step, added up.
    /// </summary>
    private string Timestep(string ln)
    {
        double[] table = NoiseNumber.Levels;
        string from = _graph.Doubles(table[..^1]),
            widths = _graph.Doubles([.. table.Skip(1).Zip(table, (next, own) => next - own)]);
        string column = _graph.Node("Reshape", ln, _graph.Integers(-1, 1));
        string ramps = _graph.Node("Div", _graph.Node("Sub", column, from), widths);
        string held = _graph.Node("Clip", [ramps, _graph.Double(0), _graph.Double(1)]);
        return _graph.Node("ReduceSum", [held, _graph.Integers(1)], ("keepdims", 0));
    }

    /// <summary>1000 atan(sigma) / (pi / 2), sigma held between e^-10 and e^10.</summary>
    private string InverseCosine(string ln)
    {
        string held = _graph.Node("Clip", [ln, _graph.Double(-10), _graph.Double(10)]);
        // ONNX Runtime has no arctangent of doubles; that of floats is off by less than the embedding shows.
        string atan = _graph.Node("Atan", Float(_graph.Node("Exp", held)));
        return Times(_graph.Node("Cast", [atan], ("to", 11)), 1000 / (Math.PI / 2));
    }

    private string Mul(string a, string b) => _graph.Node("Mul", a, b);

    private string Times(string x, double factor) => factor == 1 ? x : Mul(x, _graph.Double(factor));

    private string Float(string x) => _graph.Node("Cast", [x], ("to", 1));

    private string OverImage(string x) => _graph.Node("Reshape", Float(x), _graph.Integers(-1, 1, 1, 1));
}
