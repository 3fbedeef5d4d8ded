using System.Numerics;

namespace BDense.VirtualGpu.Counts;

/// <summary>
/// Cycles that shared memory takes for a warp's request. It has 32 banks of 4 bytes: word w lies in bank w mod 32, and a bank gives one
/// word a cycle, to any number of lanes. Accesses of 8 bytes are served for 16 lanes at a time, those of 16 bytes for 8 lanes
/// (CUDA C++ programming guide, shared memory of compute capability 5.x and later; vectors: by measurement, Jia et al. 2018, arXiv
/// 1804.06826).
/// </summary>
internal sealed unsafe class BankConflicts
{
    private const int Banks = 32, WordBytes = 4;

    /// <summary>Words of a group of lanes by bank; a bank can have no more than there are lanes.</summary>
    private readonly ulong[] _words = new ulong[Banks * Execution.Warp.Lanes];
    private readonly int[] _counts = new int[Banks];

    /// <summary>Wavefronts, and what they would be without conflicts.</summary>
    public (int Wavefronts, int Ideal) Request(uint lanes, ulong* addresses, int bytes)
    {
        int together = bytes <= WordBytes ? 32 : bytes == 8 ? 16 : 8, wavefronts = 0, ideal = 0;
        for (int first = 0; first < Execution.Warp.Lanes; first += together)
        {
            uint group = (uint)(((1UL << together) - 1) << first) & lanes;
            if (group == 0)
                continue;
            ideal++;
            wavefronts += Cycles(group, addresses, Math.Max(1, bytes / WordBytes));
        }
        return (wavefronts, ideal);
    }

    /// <summary>The most different words that one bank has to give.</summary>
    private int Cycles(uint group, ulong* addresses, int words)
    {
        Array.Clear(_counts);
        int most = 1;
        for (uint rest = group; rest != 0; rest &= rest - 1)
        {
            ulong first = addresses[BitOperations.TrailingZeroCount(rest)] / WordBytes;
            for (ulong word = first; word < first + (uint)words; word++)
            {
                int bank = (int)(word % Banks), count = _counts[bank];
                if (count > 0 && Array.IndexOf(_words, word, bank * Execution.Warp.Lanes, count) >= 0)
                    continue;
                _words[bank * Execution.Warp.Lanes + count] = word;
                _counts[bank] = count + 1;
                most = Math.Max(most, count + 1);
            }
        }
        return most;
    }
}
