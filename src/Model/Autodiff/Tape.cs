using BDense.Kernels;
using BDense.Model.Layers;
using BDense.Model.Networks;

namespace BDense.Model.Autodiff;

/// <summary>
/// Reverse-mode automatic differentiation: operations run at once and leave a node behind; <see cref="Backward"/> goes through the
/// nodes in reverse. One operation a file, its backward pass under its forward pass.
/// </summary>
/// <remarks>
/// <para>Gradients of activations are overwritten by their first contribution and summed over several consumers; gradients of
/// parameters are added to <see cref="Parameter.Gradient"/>, so that several micro-batches accumulate.</para>
/// <para>A tape owns what its operations made and what they saved. It is used for one pass, by one thread, and disposed:</para>
/// <code>
/// using var tape = new Tape(backend, recording: true);
/// var y = network.Forward(tape, tape.Input(x), noise, options);
/// tape.Backward(y, dy);
/// </code>
/// </remarks>
public sealed partial class Tape : IDisposable
{
    /// <summary>The lists of a tape that this thread has disposed: the next one finds them at the length it needs.</summary>
    [ThreadStatic]
    private static Lists? t_spare;

    private readonly List<Variable> _variables;
    private readonly Stack<Node> _nodes;
    private readonly List<Tensor> _scratch;
    private bool _disposed;

    /// <summary>A tape for one pass; <see cref="For"/> makes one that runs as its network says.</summary>
    /// <param name="backend">Where operations run.</param>
    /// <param name="recording">Whether a backward pass will follow.</param>
    public Tape(Backend backend, bool recording)
    {
        (Backend, Recording) = (backend, recording);
        (_variables, _nodes, _scratch) = t_spare ?? new Lists([], [], []);
        t_spare = null;
    }

    /// <summary>Where its operations run, and where their results lie.</summary>
    public Backend Backend { get; }

    /// <summary>
    /// What convolutions write, and whatever follows them; a gradient has the type of its value. In BF16 that halves what is kept for the
    /// backward pass; what operations are told to write otherwise (a network's last layer) and what is no image (embeddings) is float32.
    /// </summary>
    public ElementType ActivationType => Backend.ActivationType;

    /// <summary>Without it nothing is saved, and <see cref="Drop"/> frees at once.</summary>
    public bool Recording { get; }

    /// <summary>Fused kernels or compositions, and whether blocks are run again in the backward pass.</summary>
    public Execution Execution { get; init; } = Execution.Default;

    /// <summary>A tape for a pass of <paramref name="network"/>, which runs as the network says.</summary>
    public static Tape For(INetwork network, bool recording) => new(network.Backend, recording) { Execution = network.Execution };

    /// <summary>A value from outside: the caller owns it and keeps it until the tape is done.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="requiresGradient">Whether <see cref="Variable.Gradient"/> is wanted; it lives until the tape is disposed.</param>
    public Variable Input(Tensor x, bool requiresGradient = false) =>
        Register(new Variable(x, owned: false, Recording && requiresGradient));

    /// <summary>As <see cref="Input(Tensor, bool)"/>, but the tape takes <paramref name="x"/> over and disposes it.</summary>
    public Variable Own(Tensor x) => Register(new Variable(x, owned: true, requiresGradient: false));

    /// <summary>The caller will not read <paramref name="v"/> again: its data are freed as soon as no backward pass needs them.</summary>
    public void Drop(Variable v) => v.Drop();

    /// <summary>
    /// Drops what <paramref name="v"/> held and puts <paramref name="next"/> there: the next link of a chain of operations.
    /// </summary>
    public void Replace(ref Variable v, Variable next)
    {
        if (!ReferenceEquals(v, next))
            v.Drop();
        v = next;
    }

    /// <summary>
    /// From d loss / d <paramref name="output"/> to the gradients of all parameters and of the inputs that asked for one. Consumes the
    /// tape: each operation's output, gradient and saved values are freed when its turn is over.
    /// </summary>
    /// <param name="output">The last value of the pass.</param>
    /// <param name="gradient">Of its shape; the caller keeps it and it is not changed.</param>
    /// <exception cref="InvalidOperationException">The tape does not record, or was consumed.</exception>
    public void Backward(Variable output, Tensor gradient)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!Recording)
            throw new InvalidOperationException("this tape does not record");
        if (!output.RequiresGradient)
            throw new InvalidOperationException("nothing that this output was made from wants a gradient");
        if (gradient.Length != output.Shape.Length)
            throw new BDenseException($"Backward: gradient is {gradient.Shape}, expected {output.Shape}");
        Contribute(output, gradient.Type == output.Type ? gradient.Reshape(output.Shape) : Converted(gradient, output));
        while (_nodes.TryPop(out var node))
        {
            try
            {
                // Nothing flows through an output that no one used.
                if (node.Output.Gradient is not null)
                    node.Backward(this, node.Output.Gradient);
            }
            finally
            {
                node.Release();
                node.Output.Free();
            }
            _scratch.Clear();
        }
    }

    /// <summary>Frees everything that is left, also after an exception; tensors that the caller owns stay.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        while (_nodes.TryPop(out var node))
            node.Release();
        foreach (var tensor in _scratch)
            tensor.Dispose();
        _scratch.Clear();
        foreach (var variable in _variables)
            variable.Free();
        _variables.Clear();
        t_spare = new Lists(_variables, _nodes, _scratch);
    }

    /// <summary>All values, the recorded operations, and what an operation under way has made.</summary>
    private sealed record Lists(List<Variable> Variables, Stack<Node> Nodes, List<Tensor> Scratch);

    /// <summary>An operation's output, uninitialised; registered before the operation runs, so that a failure leaks nothing.</summary>
    /// <param name="shape">The result's.</param>
    /// <param name="requiresGradient">Whether one of the operands has a gradient.</param>
    /// <param name="type">Of its elements: as a rule that of the first operand.</param>
    public Variable Output(Shape shape, bool requiresGradient, ElementType type = ElementType.Float32) =>
        Register(new Variable(Backend.Empty(shape, type), owned: true, Recording && requiresGradient));

    /// <summary>
    /// An uninitialised tensor for what an operation keeps for its backward pass, or for a gradient on its way to
    /// <see cref="Contribute"/>: freed by <see cref="Dispose"/> if the operation under way fails. Whoever makes one hands it over to one of
    /// the two, once; what is needed for a moment only comes from <see cref="Kernels.Backend.Empty"/> and is disposed at once.
    /// </summary>
    public Tensor Scratch(Shape shape, ElementType type = ElementType.Float32)
    {
        var tensor = Backend.Empty(shape, type);
        _scratch.Add(tensor);
        return tensor;
    }

    /// <summary>The same for the gradient of a value: of its shape and element type.</summary>
    public Tensor Scratch(Variable of) => Scratch(of.Shape, of.Type);

    /// <summary>Ends an operation: its node is kept if its output's gradient will be wanted.</summary>
    private Variable Record(Variable y, Node node)
    {
        if (y.RequiresGradient)
            _nodes.Push(node);
        else
            node.Release();
        _scratch.Clear();
        return y;
    }

    private Variable Register(Variable v)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _variables.Add(v);
        return v;
    }

    /// <summary>
    /// In a backward pass: adds <paramref name="gradient"/>, which is handed over and not used again, to what <paramref name="x"/> has
    /// received from its other consumers. Where <paramref name="x"/> wants none it is freed; so one need not ask.
    /// </summary>
    /// <param name="x">An operand.</param>
    /// <param name="gradient">Of its length and element type, from <see cref="Scratch(Variable)"/>; or a <see cref="Tensor.Share"/> of the
    /// output's gradient.</param>
    public void Contribute(Variable x, Tensor gradient)
    {
        if (!x.RequiresGradient)
        {
            gradient.Dispose();
            return;
        }
        if (gradient.Type != x.Type)
            throw new BDenseException($"the gradient of a {x.Type.Text()} value is {x.Type.Text()}, too, not {gradient.Type.Text()}");
        var sum = x.TakeGradient();
        if (sum is null)
        {
            x.Gradient = gradient;
            return;
        }
        _scratch.Add(sum);
        _scratch.Add(gradient);
        // Add's backward pass gives one tensor to both operands: what is shared must not change under the other's eyes.
        x.Gradient = !sum.IsShared ? sum : !gradient.IsShared ? gradient : Scratch(x);
        Backend.LinearCombination([1f, 1f], [sum, gradient], x.Gradient);
        if (x.Gradient != sum)
            sum.Dispose();
        if (x.Gradient != gradient)
            gradient.Dispose();
    }

    /// <summary>One recorded operation: how the gradient of its output becomes those of its operands.</summary>
    private abstract class Node(Variable output)
    {
        public Variable Output { get; } = output;

        /// <param name="tape">Takes the operands' gradients (<see cref="Contribute"/>).</param>
        /// <param name="dy">Gradient of <see cref="Output"/>, complete; freed by the caller.</param>
        public abstract void Backward(Tape tape, Tensor dy);

        /// <summary>Gives back what was saved, whether or not the backward pass ran.</summary>
        public virtual void Release() { }
    }
}
