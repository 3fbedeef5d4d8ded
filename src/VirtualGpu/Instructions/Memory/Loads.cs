using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Execution;
using BDense.VirtualGpu.Memory;

namespace BDense.VirtualGpu.Instructions.Memory;

/// <summary>A word of 32 bits.</summary>
/// <typeparam name="T">int or uint, which matters where the register has 64 bits.</typeparam>
internal unsafe readonly struct LoadWord<T> : IMove
    where T : unmanaged, IBinaryInteger<T>
{
    public static AccessKind Kind => AccessKind.Read;

    public static int Bytes(Instruction i) => 4;

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        uint* to = (uint*)(w.Registers + i.D);
        if (i.WideData)
        {
            LoadElements<T>.Move(w, i, lanes, pattern, addresses, toHost);
        }
        else if (lanes != Warp.All)
        {
            for (uint left = lanes; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                to[lane] = *(uint*)(addresses[lane] + toHost);
            }
        }
        else if (pattern == Pattern.Contiguous)
        {
            Unsafe.CopyBlockUnaligned(to, (void*)(addresses[0] + toHost), 4 * Warp.Lanes);
        }
        else if (pattern == Pattern.Uniform)
        {
            new Span<uint>(to, Warp.Lanes).Fill(*(uint*)(addresses[0] + toHost));
        }
        else
        {
            for (int lane = 0; lane < Warp.Lanes; lane++)
                to[lane] = *(uint*)(addresses[lane] + toHost);
        }
    }
}

/// <summary>Two words.</summary>
/// <typeparam name="T">As <see cref="LoadWord{T}"/>.</typeparam>
internal unsafe readonly struct LoadWords2<T> : IMove
    where T : unmanaged, IBinaryInteger<T>
{
    public static AccessKind Kind => AccessKind.Read;

    public static int Bytes(Instruction i) => 8;

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        if (i.WideData)
        {
            LoadElements<T>.Move(w, i, lanes, pattern, addresses, toHost);
            return;
        }
        uint* first = (uint*)(w.Registers + i.Vector[0]), second = (uint*)(w.Registers + i.Vector[1]);
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            ulong both = *(ulong*)(addresses[lane] + toHost);
            first[lane] = (uint)both;
            second[lane] = (uint)(both >> 32);
        }
    }
}

/// <summary>Four words.</summary>
/// <typeparam name="T">As <see cref="LoadWord{T}"/>.</typeparam>
internal unsafe readonly struct LoadWords4<T> : IMove
    where T : unmanaged, IBinaryInteger<T>
{
    public static AccessKind Kind => AccessKind.Read;

    public static int Bytes(Instruction i) => 16;

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        if (i.WideData)
        {
            LoadElements<T>.Move(w, i, lanes, pattern, addresses, toHost);
            return;
        }
        byte* file = w.Registers;
        uint* a = (uint*)(file + i.Vector[0]), b = (uint*)(file + i.Vector[1]), c = (uint*)(file + i.Vector[2]),
            d = (uint*)(file + i.Vector[3]);
        if (lanes != Warp.All)
        {
            for (uint left = lanes; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                var words = Vector128.Load((uint*)(addresses[lane] + toHost));
                (a[lane], b[lane], c[lane], d[lane]) = (words[0], words[1], words[2], words[3]);
            }
            return;
        }
        // Two lanes' words, side by side, become pairs of two lanes' first, second, third and fourth ones.
        var interleave = Vector256.Create(0u, 4, 1, 5, 2, 6, 3, 7);
        for (int lane = 0; lane < Warp.Lanes; lane += 2)
        {
            var words = Vector256.Create(Vector128.Load((uint*)(addresses[lane] + toHost)),
                Vector128.Load((uint*)(addresses[lane + 1] + toHost)));
            var pairs = Vector256.Shuffle(words, interleave).AsUInt64();
            *(ulong*)(a + lane) = pairs[0];
            *(ulong*)(b + lane) = pairs[1];
            *(ulong*)(c + lane) = pairs[2];
            *(ulong*)(d + lane) = pairs[3];
        }
    }
}

/// <summary>A word of 64 bits into a register of 64 bits.</summary>
internal unsafe readonly struct LoadLong : IMove
{
    public static AccessKind Kind => AccessKind.Read;

    public static int Bytes(Instruction i) => 8;

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        ulong* to = (ulong*)(w.Registers + i.D);
        if (pattern == Pattern.Contiguous && lanes == Warp.All)
        {
            Unsafe.CopyBlockUnaligned(to, (void*)(addresses[0] + toHost), 8 * Warp.Lanes);
            return;
        }
        for (uint left = lanes; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            to[lane] = *(ulong*)(addresses[lane] + toHost);
        }
    }
}

/// <summary>Anything else: elements of 1, 2, 4 or 8 bytes, one, two or four of them, into registers at least as wide.</summary>
/// <typeparam name="T">In memory; a signed one is extended by its sign.</typeparam>
internal unsafe readonly struct LoadElements<T> : IMove
    where T : unmanaged, IBinaryInteger<T>
{
    public static AccessKind Kind => AccessKind.Read;

    public static int Bytes(Instruction i) => sizeof(T) * Math.Max(1, i.Vector.Length);

    public static void Move(Warp w, Instruction i, uint lanes, Pattern pattern, ulong* addresses, ulong toHost)
    {
        for (int k = 0; k < Math.Max(1, i.Vector.Length); k++)
        {
            byte* to = w.Registers + (i.Vector.Length == 0 ? i.D : i.Vector[k]);
            for (uint left = lanes; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                var value = ((T*)(addresses[lane] + toHost))[k];
                if (i.WideData)
                    ((ulong*)to)[lane] = ulong.CreateTruncating(value);
                else
                    ((uint*)to)[lane] = uint.CreateTruncating(value);
            }
        }
    }
}
