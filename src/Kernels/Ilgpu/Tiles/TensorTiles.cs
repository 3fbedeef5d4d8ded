using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>Eight warps, the most reuse of what is loaded: 72 KiB of dynamic shared memory.</summary>
internal readonly struct Tile128x256 : ITensorTile
{
    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 256; }

    public static int Threads { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 256; }

    public static int Stages { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 3; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare()
    {
        // A use that never runs, so that the compiler declares the array: aligned as its elements are, to the 16 bytes that cp.async and
        // ldmatrix want.
        var shared = SharedMemory.GetDynamic<Float4>();
        if (shared.IntLength == 0)
            CudaAsm.Emit("mov.b32 at, %0;", shared[0].X);
        CudaAsm.Emit("mov.u32 base, __dyn_shared_alloca;");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 1;");
}

/// <summary>Eight warps, three stages in 48 KiB: two groups a multiprocessor.</summary>
internal readonly struct Tile128x128 : ITensorTile
{
    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Threads { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 256; }

    public static int Stages { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 3; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => CudaAsm.Emit(".shared .align 128 .b8 tiles[49152]; mov.u32 base, tiles;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 1;");
}

/// <summary>The same by four warps of 64 x 64, which read a fragment for twice as many products as those of 64 x 32.</summary>
internal readonly struct Tile128x128x4 : ITensorTile
{
    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Threads { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Stages { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 3; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => CudaAsm.Emit(".shared .align 128 .b8 tiles[49152]; mov.u32 base, tiles;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 1;");
}

/// <summary>Four warps, four stages in 48 KiB.</summary>
internal readonly struct Tile128x64 : ITensorTile
{
    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 64; }

    public static int Threads { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Stages { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 4; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => CudaAsm.Emit(".shared .align 128 .b8 tiles[49152]; mov.u32 base, tiles;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}

/// <summary>As <see cref="Tile128x64"/> on its side: for results of few rows.</summary>
internal readonly struct Tile64x128 : ITensorTile
{
    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 64; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Threads { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Stages { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 4; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => CudaAsm.Emit(".shared .align 128 .b8 tiles[49152]; mov.u32 base, tiles;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}

/// <summary>Four warps of 32 x 32, four stages in 32 KiB: for results too small to fill the device with larger ones.</summary>
internal readonly struct Tile64x64 : ITensorTile
{
    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 64; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 64; }

    public static int Threads { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Stages { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 4; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => CudaAsm.Emit(".shared .align 128 .b8 tiles[32768]; mov.u32 base, tiles;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}

/// <summary>Four warps of 32 x 32 below each other, four stages in 40 KiB: for few channels, such as an image's.</summary>
internal readonly struct Tile128x32 : ITensorTile
{
    public static int Rows { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Columns { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 32; }

    public static int Threads { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 128; }

    public static int Stages { [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 4; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Declare() => CudaAsm.Emit(".shared .align 128 .b8 tiles[40960]; mov.u32 base, tiles;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}
