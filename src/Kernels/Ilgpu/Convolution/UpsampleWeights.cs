using ILGPU;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    private protected override void UpsampleWeightsCore(Tensor w, Tensor large) =>
        Launch(UpsampleWeightsKernel, large.Length, View(w), w.Shape[0], w.Shape[3], View(large));

    private protected override void UpsampleWeightsBackwardCore(Tensor dlarge, Tensor dw) =>
        Launch(UpsampleWeightsBackwardKernel, dw.Length, View(dlarge), dw.Shape[0], dw.Shape[3], View(dw));

    /// <summary>
    /// large[c,u,v,k] = sum of w[k,r,s,c] over r = 2-u, 3-u and s = 2-v, 3-v within 0..2. One thread an element; up to 16 bytes read, 4
    /// written.
    /// </summary>
    [Kernel]
    internal static void UpsampleWeightsKernel(Index1D i, ArrayView<float> w, int outputs, int channels, ArrayView<float> large)
    {
        int rest = i / outputs;
        int k = i - rest * outputs;
        int c = rest / 16;
        int u = (rest - c * 16) / 4;
        int v = rest % 4;
        float sum = 0f;
        for (int r = 2 - u; r <= 3 - u; r++)
        {
            for (int s = 2 - v; s <= 3 - v; s++)
            {
                if (r >= 0 && r < 3 && s >= 0 && s < 3)
                    sum += w[((k * 3 + r) * 3 + s) * channels + c];
            }
        }
        large[i] = sum;
    }

    /// <summary>
    /// dw[k,r,s,c] += the four dlarge[c,u,v,k] with u = 2-r, 3-r and v = 2-s, 3-s. One thread an element; 20 bytes read, 4 written.
    /// </summary>
    [Kernel]
    internal static void UpsampleWeightsBackwardKernel(Index1D i, ArrayView<float> dlarge, int outputs, int channels, ArrayView<float> dw)
    {
        int rest = i / channels;
        int c = i - rest * channels;
        int k = rest / 9;
        int r = (rest - k * 9) / 3;
        int s = rest % 3;
        int at = ((c * 4 + 2 - r) * 4 + 2 - s) * outputs + k;
        int row = 4 * outputs;
        dw[i] += dlarge[at] + dlarge[at + outputs] + (dlarge[at + row] + dlarge[at + row + outputs]);
    }
}
