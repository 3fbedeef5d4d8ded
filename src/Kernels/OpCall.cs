using System.Runtime.CompilerServices;
using BDense.Kernels.Devices;
using BDense.Kernels.Ilgpu;
using BDense.Kernels.Reference;

namespace BDense.Kernels;

/// <summary>
/// One call of an operation that is written outside this assembly: what it reads and writes is named, checked and reported, as
/// <see cref="Backend"/>'s own operations do it, and then it runs. <c>docs/your-own-op.md</c> walks through one.
/// </summary>
/// <remarks>
/// <code>
/// public static void Square(this Backend backend, Tensor x, Tensor y)
/// {
///     var call = backend.Call();
///     call.Reads(x, x.Shape);
///     call.Writes(y, x.Shape, mayBe: x);
///     if (!call.Runs(flops: x.Length))
///         return;
///     if (backend is IlgpuBackend gpu)
///         gpu.Launch(SquareKernel, x.Length, IlgpuBackend.View(x), IlgpuBackend.View(y));
///     else if (backend is ReferenceBackend cpu)
///         cpu.For(x.Length, 4096, i => ReferenceBackend.Values(y)[i] = ReferenceBackend.Values(x)[i] * ReferenceBackend.Values(x)[i]);
/// }
/// </code>
/// <para>A backend that computes is an <see cref="IlgpuBackend"/> or a <see cref="ReferenceBackend"/>, and no other. What is launched is
/// profiled, counted and captured into graphs as any operation's launches are, under the name of the method.</para>
/// </remarks>
public ref struct OpCall
{
    private readonly Backend _backend;
    private readonly string _name;
    private Operands _operands;
    private int _count;
    private long _read, _written;

    internal OpCall(Backend backend, string name) => (_backend, _name) = (backend, name);

    /// <summary>An operand that is only read.</summary>
    /// <param name="x">On the same backend, not disposed.</param>
    /// <param name="shape">What it must be; another shape of the same length will do.</param>
    /// <param name="name">For messages: the argument's own.</param>
    /// <exception cref="BDenseException">It is not of that shape or lives elsewhere, or shares memory with one that is written.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public void Reads(Tensor x, Shape shape, [CallerArgumentExpression(nameof(x))] string name = "")
    {
        Take(new Operand(x, name, false), shape, null);
        _read += x.Length;
    }

    /// <summary>An operand that is overwritten, every element of it; what was there is not read.</summary>
    /// <param name="y">As in <see cref="Reads"/>.</param>
    /// <param name="shape">As in <see cref="Reads"/>.</param>
    /// <param name="mayBe">The operand in whose place the result may go, where the operation allows that; none: memory of its own.</param>
    /// <param name="name">As in <see cref="Reads"/>.</param>
    /// <exception cref="BDenseException">As in <see cref="Reads"/>; or it shares memory with another operand.</exception>
    public void Writes(Tensor y, Shape shape, Tensor? mayBe = null, [CallerArgumentExpression(nameof(y))] string name = "")
    {
        Take(new Operand(y, name, true), shape, mayBe);
        _written += y.Length;
    }

    /// <summary>An operand that is read and changed: a gradient that is accumulated, an optimizer's state.</summary>
    /// <inheritdoc cref="Writes"/>
    public void Updates(Tensor y, Shape shape, [CallerArgumentExpression(nameof(y))] string name = "")
    {
        Take(new Operand(y, name, true), shape, null);
        _read += y.Length;
        _written += y.Length;
    }

    /// <summary>To throw where a number is out of range: one line that begins with the operation's name.</summary>
    /// <param name="message">Names the argument, what it is and what would be right.</param>
    public readonly BDenseException Refusal(string message) => new($"{_name}: {message}");

    /// <summary>
    /// Reports the call with its cost, to be made after all checks and before anything runs: each operand read and written once, and the
    /// arithmetic given.
    /// </summary>
    /// <param name="flops">Additions and multiplications; a multiply-add counts two, a transcendental one.</param>
    /// <param name="macs">Multiply-adds of a product or convolution, for a network's count of them; 0 for any other operation.</param>
    /// <returns>Whether to run; false on a backend that only counts (<see cref="DryRunBackend"/>).</returns>
    public readonly bool Runs(long flops, long macs = 0)
    {
        _backend.RunsForeign(_name);
        _backend.Report(OpCost.Of(_read, _written, flops) with { Macs = macs }, _name);
        for (int i = 0; i < _count; i++)
        {
            if (_operands[i].IsWritten)
                Backend.Writes(_operands[i].Tensor);
        }
        return _backend.Computes;
    }

    private void Take(Operand operand, Shape shape, Tensor? mayBe)
    {
        _backend.Expect(operand.Tensor, shape, operand.Name, _name);
        if (_count == Operands.Most)
            throw Refusal($"more than {Operands.Most} operands");
        for (int i = 0; i < _count; i++)
        {
            var other = _operands[i];
            if ((operand.IsWritten || other.IsWritten) && operand.Overlaps(other)
                && !(mayBe is not null && operand.IsIn(mayBe) && other.IsIn(mayBe)))
                throw Refusal($"{operand.Name} shares memory with {other.Name}; it needs its own");
        }
        _operands[_count++] = operand;
    }

    private readonly record struct Operand(Tensor Tensor, string Name, bool IsWritten)
    {
        public bool Overlaps(Operand other) => ReferenceEquals(Tensor.Storage, other.Tensor.Storage)
            && Tensor.ByteOffset < other.Tensor.ByteOffset + other.Tensor.Bytes
            && other.Tensor.ByteOffset < Tensor.ByteOffset + Tensor.Bytes;

        public bool IsIn(Tensor place) =>
            ReferenceEquals(Tensor.Storage, place.Storage) && Tensor.ByteOffset == place.ByteOffset && Tensor.Bytes == place.Bytes;
    }

    [InlineArray(Most)]
    private struct Operands
    {
        public const int Most = 12;
        private Operand _first;
    }
}
