using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;

namespace BDense.VirtualGpu.Memory;

/// <summary>How a warp's addresses lie to one another; the common ways have faster paths.</summary>
internal enum Pattern
{
    /// <summary>Anyhow.</summary>
    Scattered,

    /// <summary>All 32 lanes run, and each begins where the one before it ends.</summary>
    Contiguous,

    /// <summary>All that run have the same.</summary>
    Uniform,
}

/// <summary>The addresses of a warp's access.</summary>
internal static unsafe class LaneAddresses
{
    private static Vector256<ulong> LaneBits => Vector256.Create(1UL, 2, 4, 8);

    /// <summary>
    /// Computes [register + immediate] of each lane, modulo 2^32 where the register has 32 bits. Lanes that do not run get the address of
    /// the first that does.
    /// </summary>
    /// <param name="w">Whose.</param>
    /// <param name="register">The address's.</param>
    /// <param name="immediate">Added.</param>
    /// <param name="wide">Whether the register has 64 bits.</param>
    /// <param name="mask">Lanes that run, not none.</param>
    /// <param name="bytes">That each accesses.</param>
    /// <param name="to">32 addresses.</param>
    /// <param name="aligned">Whether all are multiples of <paramref name="bytes"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pattern Read(Warp w, int register, long immediate, bool wide, uint mask, int bytes, ulong* to, out bool aligned)
    {
        byte* from = w.Registers + register;
        var add = Vector256.Create((ulong)immediate);
        int lead = BitOperations.TrailingZeroCount(mask);
        ulong first = wide ? ((ulong*)from)[lead] + (ulong)immediate : ((uint*)from)[lead] + (uint)immediate;
        var all = Vector256.Create(wide ? ulong.MaxValue : uint.MaxValue);
        var same = Vector256.Create(first);
        var line = Vector256.Create(first, first + (ulong)bytes, first + 2 * (ulong)bytes, first + 3 * (ulong)bytes);
        var step = Vector256.Create(4 * (ulong)bytes);
        Vector256<ulong> low = same, apart = default, uneven = default;
        for (int quad = 0; quad < 8; quad++)
        {
            var address = wide ? Vector256.Load((ulong*)from + 4 * quad)
                : Vector256.WidenLower(Vector128.Load((uint*)from + 4 * quad).ToVector256());
            address = (address + add) & all;
            if (mask != Warp.All)
            {
                var bits = LaneBits << (4 * quad);
                address = Vector256.ConditionalSelect(Vector256.Equals(bits & Vector256.Create((ulong)mask), bits), address, same);
            }
            address.Store(to + 4 * quad);
            low |= address;
            apart |= address ^ same;
            uneven |= address ^ line;
            line += step;
        }
        aligned = (low & Vector256.Create((ulong)bytes - 1)) == Vector256<ulong>.Zero;
        return apart == Vector256<ulong>.Zero ? Pattern.Uniform : uneven == Vector256<ulong>.Zero && mask == Warp.All ? Pattern.Contiguous
            : Pattern.Scattered;
    }

    /// <summary>Those of some lanes whose accesses lie wholly within [start, start + length).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Within(ulong start, ulong length, ulong* addresses, uint lanes, Pattern pattern, int bytes)
    {
        if (length < (ulong)bytes)
            return 0;
        ulong last = length - (ulong)bytes;
        if (pattern == Pattern.Uniform)
            return addresses[BitOperations.TrailingZeroCount(lanes)] - start <= last ? lanes : 0;
        if (pattern == Pattern.Contiguous && addresses[0] - start <= last && addresses[31] - start <= last)
            return lanes;
        uint within = 0;
        for (int quad = 0; quad < 8; quad++)
        {
            var offset = Vector256.Load(addresses + 4 * quad) - Vector256.Create(start);
            within |= Vector256.LessThanOrEqual(offset, Vector256.Create(last)).ExtractMostSignificantBits() << (4 * quad);
        }
        return within & lanes;
    }
}
