namespace BDense.Training;

/// <summary>Shows the stages of a long experiment; the command line draws bars, a test draws nothing.</summary>
public interface IStages
{
    /// <summary>Runs a stage of <paramref name="total"/> steps, which reports how many are done, and a status.</summary>
    T Stage<T>(string name, int total, Func<Action<int, string>, T> stage);
}
