namespace BDense.Kernels.Reference;

// Types that stand for a value known at compile time: each has its own machine code, with the branches on it gone.

/// <summary>A count.</summary>
internal interface ICount
{
    static abstract int Value { get; }
}

internal readonly struct One : ICount { public static int Value => 1; }
internal readonly struct Two : ICount { public static int Value => 2; }
internal readonly struct Three : ICount { public static int Value => 3; }
internal readonly struct Four : ICount { public static int Value => 4; }
internal readonly struct Five : ICount { public static int Value => 5; }
internal readonly struct Six : ICount { public static int Value => 6; }
internal readonly struct Seven : ICount { public static int Value => 7; }
internal readonly struct Eight : ICount { public static int Value => 8; }

/// <summary>With something or without.</summary>
internal interface ISwitch
{
    static abstract bool On { get; }
}

internal readonly struct With : ISwitch { public static bool On => true; }
internal readonly struct Without : ISwitch { public static bool On => false; }
