using System.Runtime.Intrinsics;
using static BDense.VirtualGpu.Execution.InstructionClass;

namespace BDense.VirtualGpu.Instructions.Floats;

/// <summary>
/// The approximate functions. The manual bounds their errors (PTX ISA: ex2 2 ulp, lg2 2^-22 absolute in [0.5, 2] and 2^-22 relative
/// elsewhere, sin and cos 2^-20.5 absolute in [-pi, pi], rsqrt 2^-22.9 relative, tanh 2^-11 relative); computed in double and rounded,
/// these are nearer to the truth than a device's, so that what depends on an approximation's error does not show here.
/// </summary>
internal static unsafe class SpecialForms
{
    public static void Add(InstructionTable table)
    {
        Single<Exp2>("ex2.approx");
        Single<Log2>("lg2.approx");
        Single<Sine>("sin.approx");
        Single<Cosine>("cos.approx");
        Single<ReciprocalRoot>("rsqrt.approx");
        Single<Tanh>("tanh.approx");
        table.Add("rsqrt.approx.f64", &PerLane.Unary<double, double, ReciprocalRootDouble>, Special, "dd");
        table.Add("rcp.approx.ftz.f64", &Vectors.Unary<double, ReciprocalDouble>, Special, "dd");

        void Single<TOp>(string op)
            where TOp : struct, IUnary<double>
        {
            table.Add(op + ".f32", &Vectors.Unary<float, InDouble<TOp>>, Special, "ff");
            table.Add(op + ".ftz.f32", &Vectors.Unary<float, Flush1<InDouble<TOp>>>, Special, "ff");
        }
    }

    /// <summary>Of floats, computed in double and rounded once.</summary>
    private readonly struct InDouble<TOp> : IUnary<float>
        where TOp : struct, IUnary<double>
    {
        public static Vector256<float> Of(Vector256<float> a)
        {
            var (lower, upper) = Vector256.Widen(a);
            return Vector256.Narrow(TOp.Of(lower), TOp.Of(upper));
        }
    }

    private readonly struct Exp2 : IUnary<double>
    {
        public static Vector256<double> Of(Vector256<double> a) => Vector256.Exp(a * Vector256.Create(0.693147180559945309417));
    }

    private readonly struct Log2 : IUnary<double>
    {
        public static Vector256<double> Of(Vector256<double> a) => Vector256.Log2(a);
    }

    private readonly struct Sine : IUnary<double>
    {
        public static Vector256<double> Of(Vector256<double> a) => Vector256.Sin(a);
    }

    private readonly struct Cosine : IUnary<double>
    {
        public static Vector256<double> Of(Vector256<double> a) => Vector256.Cos(a);
    }

    private readonly struct ReciprocalRoot : IUnary<double>
    {
        public static Vector256<double> Of(Vector256<double> a) => Vector256<double>.One / Vector256.Sqrt(a);
    }

    private readonly struct Tanh : IUnary<double>
    {
        public static Vector256<double> Of(Vector256<double> a)
        {
            var result = a;
            for (int k = 0; k < Vector256<double>.Count; k++)
                result = result.WithElement(k, Math.Tanh(a[k]));
            return result;
        }
    }

    private readonly struct ReciprocalRootDouble : ILane<double, double>
    {
        public static double Of(double a) => 1 / Math.Sqrt(a);
    }
}
