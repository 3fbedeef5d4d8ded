namespace BDense.Kernels.Ptx;

/// <summary>A type of register. The tag of <see cref="Value{T}"/>: nothing is ever made of it.</summary>
internal interface IPtxType
{
    /// <summary>As instructions name it: <c>s32</c>.</summary>
    static abstract string Suffix { get; }

    /// <summary>As registers are declared: <c>b32</c>.</summary>
    static abstract string Declared { get; }

    /// <summary>What registers' names begin with, without the percent sign.</summary>
    static abstract string Letter { get; }

    /// <summary>In memory; 0 for a predicate, which is never there.</summary>
    static abstract int Bytes { get; }
}

/// <summary>A whole number of 32 bits: indices, shared addresses.</summary>
internal readonly struct S32 : IPtxType
{
    public static string Suffix => "s32";

    public static string Declared => "b32";

    public static string Letter => "r";

    public static int Bytes => 4;
}

/// <summary>The same without a sign; its quotients by powers of two are shifts.</summary>
internal readonly struct U32 : IPtxType
{
    public static string Suffix => "u32";

    public static string Declared => "b32";

    public static string Letter => "r";

    public static int Bytes => 4;
}

/// <summary>Bits that only instructions of matrices look at: one TF32, two BF16.</summary>
internal readonly struct B32 : IPtxType
{
    public static string Suffix => "b32";

    public static string Declared => "b32";

    public static string Letter => "r";

    public static int Bytes => 4;
}

/// <summary>An address, or a whole number of 64 bits.</summary>
internal readonly struct S64 : IPtxType
{
    public static string Suffix => "s64";

    public static string Declared => "b64";

    public static string Letter => "d";

    public static int Bytes => 8;
}

/// <summary>float</summary>
internal readonly struct F32 : IPtxType
{
    public static string Suffix => "f32";

    public static string Declared => "f32";

    public static string Letter => "f";

    public static int Bytes => 4;
}

/// <summary>True or false, a lane.</summary>
internal readonly struct Predicate : IPtxType
{
    public static string Suffix => "pred";

    public static string Declared => "pred";

    public static string Letter => "p";

    public static int Bytes => 0;
}
