namespace BDense.Tests.Faults;

/// <summary>What a sample is, and so what may be damaged in it knowingly.</summary>
internal enum SampleFormat
{
    Binary,
    Text,
    Json,
    JsonLines,
    SafeTensors,
    Npy,
    Zip,
    GZip,
    TarGz,
    Png,
}

/// <summary>Damage to a sample of a format.</summary>
internal static class SampleMutations
{
    /// <summary>The mutation of a number: the same number, the same bytes, whatever ran before.</summary>
    public static byte[] Of(SampleFormat format, byte[] sample, byte[] other, int seed)
    {
        var r = new Random(seed);
        // A fifth knows nothing of the format.
        if (r.Next(5) == 0)
            return ByteMutations.Apply(r, sample, other);
        return format switch
        {
            SampleFormat.Text => TextMutations.Number(r, sample),
            SampleFormat.Json => r.Next(4) == 0 ? TextMutations.Number(r, sample) : Twice(r, sample),
            SampleFormat.JsonLines => Line(r, sample),
            SampleFormat.SafeTensors => ContainerMutations.SafeTensors(r, sample, other),
            SampleFormat.Npy => ContainerMutations.Npy(r, sample, other),
            SampleFormat.Zip => ContainerMutations.Zip(r, sample),
            SampleFormat.GZip => ContainerMutations.GZip(r, sample, (random, bytes) => ByteMutations.Apply(random, bytes, bytes)),
            SampleFormat.TarGz => ContainerMutations.GZip(r, sample, ContainerMutations.Tar),
            SampleFormat.Png => ContainerMutations.Png(r, sample),
            _ => ByteMutations.Apply(r, sample, other),
        };
    }

    // Two faults at once are rarer than one.
    private static byte[] Twice(Random r, byte[] sample)
    {
        byte[] once = TextMutations.Json(r, sample);
        return r.Next(4) == 0 ? TextMutations.Json(r, once) : once;
    }

    private static byte[] Line(Random r, byte[] sample)
    {
        int start = sample.AsSpan(0, r.Next(sample.Length)).LastIndexOf((byte)'\n') + 1, end = sample.AsSpan(start).IndexOf((byte)'\n');
        end = end < 0 ? sample.Length : start + end;
        return [.. sample[..start], .. TextMutations.Json(r, sample[start..end]), .. sample[end..]];
    }
}
