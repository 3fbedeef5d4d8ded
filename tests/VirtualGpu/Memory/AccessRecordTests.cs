using System.Runtime.Intrinsics;
using BDense.VirtualGpu.Memory;
using NUnit.Framework;

namespace BDense.Tests.VirtualGpu.Memory;

/// <summary>The summary of a word's accesses against a list of all of them.</summary>
internal sealed class AccessRecordTests
{
    private readonly record struct Access(int Block, int Barriers, int Syncs, int Thread, AccessKind Kind)
    {
        public ulong Identity => AccessRecord.Identity(7, Block, Barriers, Syncs, Thread);

        /// <summary>The rule, in full: who is ordered after whom, and what conflicts.</summary>
        public bool ConflictsWith(Access earlier)
        {
            if (Kind == earlier.Kind && Kind != AccessKind.Write || (Block, Thread) == (earlier.Block, earlier.Thread))
                return false;
            if (Block != earlier.Block)
                return true;
            return Barriers == earlier.Barriers && (Thread / 32 != earlier.Thread / 32 || Syncs == earlier.Syncs);
        }
    }

    /// <summary>Accesses by few threads of few blocks, whose counters go up as they do.</summary>
    private static IEnumerable<Access> Sequence(Random random, AccessKind[] kinds)
    {
        int[] barriers = new int[2];
        int[,] syncs = new int[2, 2];
        int blocks = random.Next(1, 3), threads = random.Next(1, 3);
        for (int k = 0; k < 12; k++)
        {
            int block = random.Next(blocks), warp = random.Next(threads);
            if (random.Next(4) == 0)
                (barriers[block], syncs[block, 0], syncs[block, 1]) = (barriers[block] + 1, 0, 0);
            if (random.Next(4) == 0)
                syncs[block, warp]++;
            yield return new Access(block, barriers[block], syncs[block, warp], warp * 32 + random.Next(threads),
                kinds[random.Next(kinds.Length)]);
        }
    }

    [Test]
    public void A_record_tells_the_first_conflict_as_the_list_of_all_accesses_does()
    {
        var random = new Random(1);
        int conflicts = 0, clean = 0;
        for (int run = 0; run < 20_000; run++)
        {
            AccessKind[] kinds = (run % 3) switch
            {
                0 => [AccessKind.Read, AccessKind.Write],
                1 => [AccessKind.Read, AccessKind.Read, AccessKind.Read, AccessKind.Write],
                _ => [AccessKind.Atomic, AccessKind.Atomic, AccessKind.Read, AccessKind.Write],
            };
            ulong record = 0;
            List<Access> all = [];
            foreach (var access in Sequence(random, kinds))
            {
                record = AccessRecord.Next(record, access.Identity, access.Kind, out bool conflict);
                bool expected = all.Exists(access.ConflictsWith);
                Assert.That(conflict, Is.EqualTo(expected), () => string.Join("; ", all.Append(access)));
                all.Add(access);
                if (conflict)
                {
                    conflicts++;
                    break;
                }
            }
            clean += all.Count == 12 ? 1 : 0;
        }
        Assert.That(Math.Min(conflicts, clean), Is.GreaterThan(1_000), "both are common");
    }

    [Test]
    public void Vectors_of_four_follow_the_rule_of_one()
    {
        var random = new Random(2);
        for (int run = 0; run < 20_000; run++)
        {
            ulong[] records = new ulong[4], identities = new ulong[4];
            for (int k = 0; k < 4; k++)
            {
                foreach (var access in Sequence(random, [AccessKind.Read, AccessKind.Read, AccessKind.Write, AccessKind.Atomic])
                    .Take(random.Next(6)))
                    records[k] = AccessRecord.Next(records[k], access.Identity, access.Kind, out _);
                identities[k] = Sequence(random, [AccessKind.Read]).ElementAt(random.Next(6)).Identity;
                if (random.Next(8) == 0)
                    identities[k] += 1UL << AccessRecord.LaunchShift;
            }
            var next = AccessRecord.Read(Vector256.Create(records), Vector256.Create(identities), out var conflicts);
            var writeConflicts = AccessRecord.Write(Vector256.Create(records), Vector256.Create(identities));
            for (int k = 0; k < 4; k++)
            {
                ulong read = AccessRecord.Next(records[k], identities[k], AccessKind.Read, out bool conflict);
                AccessRecord.Next(records[k], identities[k], AccessKind.Write, out bool writeConflict);
                Assert.That((conflicts[k] != 0, writeConflicts[k] != 0), Is.EqualTo((conflict, writeConflict)));
                if (!conflict)
                    Assert.That(next[k], Is.EqualTo(read));
            }
        }
    }

    [Test]
    public void Where_counters_end_no_race_is_invented()
    {
        ulong one = AccessRecord.Identity(1, 0, 20_000, 0, 1), other = AccessRecord.Identity(1, 0, 30_000, 0, 64);
        ulong record = AccessRecord.Next(0, one, AccessKind.Write, out _);
        AccessRecord.Next(record, other, AccessKind.Write, out bool conflict);
        Assert.That(conflict, Is.False);
        one = AccessRecord.Identity(1, 0, 3, 100, 1);
        other = AccessRecord.Identity(1, 0, 3, 101, 2);
        AccessRecord.Next(AccessRecord.First(one, AccessKind.Write), other, AccessKind.Write, out conflict);
        Assert.That(conflict, Is.False);
        AccessRecord.Next(AccessRecord.First(one, AccessKind.Write), AccessRecord.Identity(1, 1, 3, 0, 2), AccessKind.Write, out conflict);
        Assert.That(conflict, Is.True, "between blocks it is still told");
    }
}
