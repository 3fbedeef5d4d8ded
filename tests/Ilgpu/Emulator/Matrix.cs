namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>mma.sync of a warp, with the fragment layouts of the PTX ISA (chapter "Matrix Fragments for mma.m16n8k8" and "m16n8k16").</summary>
internal static class Matrix
{
    /// <summary>D = A B + C. Registers of all lanes: a[4], b[2], c[4] at [register][lane].</summary>
    public static void Multiply(bool bf16, ulong[][] a, ulong[][] b, ulong[][] c)
    {
        int depth = bf16 ? 16 : 8;
        var left = new float[16, depth];
        var right = new float[depth, 8];
        for (int lane = 0; lane < 32; lane++)
        {
            int group = lane >> 2, inGroup = lane & 3;
            for (int i = 0; i < 4; i++)
            {
                int row = group + (i & 1) * 8;
                if (bf16)
                {
                    left[row, inGroup * 2 + (i >> 1) * 8] = Half((uint)a[i][lane]);
                    left[row, inGroup * 2 + 1 + (i >> 1) * 8] = Half((uint)a[i][lane] >> 16);
                }
                else
                {
                    left[row, inGroup + (i >> 1) * 4] = Tf32((uint)a[i][lane]);
                }
            }
            for (int i = 0; i < 2; i++)
            {
                if (bf16)
                {
                    right[inGroup * 2 + i * 8, group] = Half((uint)b[i][lane]);
                    right[inGroup * 2 + 1 + i * 8, group] = Half((uint)b[i][lane] >> 16);
                }
                else
                {
                    right[inGroup + i * 4, group] = Tf32((uint)b[i][lane]);
                }
            }
        }
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                int row = (lane >> 2) + (i >> 1) * 8, column = (lane & 3) * 2 + (i & 1);
                double sum = BitConverter.UInt32BitsToSingle((uint)c[i][lane]);
                for (int k = 0; k < depth; k++)
                    sum += (double)left[row, k] * right[k, column];
                c[i][lane] = BitConverter.SingleToUInt32Bits((float)sum);
            }
        }
    }

    private static float Half(uint bits) => BitConverter.UInt32BitsToSingle((bits & 0xFFFF) << 16);

    /// <summary>The tensor core does not see the lower 13 bits.</summary>
    private static float Tf32(uint bits) => BitConverter.UInt32BitsToSingle(bits & 0xFFFFE000);
}
