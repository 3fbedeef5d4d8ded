using System.Runtime.CompilerServices;
using ILGPU;

// ILGPU emits its launchers into an assembly of this name; they take the argument structs of the kernels.
[assembly: InternalsVisibleTo(Context.RuntimeAssemblyName)]

namespace BDense.Benchmarks.Ladder;

/// <summary>
/// C = A B, row-major: a[M,K], b[K,N], c[M,N]. The ladder is about speed: M is a multiple of 128, N of 64, K of 16, so that no step needs
/// code for edges. The library's own kernels take any extents.
/// </summary>
internal struct GemmShape
{
    public int M, N, K;
}

/// <summary>
/// A 3x3 convolution, stride 1, one zero around the image: y[n,h,w,k] = sum over r, s, c of x[n,h+r-1,w+s-1,c] b[r,s,c,k]. As a matrix
/// product its rows are the pixels, M = N H W, its columns the K channels, and its sum runs over 9 C values, of which A's are never laid
/// out in memory (implicit GEMM). N H W is a multiple of 128, K of 64, C of 16.
/// </summary>
/// <remarks>
/// Weights have output channels innermost (RSCK), which is B of the product: the library's KRSC weights are transposed so for one launch.
/// </remarks>
internal struct ConvShape
{
    public int N, H, W, C, K;
}
