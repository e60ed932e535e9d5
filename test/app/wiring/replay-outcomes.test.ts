/**
 * What a start reads from the journal for a new ownership database: the epochs of each OCS, without reading segments.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { savedFacts } from "../../../src/app/wiring/journal/journal.ts";
import { replayOutcomes } from "../../../src/app/wiring/replay-outcomes.ts";
import { type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { nodeDisk, type Disk } from "../../../src/journal/disk.ts";
import type { Switchover } from "../../../src/journal/entry.ts";
import { LastSwitchovers } from "../../../src/journal/write/last-switchovers.ts";
import { OpenDoNotCalls } from "../../../src/journal/open-dnc/open-dnc-counter.ts";
import { Ownership } from "../../../src/ownership/ownership.ts";
import { ORIGIN, aDirectory, aDoNotCall, aKey, removeDirectory } from "../../journal/kit.ts";

const key = aKey();
let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(async () => {
  for (const ownership of made.splice(0)) await ownership.close();
  await removeDirectory(dir);
});

const to = (upstream: string, epoch: number, from: string | null, endpoint: string): Switchover => ({
  kind: "switchover",
  upstream,
  from,
  to: endpoint,
  epoch,
});
const run = async (work: (journal: Journal, switchovers: LastSwitchovers) => Promise<void>): Promise<void> => {
  const switchovers = new LastSwitchovers();
  const kept = savedFacts(new OpenDoNotCalls(), switchovers);
  const journal = await openJournal({ dir, durability: "os", states: { key, origin: ORIGIN }, ...kept.options });
  await kept.restore(journal);
  const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000 });
  await work(journal, switchovers);
  await checkpoints.stop();
  await journal.close();
};
const first = (): Promise<void> =>
  run(async ({ append }) => {
    for (const entry of [
      to("a", 1, null, "p"),
      to("a", 2, "p", "b"),
      to("b", 1, null, "p"),
      ...aDoNotCall(0),
      to("a", 3, "b", "p"),
    ])
      await append(entry);
  });
const made: Ownership[] = [];
const anOwnership = (): Ownership => {
  made.push(
    new Ownership({
      staleAfter: () => 1e9,
      window: () => 64,
      restartGrace: () => 0,
      onEvent: () => undefined,
      now: () => 0,
    }),
  );
  return made.at(-1)!;
};
/** Reading a segment fails. */
const unread: Disk = { ...nodeDisk, open: (path) => Promise.reject(new Error(`${path} was opened`)) };

it("a new ownership database takes each OCS's last epoch from start state and later entries alone", async () => {
  await first();
  await run(async (journal, switchovers) => {
    expect(journal.openedFrom.at).toBe(6);
    await journal.append(to("b", 2, "p", "b"));
    await journal.append({ kind: "switchover", upstream: "b", from: "b", to: null, epoch: 2 });
    expect(switchovers.all()).toMatchObject([
      { upstream: "a", epoch: 3, to: "p" },
      { upstream: "b", epoch: 2, to: "b" },
    ]);
    const [quick, slow] = [anOwnership(), anOwnership()];
    await replayOutcomes({ ...journal, status: journal.status, disk: unread }, quick, 0, {
      isEmpty: true,
      switchovers: switchovers.all(),
    });
    await replayOutcomes(journal, slow, 0, { isEmpty: true, switchovers: undefined });
    for (const upstream of ["a", "b"])
      expect([upstream, quick.epochOf(upstream)]).toEqual([upstream, slow.epochOf(upstream)]);
    expect([quick.epochOf("a"), quick.epochOf("b")]).toEqual([3, 2]);
  });
});

it("a new ownership database reuses no epoch that an entry names, even if its switchover was deleted", async () => {
  const asked = (number: number, upstream: string, epoch: number) => aDoNotCall(number, { upstream, epoch });
  await run(async (journal) => {
    for (const entry of [
      to("a", 1, null, "p"),
      to("a", 2, "p", "b"),
      ...asked(1, "a", 7),
      ...asked(2, "b", 4),
      ...asked(3, "a", 6),
      to("c", 2, "p", "b"),
      ...asked(4, "c", 2),
    ])
      await journal.append(entry);
    const [fresh, known] = [anOwnership(), anOwnership()];
    await replayOutcomes(journal, fresh, 0, { isEmpty: true, switchovers: undefined });
    expect(["a", "b", "c"].map((upstream) => fresh.epochOf(upstream))).toEqual([7, 4, 2]);
    // A database with handles has seen each of its epochs.
    await replayOutcomes(journal, known, 0, { isEmpty: false, switchovers: undefined });
    expect(known.epochOf("a")).toBe(2);
  });
});

it("the start reads the journal's entries if one may end a handle, or no start state has the switchovers", async () => {
  await first();
  await run(async (journal, switchovers) => {
    const replaying = (over: { readonly isEmpty: boolean; readonly known: boolean }): Promise<void> =>
      replayOutcomes({ ...journal, disk: unread }, anOwnership(), 0, {
        isEmpty: over.isEmpty,
        switchovers: over.known ? switchovers.all() : undefined,
      });
    await expect(replaying({ isEmpty: false, known: true })).rejects.toThrow("was opened");
    await expect(replaying({ isEmpty: true, known: false })).rejects.toThrow("was opened");
    expect(new LastSwitchovers().all()).toBeUndefined();
  });
});
