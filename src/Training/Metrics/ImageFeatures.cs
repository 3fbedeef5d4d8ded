namespace BDense.Training.Metrics;

/// <summary>A map from an image to the feature vector that distances between sets of images are taken over.</summary>
public interface IImageFeatures : IDisposable
{
    /// <summary>What computes them, precisely enough that two sets of statistics of equal names compare.</summary>
    string Name { get; }

    /// <summary>What the Fréchet distance over these features is called.</summary>
    string DistanceName { get; }

    /// <summary>Length of a feature vector.</summary>
    int Dimension { get; }

    /// <summary>Features [N, Dimension] of images [N,H,W,C] with values in [-1, 1], on the host.</summary>
    float[] Compute(ReadOnlySpan<float> images, int height, int width, int channels);
}
