using BDense.Kernels;

namespace BDense.Training.Solvers;

/// <summary>
/// The solvers: each a function over a denoiser, in a file of its own. States are float32 on the device and change in one linear
/// combination a step; times and coefficients are doubles, cast at the end.
/// </summary>
public static partial class SolverCatalog
{
    /// <summary>All of them, in the order of the help.</summary>
    public static IReadOnlyList<Solver> All { get; } =
    [
        new("euler", 1, 1, "Song et al. 2021 (DDIM), eq. 12; Karras et al. 2022, section 3", Euler),
        new("heun", 2, 2, "Karras et al. 2022, algorithms 1 and 2", Heun),
        new("dpm2", 2, 2, "Lu et al. 2022 (DPM-Solver), algorithm 1; Karras et al. 2022, appendix D", DpmSolver2),
        new("dpmpp2m", 2, 1, "Lu et al. 2022b (DPM-Solver++), algorithm 2", DpmSolverPlusPlus2M)
        {
            MaxOrder = 2,
            LowersOrder = true,
            PredictsData = true,
        },
        new("dpmpp3m", 2, 1, "Lu et al. 2022b (DPM-Solver++), appendix B, multistep of order 3, as published", DpmSolverPlusPlus3M)
        {
            MaxOrder = 3,
            LowersOrder = true,
            PredictsData = true,
        },
        new("dpmpp3m-exact", 3, 1, "the same with its third Taylor term in full", DpmSolverPlusPlus3MExact)
        {
            MaxOrder = 3,
            LowersOrder = true,
            PredictsData = true,
        },
        new("dpm2m-eps", 2, 1, "Lu et al. 2022b, multistep of order 2 in noise prediction",
            DpmSolverEps2M) { MaxOrder = 2, LowersOrder = true },
        new("dpm3m-eps", 2, 1, "Lu et al. 2022b, multistep of order 3 in noise prediction, as published",
            DpmSolverEps3M) { MaxOrder = 3, LowersOrder = true },
        new("unipc-bh1", 4, 1, "Zhao et al. 2023 (UniPC), algorithms 5 to 8, B(h) = h", UniPCBh1) { MaxOrder = 3, LowersOrder = true },
        new("unipc-bh2", 4, 1, "Zhao et al. 2023 (UniPC), algorithms 5 to 8, B(h) = e^h - 1",
            UniPCBh2) { MaxOrder = 3, LowersOrder = true },
        new("deis-tab", 4, 1, "Zhang and Chen 2023 (DEIS), eq. 15, tAB3", DeisTab) { MaxOrder = HistoryOrder },
        new("ipndm", 4, 1, "Liu et al. 2022 (PNDM); Zhang and Chen 2023 (DEIS), section 4", Ipndm) { MaxOrder = HistoryOrder },
        new(IpndmVPublished, 2, 1, "Zhou et al. 2024 (AMED), iPNDM_v as its authors' code has it", IpndmV) { MaxOrder = HistoryOrder },
        new(Lms, 4, 1, "Adams-Bashforth on the steps as they are: Zhang and Chen 2023 (DEIS), rhoAB3; k-diffusion's lms",
            AdamsBashforthOfSteps) { MaxOrder = HistoryOrder },
    ];

    private const string IpndmVName = "ipndm-v", IpndmVPublished = "ipndm-v-published", Lms = "lms";

    /// <summary>
    /// What a file means by a solver's name. Before there were both, <c>ipndm-v</c> was the exact method, <c>lms</c>; files now name the
    /// published one <c>ipndm-v-published</c>, so that those of older versions keep their meaning.
    /// </summary>
    internal static string OfFile(string name) => name.Equals(IpndmVName, StringComparison.OrdinalIgnoreCase) ? Lms : name;

    /// <summary>The name by which a file calls a solver that a person has named.</summary>
    internal static string ToFile(string name) => name.Equals(IpndmVName, StringComparison.OrdinalIgnoreCase) ? IpndmVPublished : name;

    /// <summary>
    /// A solver by its name; <c>ddim</c> is Euler's method in sigma space, <c>dpm++2m</c>, <c>dpm++3m</c>, <c>unipc</c>, <c>ipndm-v</c> and
    /// <c>deis-rhoab</c> are understood too.
    /// </summary>
    /// <exception cref="UsageException">There is none of that name; the message lists those there are.</exception>
    public static Solver Find(string name)
    {
        string key = name.ToLowerInvariant() switch
        {
            "ddim" => "euler",
            "dpm++2m" => "dpmpp2m",
            "dpm++3m" => "dpmpp3m",
            "unipc" => "unipc-bh2",
            IpndmVName => IpndmVPublished,
            "deis-rhoab" => Lms,
            var other => other,
        };
        return All.FirstOrDefault(s => s.Name == key)
            ?? throw new UsageException($"there is no solver '{name}'{Suggestion.OrAll(name, All.Select(s => s.Name))}");
    }

    /// <summary>For samplers that take steps without fresh noise.</summary>
    /// <exception cref="InvalidOperationException">Noise is asked for.</exception>
    internal static void NoFreshNoise(int step, Tensor y) =>
        throw new InvalidOperationException($"step {step} asks for fresh noise, and there is none");

    /// <summary>A copy of x to step in place, after a look at the grid.</summary>
    private static Tensor Start(Tensor x, ReadOnlySpan<double> t)
    {
        if (t.Length < 2)
            throw new BDenseException($"a solver needs at least 2 noise levels, not {t.Length}");
        for (int i = 0; i + 1 < t.Length; i++)
        {
            if (!(t[i] > t[i + 1] && t[i + 1] >= 0 && double.IsFinite(t[i])))
                throw new BDenseException(
                    FormattableString.Invariant($"noise levels fall to 0 at the lowest; {t[i]:g6} is followed by {t[i + 1]:g6}"));
        }
        var y = x.Backend.Empty(x.Shape);
        x.Backend.Copy(x, y);
        return y;
    }

    /// <summary>D(x; t), in the first step analytical where that is asked for: x - t d with d = x / sqrt(1 + t^2).</summary>
    private static Tensor Evaluate(Denoise denoise, Tensor x, double t, int step, SolverOptions o)
    {
        o.Cancellation.ThrowIfCancellationRequested();
        return step == 0 && o.AnalyticalFirstStep ? AnalyticalDenoise(x, t) : denoise(x, t);
    }

    /// <summary>The denoiser of standard normal data up to first order: D = (1 - t / sqrt(1 + t^2)) x.</summary>
    public static Tensor AnalyticalDenoise(Tensor x, double t)
    {
        var d = x.Backend.Empty(x.Shape);
        x.Backend.Scale(x, (float)(1 - t / Math.Sqrt(1 + t * t)), d);
        return d;
    }

    /// <summary>y = sum of coefficient * tensor in one pass; the coefficients become floats here and nowhere else.</summary>
    private static void Combine(Tensor y, params ReadOnlySpan<(double Coefficient, Tensor X)> terms)
    {
        Span<float> c = stackalloc float[terms.Length];
        var x = new Tensor[terms.Length];
        for (int i = 0; i < terms.Length; i++)
            (c[i], x[i]) = ((float)terms[i].Coefficient, terms[i].X);
        y.Backend.LinearCombination(c, x, y);
    }

    /// <summary>The last predictions or slopes, newest first; those beyond the given number are disposed, and all at the end.</summary>
    private sealed class History(int depth) : IDisposable
    {
        private readonly List<Tensor> _items = [];

        public Tensor this[int i] => _items[i];

        public Tensor Push(Tensor x)
        {
            if (_items.Count == depth)
            {
                _items[^1].Dispose();
                _items.RemoveAt(depth - 1);
            }
            _items.Insert(0, x);
            return x;
        }

        public void Dispose() => _items.ForEach(x => x.Dispose());
    }
}
