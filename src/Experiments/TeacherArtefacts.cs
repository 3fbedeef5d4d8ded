using BDense.Training.Metrics;

namespace BDense.Experiments;

/// <summary>How far a student's error is its teacher's own.</summary>
/// <param name="StudentToTeacher">Root mean square distance of the student's endpoints to the teacher's on the grid it was distilled
/// from.</param>
/// <param name="StudentToFine">To the teacher's fine trajectory.</param>
/// <param name="TeacherToFine">The teacher's own on that grid to its fine trajectory.</param>
/// <param name="FineToFiner">The fine trajectory's to one of twice as many steps: what "fine" leaves open.</param>
/// <param name="Inherited">
/// The part of the student's error that is the teacher's: with e_s = student - fine and e_t = teacher - fine, the squared cosine
/// (e_s . e_t)^2 / (|e_s|^2 |e_t|^2), over all samples.
/// </param>
public sealed record ArtefactShare(double StudentToTeacher, double StudentToFine, double TeacherToFine, double FineToFiner,
    double Inherited)
{
    /// <param name="student">Endpoints, all four from the same noises.</param>
    /// <param name="teacher">On the student's grid.</param>
    /// <param name="fine">With many steps.</param>
    /// <param name="finer">With twice as many.</param>
    public static ArtefactShare Of(float[] student, float[] teacher, float[] fine, float[] finer)
    {
        double own = 0, both = 0, theirs = 0;
        for (int i = 0; i < fine.Length; i++)
        {
            double s = (double)student[i] - fine[i], t = (double)teacher[i] - fine[i];
            (own, both, theirs) = (own + s * s, both + s * t, theirs + t * t);
        }
        return new ArtefactShare(Distance(student, teacher), Distance(student, fine), Distance(teacher, fine), Distance(fine, finer),
            own * theirs > 0 ? both * both / (own * theirs) : 0);
    }

    private static double Distance(float[] a, float[] b) => EndpointError.Between(a, b, a.Length).Rmse[0];
}
