using System.Globalization;

namespace BDense.Tests.Ilgpu.Emulator;

/// <summary>
/// 32 lanes that run a program, in step while they can. Where they part, those go first that are furthest behind in the text, and all go on
/// together where the paths meet: compilers lay code out so that this is soon. Instructions for whole warps (ldmatrix, mma, cp.async as
/// the kernels use it) forbid it: there a branch that the lanes do not take together throws.
/// </summary>
internal sealed class Warp(PtxProgram program, DeviceMemory global, SharedMemory shared, byte[][] arguments, int number, int groupSize, int group)
{
    private const int Lanes = 32;
    private const uint All = uint.MaxValue;

    private readonly Dictionary<int, ulong[]> _registers = [];
    private readonly Queue<List<(int Offset, byte[] Data)>> _groups = new();
    private readonly bool _mayPart = !program.NeedsWholeWarps;
    private readonly int[] _laneAt = new int[Lanes];
    private List<(int Offset, byte[] Data)> _copies = [];

    /// <summary>Where all lanes are, while they are together.</summary>
    private int _at;

    /// <summary>Lanes that execute the instruction; those at a barrier; those that have ended.</summary>
    private uint _active = All, _waiting, _ended;

    private bool _together = true;

    /// <summary>Runs to the next barrier (true) or to the end (false).</summary>
    public bool Run()
    {
        while (true)
        {
            if (!_together && !Pick())
                return Meet();
            var i = program.Code[_at++];
            if (!_together)
                ForEach(_active, lane => _laneAt[lane] = _at);
            try
            {
                switch (i.Op[0])
                {
                    case "ret" when _together:
                        return false;
                    case "ret":
                        _ended |= _active;
                        break;
                    case "bar" or "barrier" when _together:
                        return true;
                    case "bar" or "barrier":
                        _waiting |= _active;
                        break;
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

    /// <summary>The lanes that are furthest behind, of those that can go on; none if there are none.</summary>
    private bool Pick()
    {
        uint able = ~(_waiting | _ended);
        if (able == 0)
            return false;
        _at = int.MaxValue;
        ForEach(able, lane => _at = Math.Min(_at, _laneAt[lane]));
        _active = 0;
        ForEach(able, lane => _active |= _laneAt[lane] == _at ? 1u << lane : 0);
        _together = _active == All;
        return true;
    }

    /// <summary>All wait or have ended: whether there is a barrier to pass.</summary>
    private bool Meet()
    {
        if (_waiting == 0)
            return false;
        if (_waiting != All || _laneAt.Distinct().Count() > 1)
            throw new InvalidOperationException($"warp {number} of group {group}: lanes wait at different barriers, or some have ended");
        (_together, _active, _waiting, _at) = (true, All, 0, _laneAt[0]);
        return true;
    }

    private static void ForEach(uint lanes, Action<int> act)
    {
        for (int lane = 0; lane < Lanes; lane++)
        {
            if ((lanes >> lane & 1) != 0)
                act(lane);
        }
    }

    private void Branch(PtxInstruction i)
    {
        uint taken = 0;
        for (int lane = 0; lane < Lanes; lane++)
            taken |= Enabled(i, lane) ? 1u << lane : 0;
        // What the manual leaves undefined.
        if (taken != 0 && taken != _active && i.Op.Contains("uni"))
            throw new InvalidOperationException($"{System.Numerics.BitOperations.PopCount(taken)} of {System.Numerics.BitOperations.PopCount(_active)} lanes take a branch that is said to be uniform");
        int target = program.Labels[i.Operands[0]];
        if (_together && taken is 0 or All)
        {
            _at = taken == 0 ? _at : target;
            return;
        }
        if (!_mayPart)
            throw new InvalidOperationException($"{System.Numerics.BitOperations.PopCount(taken)} of 32 lanes branch");
        if (_together)
            Array.Fill(_laneAt, _at);
        ForEach(taken, lane => _laneAt[lane] = target);
        _together = false;
    }

    private bool Enabled(PtxInstruction i, int lane) => (_active >> lane & 1) != 0 && (i.Predicate is null || (Get(i.Predicate, lane) != 0) != i.Negated);

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
            "%dynamic_smem_size" => (ulong)program.DynamicShared,
            _ => program.Shared.TryGetValue(operand, out var array) ? (ulong)array.Start : Register(operand)[lane],
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
        i.IsReached = true;
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
            shared.Begin(offsets[lane], 16, number);
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
                var bytes = shared.Read(rows[row], 16, number);
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

    /// <summary>One, two or four words a lane.</summary>
    private void LoadShared(PtxInstruction i)
    {
        var to = Vector(i.Operands[0]);
        var (name, offset) = Address(i.Operands[1]);
        var offsets = new List<int>(Lanes);
        for (int lane = 0; lane < Lanes; lane++)
        {
            if (!Enabled(i, lane))
                continue;
            int at = (int)(uint)Get(name, lane) + offset;
            var bytes = shared.Read(at, 4 * to.Length, number);
            for (int word = 0; word < to.Length; word++)
                to[word][lane] = BitConverter.ToUInt32(bytes[(4 * word)..]);
            offsets.Add(at);
        }
        CountConflicts(offsets, to.Length);
    }

    /// <summary>One, two or four words a lane, from its registers: there at once for its own warp.</summary>
    private void StoreShared(PtxInstruction i)
    {
        var (name, offset) = Address(i.Operands[0]);
        var from = Vector(i.Operands[1]);
        var offsets = new List<int>(Lanes);
        Span<byte> data = stackalloc byte[4 * from.Length];
        for (int lane = 0; lane < Lanes; lane++)
        {
            if (!Enabled(i, lane))
                continue;
            for (int k = 0; k < from.Length; k++)
                BitConverter.TryWriteBytes(data[(4 * k)..], (uint)from[k][lane]);
            int at = (int)(uint)Get(name, lane) + offset;
            shared.Begin(at, data.Length, number);
            shared.Arrive(at, data);
            offsets.Add(at);
        }
        CountConflicts(offsets, from.Length);
    }

    /// <summary>Words: all lanes at once, a cycle for each that differ in a bank; 16 bytes each: eight lanes at once.</summary>
    private void CountConflicts(List<int> offsets, int words)
    {
        if (words == 1)
        {
            shared.CountWordConflicts(offsets.ToArray());
            return;
        }
        foreach (int[] eight in words == 4 ? offsets.Chunk(8) : [])
            shared.CountConflicts(eight);
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
