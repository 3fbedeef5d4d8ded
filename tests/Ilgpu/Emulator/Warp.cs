using System.Globalization;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>
/// 32 lanes that run a program in step. A branch that the lanes do not take together throws: the kernels that run here use ldmatrix and
/// mma, which want whole warps.
/// </summary>
internal sealed class Warp(PtxProgram program, DeviceMemory global, SharedMemory shared, byte[][] arguments, int number, int groupSize, int group)
{
    private const int Lanes = 32;

    private readonly Dictionary<int, ulong[]> _registers = [];
    private readonly Queue<List<(int Offset, byte[] Data)>> _groups = new();
    private List<(int Offset, byte[] Data)> _copies = [];
    private int _at;

    /// <summary>Runs to the next barrier (true) or to the end (false).</summary>
    public bool Run()
    {
        while (true)
        {
            var i = program.Code[_at++];
            try
            {
                switch (i.Op[0])
                {
                    case "ret":
                        return false;
                    case "bar" or "barrier":
                        return true;
                    case "bra":
                        Branch(i);
                        break;
                    default:
                        Execute(i);
                        break;
                }
            }
            catch (InvalidOperationException e) when (!e.Message.Contains(" in ", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"warp {number} of group {group} in '{i.Text}': {e.Message}", e);
            }
        }
    }

    private void Branch(PtxInstruction i)
    {
        int taken = Enumerable.Range(0, Lanes).Count(lane => Enabled(i, lane));
        if (taken is not (0 or Lanes))
            throw new InvalidOperationException($"{taken} of 32 lanes branch");
        if (taken > 0)
            _at = program.Labels[i.Operands[0]];
    }

    private bool Enabled(PtxInstruction i, int lane) => i.Predicate is null || (Get(i.Predicate, lane) != 0) != i.Negated;

    private ulong[] Register(string name)
    {
        int key = program.Register(name);
        if (!_registers.TryGetValue(key, out var lanes))
            _registers.Add(key, lanes = new ulong[Lanes]);
        return lanes;
    }

    private ulong Get(string operand, int lane)
    {
        char first = operand[0];
        if (char.IsDigit(first) || first == '-')
        {
            if (operand.StartsWith("0f", StringComparison.OrdinalIgnoreCase))
                return uint.Parse(operand.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            return operand.StartsWith("0x", StringComparison.Ordinal) ? ulong.Parse(operand.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                : (ulong)long.Parse(operand, CultureInfo.InvariantCulture);
        }
        return operand switch
        {
            "%tid.x" => (ulong)(number * Lanes + lane),
            "%ctaid.x" => (ulong)group,
            "%ntid.x" => (ulong)groupSize,
            "%dynamic_smem_size" => (ulong)program.Shared.Bytes,
            _ when operand == program.Shared.Name => (ulong)program.Shared.Start,
            _ => Register(operand)[lane],
        };
    }

    private void Execute(PtxInstruction i)
    {
        switch (string.Join('.', i.Op.Take(2)))
        {
            case "cp.async":
                CopyAsync(i);
                return;
            case "shfl.sync":
                Shuffle(i);
                return;
            case "ldmatrix.sync":
                LoadMatrix(i);
                return;
            case "ld.shared":
                LoadShared(i);
                return;
            case "st.shared":
                StoreShared(i);
                return;
            case "ld.global" when i.Op[2] is "v2" or "v4":
                LoadVector(i);
                return;
            case "mma.sync":
                Matrix.Multiply(i.Op.Contains("bf16"), Vector(i.Operands[1]), Vector(i.Operands[2]), Vector(i.Operands[3]));
                if (i.Operands[3] != i.Operands[0])
                    throw new NotSupportedException("mma into other registers");
                return;
        }
        for (int lane = 0; lane < Lanes; lane++)
        {
            if (!Enabled(i, lane))
                continue;
            if (i.Op[0] == "st")
                Store(i, lane);
            else
                Register(i.Operands[0])[lane] = Scalar.Evaluate(i, lane, Get, Load);
        }
    }

    private ulong Load(PtxInstruction i, int lane)
    {
        int bytes = i.Op[^1].EndsWith("64", StringComparison.Ordinal) ? 8 : 4;
        var (name, offset) = Address(i.Operands[1]);
        if (i.Op[1] != "param")
            return global.Load((long)Get(name, lane) + offset, bytes);
        var argument = arguments[program.Parameters.FindIndex(p => p.Name == name)];
        return bytes == 8 ? BitConverter.ToUInt64(argument, offset) : BitConverter.ToUInt32(argument, offset);
    }

    private void Store(PtxInstruction i, int lane)
    {
        var (name, offset) = Address(i.Operands[0]);
        var values = Vector(i.Operands[1]);
        for (int k = 0; k < values.Length; k++)
            global.Store((long)Get(name, lane) + offset + 4 * k, (uint)values[k][lane], k == 0 ? 4 * values.Length : 4);
    }

    private void CopyAsync(PtxInstruction i)
    {
        if (i.Op[2].StartsWith("commit", StringComparison.Ordinal))
        {
            _groups.Enqueue(_copies);
            _copies = [];
            return;
        }
        if (i.Op[2].StartsWith("wait", StringComparison.Ordinal))
        {
            int left = int.Parse(i.Operands[0], CultureInfo.InvariantCulture);
            while (_groups.Count > left)
            {
                foreach (var (offset, data) in _groups.Dequeue())
                    shared.Arrive(offset, data);
            }
            return;
        }
        Span<int> offsets = stackalloc int[Lanes];
        for (int lane = 0; lane < Lanes; lane++)
        {
            var (to, toOffset) = Address(i.Operands[0]);
            var (from, fromOffset) = Address(i.Operands[1]);
            int bytes = (int)Get(i.Operands[3], lane);
            var data = new byte[16];
            long address = (long)Get(from, lane) + fromOffset;
            if (address % 16 != 0)
                throw new InvalidOperationException($"copy from {address:x}: not aligned");
            if (bytes > 0)
                global.At(address, 16)[..bytes].CopyTo(data);
            offsets[lane] = (int)(uint)Get(to, lane) + toOffset;
            shared.Begin(offsets[lane], number);
            _copies.Add((offsets[lane], data));
        }
        for (int first = 0; first < Lanes; first += 8)
            shared.CountConflicts(offsets.Slice(first, 8));
    }

    /// <summary>ldmatrix .x4: lane l names row l mod 8 of matrix l / 8; afterwards lane l holds word l mod 4 of row l / 4 of each, or (.trans) of its transpose.</summary>
    private void LoadMatrix(PtxInstruction i)
    {
        var to = Vector(i.Operands[0]);
        var (name, offset) = Address(i.Operands[1]);
        Span<int> rows = stackalloc int[8];
        for (int m = 0; m < 4; m++)
        {
            for (int row = 0; row < 8; row++)
            {
                rows[row] = (int)(uint)Get(name, m * 8 + row) + offset;
                var bytes = shared.Read(rows[row], number);
                for (int value = 0; value < 8; value++)
                {
                    // Two values of 16 bits a register; transposed, the value of row r and column c is that of row c and column r.
                    var (r, c) = i.Op.Contains("trans") ? (value, row) : (row, value);
                    int lane = r * 4 + c / 2, shift = c % 2 * 16;
                    ulong bits = (ulong)BitConverter.ToUInt16(bytes[(2 * value)..]) << shift;
                    to[m][lane] = to[m][lane] & ~(0xFFFFul << shift) & 0xFFFFFFFF | bits;
                }
            }
            shared.CountConflicts(rows);
        }
    }

    /// <summary>One word a lane, where words of one bank that differ cost a cycle each; or ld.shared.v4, 16 bytes each, eight lanes at once.</summary>
    private void LoadShared(PtxInstruction i)
    {
        var to = Vector(i.Operands[0]);
        if (i.Predicate is not null || to.Length is not (1 or 4))
            throw new NotSupportedException($"'{i.Text}' is not among the loads that the emulator knows");
        var (name, offset) = Address(i.Operands[1]);
        Span<int> offsets = stackalloc int[Lanes];
        for (int lane = 0; lane < Lanes; lane++)
        {
            offsets[lane] = (int)(uint)Get(name, lane) + offset;
            if (offsets[lane] % (4 * to.Length) != 0)
                throw new InvalidOperationException($"{4 * to.Length} bytes at shared address {offsets[lane]}: not aligned");
            var bytes = shared.Read(offsets[lane] & ~15, number)[(offsets[lane] & 15)..];
            for (int word = 0; word < to.Length; word++)
                to[word][lane] = BitConverter.ToUInt32(bytes[(4 * word)..]);
        }
        if (to.Length == 1)
        {
            shared.CountWordConflicts(offsets);
            return;
        }
        for (int first = 0; first < Lanes; first += 8)
            shared.CountConflicts(offsets.Slice(first, 8));
    }

    /// <summary>Four words a lane, from its registers: there at once for its own warp.</summary>
    private void StoreShared(PtxInstruction i)
    {
        var (name, offset) = Address(i.Operands[0]);
        var from = Vector(i.Operands[1]);
        if (from.Length != 4)
            throw new NotSupportedException($"'{i.Text}': four words a lane");
        Span<int> offsets = stackalloc int[Lanes];
        Span<byte> data = stackalloc byte[16];
        for (int lane = 0; lane < Lanes; lane++)
        {
            for (int k = 0; k < 4; k++)
                BitConverter.TryWriteBytes(data[(4 * k)..], (uint)from[k][lane]);
            offsets[lane] = (int)(uint)Get(name, lane) + offset;
            shared.Begin(offsets[lane], number);
            shared.Arrive(offsets[lane], data);
        }
        for (int first = 0; first < Lanes; first += 8)
            shared.CountConflicts(offsets.Slice(first, 8));
    }

    /// <summary>shfl.sync.bfly of the whole warp: each lane gets the value of the lane whose number differs by the mask.</summary>
    private void Shuffle(PtxInstruction i)
    {
        if (i.Op[2] != "bfly" || i.Predicate is not null || Get(i.Operands[3], 0) != 31 || (uint)Get(i.Operands[4], 0) != uint.MaxValue)
            throw new NotSupportedException($"'{i.Text}' is not among the shuffles that the emulator knows");
        ulong[] from = [.. Enumerable.Range(0, Lanes).Select(lane => Get(i.Operands[1], lane))], to = Register(i.Operands[0]);
        for (int lane = 0; lane < Lanes; lane++)
            to[lane] = from[lane ^ (int)Get(i.Operands[2], lane)];
    }

    private void LoadVector(PtxInstruction i)
    {
        var to = Vector(i.Operands[0]);
        var (name, offset) = Address(i.Operands[1]);
        for (int lane = 0; lane < Lanes; lane++)
        {
            if (!Enabled(i, lane))
                continue;
            var bytes = global.At((long)Get(name, lane) + offset, 4 * to.Length);
            for (int k = 0; k < to.Length; k++)
                to[k][lane] = BitConverter.ToUInt32(bytes[(4 * k)..]);
        }
    }

    private ulong[][] Vector(string operand) => [.. operand.Trim('{', '}').Split(',').Select(name => Register(name.Trim()))];

    /// <summary>[name+offset]</summary>
    private static (string Name, int Offset) Address(string operand)
    {
        string inner = operand.Trim('[', ']').Trim();
        int plus = inner.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 ? (inner, 0) : (inner[..plus].Trim(), int.Parse(inner.AsSpan(plus + 1), CultureInfo.InvariantCulture));
    }
}
