/** Gateways as each other's witnesses: what one cosigns, and what it says of a journal that was changed. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startOutsideEvidence, WitnessSizes } from "../../../../../src/app/wiring/journal/outside-evidence.ts";
import { PeerCosigner, REWRITTEN, type CosignerParts } from "../../../../../src/app/wiring/journal/peers/cosigner.ts";
import { startPeerWitnesses, type PeerWitnesses } from "../../../../../src/app/wiring/journal/peers/peer-witnesses.ts";
import type { ShutdownSteps } from "../../../../../src/app/shutdown.ts";
import type { ClusterNode, MembershipObserver } from "../../../../../src/cluster/membership.ts";
import { events } from "../../../../../src/common/log/events.ts";
import type { Alarm } from "../../../../../src/journal/entry.ts";
import { createCheckpoints } from "../../../../../src/journal/integrity/checkpoints/checkpoint.ts";
import {
  signCheckpoint,
  verifierKey,
  witnessKey,
} from "../../../../../src/journal/integrity/checkpoints/signed-note.ts";
import { consistencyProof, digestBytes, leafHash, rootOf } from "../../../../../src/journal/integrity/merkle-tree.ts";
import { openJournal } from "../../../../../src/journal/write/open-journal.ts";
import { paths } from "../../../../../src/journal/paths.ts";
import type { Settings } from "../../../../../src/settings/schema/schema.ts";
import { aDirectory, aKey, anIntent, removeDirectory } from "../../../../journal/kit.ts";
import { describeWithPostgres, testSchema } from "../../../../kit/postgres.ts";
import { until } from "../../../../kit/witness.ts";

const ORIGIN = "gateway.test/b";
const own = { name: "gateway.test/a", key: aKey() };
const key = aKey();
const identityWith = (of = key, origin = ORIGIN) => ({
  origin,
  key: verifierKey(origin, of),
  witness: witnessKey(origin, of),
});

const leaves = (size: number, changedAt = Infinity) =>
  Array.from({ length: size }, (_, index) => leafHash(Buffer.from(index < changedAt ? `${index}` : `other ${index}`)));
/** The body of add-checkpoint. */
const asked = (old: number, size: number, { changedAt = Infinity, by = key, origin = ORIGIN } = {}): string => {
  const tree = leaves(size, changedAt);
  const proof = old === 0 || old >= size ? [] : consistencyProof(tree, old);
  const root = digestBytes(rootOf(tree));
  const lines = proof.map((digest) => `${digestBytes(digest).toString("base64")}\n`).join("");
  return `old ${old}\n${lines}\n${signCheckpoint({ origin, size, root }, by)}`;
};

describe("a gateway that cosigns the journals of others", () => {
  let dir: string;
  let alarms: Omit<Alarm, "kind">[];
  let told: Map<string, ReturnType<typeof identityWith>>;
  let cosigner: PeerCosigner;
  const open = async (saved: unknown = null): Promise<void> => {
    const parts: CosignerParts = {
      dir,
      own,
      saved,
      identityOf: (node) => told.get(node),
      alarm: (alarm) => void alarms.push(alarm),
      changed: () => undefined,
    };
    cosigner = await PeerCosigner.open(parts);
  };
  beforeEach(async () => {
    vi.spyOn(events, "peerJournalContinues").mockImplementation(() => undefined);
    dir = await aDirectory();
    [alarms, told] = [[], new Map([["gw-b", identityWith()]])];
    await open();
    expect((await answer(asked(0, 8)))?.status).toBe(200);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await removeDirectory(dir);
  });
  const answer = (request: string, node = "gw-b") => cosigner.answer({ node, request });

  it("cosigns what continues the last checkpoint, and remembers it over a restart", async () => {
    expect((await answer(asked(8, 12)))?.status).toBe(200);
    await open(cosigner.save());
    expect([cosigner.sizeFor("gw-b"), (await answer(asked(8, 12)))?.status]).toEqual([12, 409]);
    expect(alarms).toEqual([]);
  });

  it.each<[string, string, string]>([
    ["shrank", asked(8, 5), "it has 5 entries, and 8 were cosigned, or an old checkpoint was replayed"],
    ["was replaced by an older copy", asked(5, 5), "it has 5 entries, and 8 were cosigned, or an old"],
    ["forked at the same size", asked(8, 8, { changedAt: 7 }), "it signed two histories of 8 entries"],
    [
      "was rewritten and went on",
      asked(8, 12, { changedAt: 3 }),
      "its checkpoint of 12 entries does not continue the 8",
    ],
  ])("gives no cosignature to a journal that %s, and raises one alarm with the proof", async (_, request, says) => {
    expect((await answer(request))?.status).not.toBe(200);
    await answer(request);
    expect(alarms).toEqual([{ reason: REWRITTEN, detail: expect.stringContaining(`gw-b: ${says}`) as string }]);
    expect(alarms[0]!.detail).toContain(request.slice(request.indexOf("\n\n") + 2));
    expect([...cosigner.faults.keys()]).toEqual(["gw-b"]);
    // An old checkpoint that somebody replayed: the journal itself goes on.
    expect((await answer(asked(8, 16)))?.status).toBe(200);
    expect([...cosigner.faults.keys()]).toEqual([]);
  });

  it.each<[string, string, ReturnType<typeof identityWith>, string]>([
    ["another key", "gw-b", identityWith(aKey()), asked(8, 12)],
    ["another origin", "gw-b", identityWith(key, "gateway.test/new"), asked(0, 3, { origin: "gateway.test/new" })],
    ["the journal of a gateway that runs", "gw-c", identityWith(), asked(8, 12)],
  ])("cosigns nothing for a gateway that has %s, until that is accepted", async (_, node, identity, request) => {
    told.set(node, identity);
    expect((await answer(request, node))?.status).toBe(403);
    expect(alarms.map(({ reason }) => reason)).toEqual(["another gateway has another journal than before"]);
    if (node === "gw-c") return;
    expect(await cosigner.accept("gw-b")).toMatchObject({ size: 8 });
    expect([...cosigner.faults.keys()]).toEqual([]);
  });

  it("cosigns a journal that began anew under the same key once it is accepted", async () => {
    expect((await answer(asked(0, 2, { changedAt: 0 })))?.status).toBe(409);
    await cosigner.accept("gw-b");
    expect((await answer(asked(0, 2, { changedAt: 0 })))?.status).toBe(200);
  });

  it("keeps the journal of a gateway that was renamed", async () => {
    told.delete("gw-b");
    told.set("gw-new", identityWith());
    expect((await answer(asked(8, 12), "gw-new"))?.status).toBe(200);
    expect(alarms).toEqual([]);
  });

  it("cosigns nothing where its own records are older than its journal", async () => {
    const saved = cosigner.save();
    await rm(join(paths(dir).peers, "logs"), { recursive: true });
    await open(saved);
    expect((await answer(asked(0, 8)))?.status).toBe(500);
    expect(alarms).toMatchObject([{ detail: `${ORIGIN}: 8 entries were cosigned, and the directory has 0` }]);
  });
});

describeWithPostgres("gateways that share a database", async () => {
  const { open } = await testSchema();

  it("cosign each other's checkpoints over it, and all report one that began anew", async () => {
    const nodes: ClusterNode[] = [];
    const observers = new Set<MembershipObserver>();
    const stops: ShutdownSteps[] = [];
    const [dirs, alarms]: [string[], string[]] = [[], []];
    vi.spyOn(events, "witnessAhead").mockImplementation(() => undefined);
    const timing = { timeout: 4000, firstTry: 20, longestTry: 100, stop: 100 };
    const start = async (node: string, dir: string, signing = aKey()) => {
      const steps: ShutdownSteps = [];
      const journal = await openJournal({ dir, durability: "os" });
      const sizes = new WitnessSizes();
      const settings = { audit: { checkpoint: { witnesses: [], witness_quorum: null, timestamp: null } } };
      const outside = await startOutsideEvidence(settings as unknown as Settings, journal, sizes, steps);
      const origin = `gateway.test/${node}`;
      const checkpoints = await createCheckpoints(journal, {
        key: signing,
        origin,
        everyMs: 1 << 30,
        publish: outside.submit,
      });
      const tell = (part: string, value: unknown): void => {
        const index = nodes.findIndex(({ name }) => name === node);
        const row = { name: node, state: "live", details: { [part]: value } } as unknown as ClusterNode;
        nodes.splice(index < 0 ? nodes.length : index, index < 0 ? 0 : 1, row);
        for (const each of observers) each.onChange?.();
      };
      const observe = (observer: MembershipObserver) => {
        observers.add(observer);
        return () => void observers.delete(observer);
      };
      const peers: PeerWitnesses = await startPeerWitnesses(
        {
          cluster: { node, database: open(), membership: { nodes, observe, tell } },
          journal,
          outside,
          sizes,
          signer: { key: signing, origin },
          alarm: ({ reason }) => void alarms.push(`${node}: ${reason}`),
          timing,
          pollMs: 50,
        },
        steps,
      );
      stops.push(steps);
      const write = async (number: number): Promise<void> => {
        await journal.append(anIntent(number));
        await checkpoints.write();
      };
      const stop = async (): Promise<void> => {
        stops.splice(stops.indexOf(steps), 1);
        for (const step of steps.toReversed()) await step?.();
        await journal.close();
      };
      return { journal, outside, peers, write, stop, signing };
    };
    for (let made = 0; made < 4; made++) dirs.push(await aDirectory());
    const [a, b, c] = await Promise.all(["gw-a", "gw-b", "gw-c"].map((node, at) => start(node, dirs[at]!)));
    try {
      for (const number of [1, 2, 3]) await b!.write(number);
      await until(() => [a, c].every((each) => each!.peers.cosignedFor("gw-b") === 3));
      await until(() => b!.outside.witnesses().every(({ size }) => size === 3));
      await b!.stop();
      // The same gateway and key, with a journal that begins anew.
      const again = await start("gw-b", dirs[3]!, b!.signing);
      await again.write(9);
      await until(() => again.outside.troubles().length >= 2);
      expect(alarms.toSorted()).toEqual(["gw-a", "gw-c"].map((node) => `${node}: ${REWRITTEN}`));
      expect(again.outside.troubles()[0]).toContain("cosigned 3 entries, and this journal has 1");
      expect(a!.outside.troubles()[0]).toContain("gw-b: it has 1 entries, and 3 were cosigned");
      for (const each of [a, c]) expect(await each!.peers.accept("gw-b", "root", "new machine")).toBeUndefined();
      await until(() => again.outside.troubles().length === 0);
      await again.stop();
    } finally {
      await Promise.all([a!.stop(), c!.stop()]);
      for (const dir of dirs) await removeDirectory(dir);
      vi.restoreAllMocks();
    }
  });
});
