using ILGPU.Runtime.Cuda;

namespace BDense.Kernels.Ilgpu.Tiles;

/// <summary>Eight warps, the most reuse of what is loaded: 72 KiB of dynamic shared memory.</summary>
internal readonly struct Tile128x256 : ITensorTile
{
    public static int Rows => 128;

    public static int Columns => 256;

    public static int Threads => 256;

    public static int Stages => 3;

    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 1;");
}

/// <summary>Eight warps, three stages in 48 KiB: two groups a multiprocessor.</summary>
internal readonly struct Tile128x128 : ITensorTile
{
    public static int Rows => 128;

    public static int Columns => 128;

    public static int Threads => 256;

    public static int Stages => 3;

    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 1;");
}

/// <summary>The same by four warps of 64 x 64, which read a fragment for twice as many products as those of 64 x 32.</summary>
internal readonly struct Tile128x128x4 : ITensorTile
{
    public static int Rows => 128;

    public static int Columns => 128;

    public static int Threads => 128;

    public static int Stages => 3;

    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 1;");
}

/// <summary>Four warps, four stages in 48 KiB.</summary>
internal readonly struct Tile128x64 : ITensorTile
{
    public static int Rows => 128;

    public static int Columns => 64;

    public static int Threads => 128;

    public static int Stages => 4;

    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}

/// <summary>As <see cref="Tile128x64"/> on its side: for results of few rows.</summary>
internal readonly struct Tile64x128 : ITensorTile
{
    public static int Rows => 64;

    public static int Columns => 128;

    public static int Threads => 128;

    public static int Stages => 4;

    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}

/// <summary>Four warps of 32 x 32, four stages in 32 KiB: for results too small to fill the device with larger ones.</summary>
internal readonly struct Tile64x64 : ITensorTile
{
    public static int Rows => 64;

    public static int Columns => 64;

    public static int Threads => 128;

    public static int Stages => 4;

    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}

/// <summary>Four warps of 32 x 32 below each other, four stages in 40 KiB: for few channels, such as an image's.</summary>
internal readonly struct Tile128x32 : ITensorTile
{
    public static int Rows => 128;

    public static int Columns => 32;

    public static int Threads => 128;

    public static int Stages => 4;

    public static void Wait() => CudaAsm.Emit("cp.async.wait_group 2;");
}
