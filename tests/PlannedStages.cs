using BDense.Experiments;
using NUnit.Framework;

namespace BDense.Tests;

/// <summary>
/// Shows nothing, and holds an experiment to its word: each stage was announced, they come in the announced order, and report no more than
/// their total.
/// </summary>
internal sealed class PlannedStages : IStages
{
    private List<string> _ahead = [];

    public void Whole(IEnumerable<PlannedStage> stages)
    {
        var all = stages.ToList();
        Assert.That(all, Has.All.Matches<PlannedStage>(s => s!.Work >= 0 && double.IsFinite(s.Work)));
        Assert.That(all.Select(s => s.Name), Is.Unique);
        _ahead = [.. all.Select(s => s.Name)];
    }

    public T Stage<T>(string name, int total, Func<Action<int, string>, T> stage, string unit = "images")
    {
        Assert.That(_ahead, Does.Contain(name), "a stage that was not announced, or not in this place");
        _ahead.RemoveRange(0, _ahead.IndexOf(name) + 1);
        int last = 0;
        return stage((step, _) =>
        {
            Assert.That(step, Is.InRange(last, total), name);
            last = step;
        });
    }
}
