using ILGPU.Runtime;

namespace BDense.Kernels.Ilgpu;

public sealed partial class IlgpuBackend
{
    /// <summary>On CUDA an event of the stream (resolution 0.5 microseconds, rounded to 0.1); elsewhere the host's clock.</summary>
    public override QueueMark Mark() => Kind == AcceleratorType.Cuda ? new EventMark(_stream.AddProfilingMarker()) : base.Mark();

    private sealed class EventMark(ProfilingMarker marker) : QueueMark
    {
        private readonly ProfilingMarker _marker = marker;

        public override double MillisecondsSince(QueueMark earlier)
        {
            _marker.Synchronize();
            return _marker.MeasureFrom(((EventMark)earlier)._marker).TotalMilliseconds;
        }

        public override void Dispose()
        {
            _marker.Dispose();
            base.Dispose();
        }
    }
}
