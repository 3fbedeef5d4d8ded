using System.Buffers.Binary;
using System.Text;
using BDense.Kernels;

namespace BDense.Training.Data;

/// <summary>
/// Python's pickle, as much of protocol 2 as CIFAR-10's files are written in. A pickle is a program that may name and call
/// whatever Python has; this reader knows text, whole numbers, lists, tuples, dictionaries and NumPy's uint8 arrays, calls
/// nothing, and refuses every other instruction by its name. What it makes is no larger than the file.
/// </summary>
/// <remarks>
/// Values: ReadOnlyMemory&lt;byte&gt; (text, a part of the file), long, bool, null, List, object?[] (tuple), Dictionary by text,
/// <see cref="PickledArray"/>.
/// </remarks>
internal sealed class Pickle
{
    // A tuple's or list's start on the stack.
    private static readonly object Mark = new();

    private static readonly Dictionary<byte, string> Refused = new()
    {
        [(byte)'0'] = "POP",
        [(byte)'1'] = "POP_MARK",
        [(byte)'2'] = "DUP",
        [(byte)'F'] = "FLOAT",
        [(byte)'G'] = "BINFLOAT",
        [(byte)'I'] = "INT",
        [(byte)'L'] = "LONG",
        [(byte)'P'] = "PERSID",
        [(byte)'Q'] = "BINPERSID",
        [(byte)'S'] = "STRING",
        [(byte)'V'] = "UNICODE",
        [(byte)'X'] = "BINUNICODE",
        [(byte)'B'] = "BINBYTES",
        [(byte)'C'] = "SHORT_BINBYTES",
        [(byte)'a'] = "APPEND",
        [(byte)'s'] = "SETITEM",
        [(byte)'d'] = "DICT",
        [(byte)'l'] = "LIST",
        [(byte)')'] = "EMPTY_TUPLE",
        [(byte)'g'] = "GET",
        [(byte)'p'] = "PUT",
        [(byte)'i'] = "INST",
        [(byte)'o'] = "OBJ",
        [0x81] = "NEWOBJ",
        [0x82] = "EXT1",
        [0x83] = "EXT2",
        [0x84] = "EXT4",
        [0x88] = "NEWTRUE",
        [0x8a] = "LONG1",
        [0x8b] = "LONG4",
        [0x8c] = "SHORT_BINUNICODE",
        [0x8d] = "BINUNICODE8",
        [0x8e] = "BINBYTES8",
        [0x8f] = "EMPTY_SET",
        [0x90] = "ADDITEMS",
        [0x91] = "FROZENSET",
        [0x92] = "NEWOBJ_EX",
        [0x93] = "STACK_GLOBAL",
        [0x94] = "MEMOIZE",
        [0x95] = "FRAME",
        [0x96] = "BYTEARRAY8",
        [0x97] = "NEXT_BUFFER",
        [0x98] = "READONLY_BUFFER",
    };

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly Stack<object?> _stack = new();
    private readonly Dictionary<uint, object?> _memo = [];
    private int _position;

    private Pickle(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    /// <summary>Whether bytes start as a binary pickle (a row of CIFAR-10's binary form starts with a label below 10).</summary>
    public static bool LooksLike(ReadOnlySpan<byte> start) => start.Length > 0 && start[0] == 0x80;

    /// <summary>The one value that the file holds.</summary>
    /// <exception cref="BDenseException">Not protocol 2, cut short, damaged, or an instruction that is not read.</exception>
    public static object? Read(string label, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < 2 || bytes.Span[0] != 0x80 || bytes.Span[1] != 2)
            throw new BDenseException($"{label}: not a pickle of protocol 2, as CIFAR-10's python files are");
        var pickle = new Pickle(bytes[2..]);
        int start = 0;
        try
        {
            while (true)
            {
                start = pickle._position;
                if (pickle.Step())
                    break;
            }
            object? value = pickle.Pop();
            return pickle._stack.Count == 0 && pickle._position == pickle._bytes.Length ? value
                : throw new BDenseException("there is more after the pickle's end");
        }
        catch (BDenseException e)
        {
            throw new BDenseException($"{label}: byte {start + 2}: {e.Message}", e);
        }
    }

    /// <summary>Text for people, one character a byte.</summary>
    public static string Text(ReadOnlyMemory<byte> text) => Encoding.Latin1.GetString(text.Span);

    /// <summary>One instruction; true at STOP.</summary>
    private bool Step()
    {
        byte code = Take(1).Span[0];
        switch (code)
        {
            case (byte)'.': // STOP
                return true;
            case (byte)'(': // MARK
                _stack.Push(Mark);
                break;
            case (byte)'}': // EMPTY_DICT
                _stack.Push(new Dictionary<string, object?>(StringComparer.Ordinal));
                break;
            case (byte)']': // EMPTY_LIST
                _stack.Push(new List<object?>());
                break;
            case (byte)'N': // NONE
                _stack.Push(null);
                break;
            case 0x89: // NEWFALSE
                _stack.Push(false);
                break;
            case (byte)'K': // BININT1
                _stack.Push((long)Take(1).Span[0]);
                break;
            case (byte)'M': // BININT2
                _stack.Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2).Span));
                break;
            case (byte)'J': // BININT
                _stack.Push((long)Int32());
                break;
            case (byte)'U': // SHORT_BINSTRING
                _stack.Push(Take(Take(1).Span[0]));
                break;
            case (byte)'T': // BINSTRING
                _stack.Push(Take(Int32()));
                break;
            case (byte)'t': // TUPLE
                _stack.Push(PopToMark());
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                _stack.Push(PopMany(code - 0x84));
                break;
            case (byte)'e': // APPENDS
                var items = PopToMark();
                Top<List<object?>>("a list").AddRange(items);
                break;
            case (byte)'u': // SETITEMS
                SetItems(PopToMark());
                break;
            case (byte)'q': // BINPUT
                _memo[Take(1).Span[0]] = Peek();
                break;
            case (byte)'r': // LONG_BINPUT
                _memo[(uint)Int32()] = Peek();
                break;
            case (byte)'h': // BINGET
                Get(Take(1).Span[0]);
                break;
            case (byte)'j': // LONG_BINGET
                Get((uint)Int32());
                break;
            case (byte)'c': // GLOBAL
                _stack.Push(Global($"{Line()}.{Line()}"));
                break;
            case (byte)'R': // REDUCE
                if (Pop() is not object?[] arguments || Pop() is not PickledName called)
                    throw new BDenseException("REDUCE finds no name and arguments");
                _stack.Push(called.Call(arguments));
                break;
            case (byte)'b': // BUILD
                Build(Pop());
                break;
            default:
                throw new BDenseException(
                    $"the pickle instruction {(Refused.TryGetValue(code, out string? name) ? name : $"0x{code:x2}")} is refused: "
                        + "CIFAR-10's files need none");
        }
        return false;
    }

    private static PickledName Global(string name) => name is PickledName.Array or PickledName.Type or PickledName.Reconstruct
        ? new PickledName(name)
        : throw new BDenseException($"the pickle names {name}, which is refused: CIFAR-10's files need NumPy's arrays alone");

    private void Build(object? state)
    {
        // Of a type the state is its byte order, which one byte has not.
        if (Peek() is PickledArray array)
            array.Build(state);
        else if (Peek() is not PickledType)
            throw new BDenseException("BUILD is asked of something else than an array");
    }

    private void SetItems(object?[] items)
    {
        var dictionary = Top<Dictionary<string, object?>>("a dictionary");
        if (items.Length % 2 != 0)
            throw new BDenseException("a key without a value");
        for (int i = 0; i < items.Length; i += 2)
        {
            if (items[i] is not ReadOnlyMemory<byte> key)
                throw new BDenseException("a key that is not text");
            if (!dictionary.TryAdd(Text(key), items[i + 1]))
                throw new BDenseException($"'{Text(key)}' is there twice");
        }
    }

    private void Get(uint index) =>
        _stack.Push(_memo.TryGetValue(index, out object? value) ? value
            : throw new BDenseException($"value {index} is used before it is made"));

    private T Top<T>(string what)
        where T : class => Peek() as T ?? throw new BDenseException($"expected {what}");

    private object? Peek() =>
        _stack.TryPeek(out object? value) && !ReferenceEquals(value, Mark) ? value
            : throw new BDenseException("damaged: a value is missing");

    private object? Pop()
    {
        object? value = Peek();
        _stack.Pop();
        return value;
    }

    private object?[] PopMany(int count)
    {
        var values = new object?[count];
        for (int i = count - 1; i >= 0; i--)
            values[i] = Pop();
        return values;
    }

    private object?[] PopToMark()
    {
        var values = new List<object?>();
        while (_stack.TryPop(out object? value))
        {
            if (ReferenceEquals(value, Mark))
            {
                values.Reverse();
                return [.. values];
            }
            values.Add(value);
        }
        throw new BDenseException("damaged: a MARK is missing");
    }

    private int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4).Span);

    private ReadOnlyMemory<byte> Take(int count)
    {
        if (count < 0 || count > _bytes.Length - _position)
            throw new BDenseException("cut short");
        _position += count;
        return _bytes.Slice(_position - count, count);
    }

    // A name up to its line feed; the longest that is known has 21 characters.
    private string Line()
    {
        int length = _bytes.Span[_position..].IndexOf((byte)'\n');
        if (length is < 0 or > 200)
            throw new BDenseException("cut short in a name");
        return Text(Take(length + 1)[..^1]);
    }
}
