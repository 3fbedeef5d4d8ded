using BDense.Kernels;
using NUnit.Framework;

namespace BDense.Tests.Reference;

public class TrajectoryTests(int lanes) : ReferenceTest(lanes)
{
    private static IEnumerable<TrajectoryShape> Shapes()
    {
        foreach (int k in (int[])[1, 2, 3, 4, 5, 6, 7, 8])
            yield return new TrajectoryShape(3, 7, 3, k);
        foreach (int c in (int[])[1, 2, 4, 5, 24])
        {
            yield return new TrajectoryShape(1, 1, c, 1);
            yield return new TrajectoryShape(2, 7, c, 2);
            yield return new TrajectoryShape(1, 65, c, 8);
        }
        // Four heads of three channels are taken four pixels at a time: none, one, two and three left over.
        foreach (int pixels in (int[])[1, 4, 65, 130, 135])
            yield return new TrajectoryShape(2, pixels, 3, 4);
        yield return new TrajectoryShape(2, 1024, 3, 4);
        yield return new TrajectoryShape(1, 3, 700, 2);
    }

    [Test]
    public void Loss_and_gradient([ValueSource(nameof(Shapes))] TrajectoryShape s, [Values] Distance rho)
    {
        const float Delta = 0.3f;
        int k = s.Branches, e = s.State.Length;
        float[] x0 = Values(e, 1), heads = Values(k * e, 2), targets = Values(k * e, 3), skip = Values(s.N * k, 4),
            map = Values(s.N * k * k, 5), w = Values(s.N * k, 6);
        var r = Run([x0, heads, targets, skip, map, w], [new float[k * e], new float[1 + k]],
            (backend, i, o) => backend.TrajectoryLoss(s, rho, Delta, i[0], i[1], i[2], i[3], i[4], i[5], o[0], o[1]));

        double[] losses = new double[1 + k], dheads = new double[k * e], magnitude = new double[1 + k];
        for (int i = 0; i < e; i++)
        {
            int n = i / (s.Pixels * s.C);
            for (int b = 0; b < k; b++)
            {
                double d = State(s, x0, heads, skip, map, b, i) - targets[b * e + i], root = Math.Sqrt(d * d + (double)Delta * Delta),
                    weight = w[n * k + b];
                double value = rho switch { Distance.L1 => Math.Abs(d), Distance.L2 => d * d, _ => root - Delta };
                double slope = rho switch { Distance.L1 => Math.Sign(d), Distance.L2 => 2 * d, _ => d / root };
                losses[0] += weight * value;
                magnitude[0] += Math.Abs(weight) * value;
                losses[1 + b] += value;
                magnitude[1 + b] += value;
                for (int j = 0; j < k; j++)
                    dheads[Head(s, j, i)] += weight * slope * map[(n * k + b) * k + j];
            }
        }
        Close(r[0], i => dheads[i], 2e-5, "dheads");
        for (int b = 0; b <= k; b++)
            Assert.That(r[1][b], Is.EqualTo(losses[b]).Within(1e-6 * (1 + magnitude[b])), $"losses[{b}]");
    }

    [Test]
    public void States_and_their_gradient([ValueSource(nameof(Shapes))] TrajectoryShape s)
    {
        int k = s.Branches, e = s.State.Length;
        float[] x0 = Values(e, 1), heads = Values(k * e, 2), dstates = Values(k * e, 3), skip = Values(s.N * k, 4),
            map = Values(s.N * k * k, 5);
        var r = Run([x0, heads, dstates, skip, map], [new float[k * e], new float[k * e]], (backend, i, o) =>
        {
            backend.TrajectoryStates(s, i[0], i[1], i[3], i[4], o[0]);
            backend.TrajectoryStatesBackward(s, i[2], i[4], o[1]);
        });
        Close(r[0], i => State(s, x0, heads, skip, map, i / e, i % e), 1e-5, "states");
        double[] dheads = new double[k * e];
        for (int i = 0; i < e; i++)
        {
            for (int b = 0; b < k; b++)
            {
                for (int j = 0; j < k; j++)
                    dheads[Head(s, j, i)] += (double)map[(i / (s.Pixels * s.C) * k + b) * k + j] * dstates[b * e + i];
            }
        }
        Close(r[1], i => dheads[i], 1e-5, "dheads");
    }

    [Test]
    public void A_state_that_hits_its_target_has_no_loss_and_no_gradient([Values] Distance rho)
    {
        var s = new TrajectoryShape(1, 5, 3, 1);
        float[] x = Values(15, 1);
        var r = Run([x, [0f], [1f]], [Values(15, 2), [5f, 5f]],
            (backend, i, o) => backend.TrajectoryLoss(s, rho, 0.3f, i[0], i[0], i[0], i[1], i[2], i[2], o[0], o[1]));
        Assert.That(r[0], Is.All.Zero);
        Assert.That(r[1], Is.All.Zero);
    }

    [Test]
    public void NaN_shows_in_loss_and_gradient([Values] Distance rho)
    {
        var s = new TrajectoryShape(1, 50, 3, 2);
        float[] x = Values(150, 1), heads = Values(300, 2), targets = Values(300, 3), ones = [1, 1, 1, 1];
        targets[77] = float.NaN;
        var r = Run([x, heads, targets, ones], [new float[300], new float[3]], (backend, i, o) =>
        {
            using var two = i[3].View(0, new Shape(2));
            backend.TrajectoryLoss(s, rho, 0.3f, i[0], i[1], i[2], two, i[3], two, o[0], o[1]);
        });
        Assert.That(r[1], Is.EqualTo((float[])[float.NaN, float.NaN, r[1][2]]));
        Assert.That(r[1][2], Is.Not.NaN);
        Assert.That(r[0].Count(float.IsNaN), Is.EqualTo(2));
    }

    /// <summary>x_{b+1} at element i, in double precision.</summary>
    private static double State(TrajectoryShape s, float[] x0, float[] heads, float[] skip, float[] map, int b, int i)
    {
        int k = s.Branches, n = i / (s.Pixels * s.C);
        double x = (double)skip[n * k + b] * x0[i];
        for (int j = 0; j < k; j++)
            x += (double)map[(n * k + b) * k + j] * heads[Head(s, j, i)];
        return x;
    }

    /// <summary>Where head j of state element i lies.</summary>
    private static int Head(TrajectoryShape s, int j, int i) => (i / s.C * s.Branches + j) * s.C + i % s.C;
}
