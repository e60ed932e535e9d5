/**
 * A gateway that is killed in mid-load and started again, round after round. The clients and OCS keep their own
 * ledgers; when the next run stands, the journal must agree with both: C1 to C6 below.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Recorded } from "../../src/journal/entry.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { verifyJournal } from "../../src/journal/verify/verify.ts";
import { keyBeside } from "../journal/kit.ts";
import { aConfigured } from "../kit/gateway.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { RecordingOcs, type Received } from "../kit/recording-ocs.ts";
import { ClientConnection, type Asked } from "./client.ts";
import { below, between, seeded } from "./random.ts";
import { addRecord, clientOf, doNotCall, TENANTS, worldConfig } from "./world.ts";

export type Killing = {
  readonly dir: string;
  readonly round: () => Promise<Round>;
  /** The whole journal: its tree, every checkpoint there is and ever was. */
  readonly judgeWhole: () => Promise<string[]>;
  readonly stop: () => Promise<void>;
};

export type Round = {
  readonly violations: readonly string[];
  readonly requests: number;
  /** Intents that the kill left without an outcome. */
  readonly doubts: number;
  /** Milliseconds from starting the process to listening. */
  readonly startMs: number;
};

const CALLERS = [101, 102, 103, 104];
const SEATS = 4;
const LOAD_MS = [80, 350] as const;

export const startKilling = async (seed: number): Promise<Killing> => {
  const random = seeded(seed);
  const [shared, alone] = [
    await RecordingOcs.start("shared", seeded(seed + 1)),
    await RecordingOcs.start("alone", seeded(seed + 2)),
  ];
  const config = worldConfig({ shared, alone });
  const dir = await aConfigured(
    { ...config, audit: { ...config.audit, checkpoint: { ...config.audit.checkpoint, every: "100ms" } } },
    TENANTS.map(clientOf),
  );
  const audit = join(dir, "audit");
  const start = (): Promise<GatewayProcess> => startGateway(join(dir, "ocsgw.yaml"));
  let gateway = await start();
  let number = 0;
  let read = 0;
  const numbers = new Map<number, number>();
  /** Checkpoints that someone else has seen: what a later journal must never contradict. */
  const exported = new Map<string, string>();

  const round = async (): Promise<Round> => {
    number++;
    const [asked, before]: [Asked[], number] = [[], shared.ledger.length];
    const dead = { yet: false };
    const working = Promise.all(
      CALLERS.flatMap((tenant) =>
        Array.from({ length: SEATS }, (_, seat) =>
          load({
            port: gateway.port,
            tenant,
            name: `${tenant}-${number}-${seat}`,
            random: seeded(seed + number * 1000 + tenant * 10 + seat),
            asked,
            dead,
          }),
        ),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, between(random, ...LOAD_MS)));
    await gateway.end("SIGKILL");
    dead.yet = true;
    await working;
    for (const name of await readdir(join(audit, "checkpoints")))
      if (/^\d+$/.test(name) && !exported.has(name))
        exported.set(name, await readFile(join(audit, "checkpoints", name), "utf8"));
    const began = performance.now();
    gateway = await start();
    const startMs = performance.now() - began;
    const entries = await Array.fromAsync(readEntries(audit, { from: read }));
    const violations = [
      ...judge({ asked, received: shared.ledger.slice(before), entries, from: read }),
      ...judgeNumbers(entries, numbers),
    ];
    read += entries.length;
    return {
      violations,
      requests: asked.length,
      doubts: entries.filter(({ kind }) => kind === "in-doubt").length,
      startMs,
    };
  };
  return {
    dir,
    round,
    judgeWhole: () => judgeIntegrity(audit, exported),
    stop: async () => {
      await gateway.end("SIGKILL");
      await Promise.all([shared.close(), alone.close()]);
    },
  };
};

type Load = {
  readonly port: number;
  readonly tenant: number;
  readonly name: string;
  readonly random: () => number;
  readonly asked: Asked[];
  readonly dead: { readonly yet: boolean };
  /** Milliseconds between bursts. */ readonly think?: number;
};

/** Bursts of one to four on one connection, until the gateway is dead. */
export const load = async ({ port, tenant, name, random, asked, dead, think = 0 }: Load): Promise<void> => {
  const line = await ClientConnection.to(port).catch(() => undefined);
  for (let count = 0; line?.open && !dead.yet;) {
    const asks = Array.from({ length: 1 + below(random, 4) }, () => {
      const [marker, phone] = [`${name}-${count++}`, `4155550${100 + below(random, 100)}`];
      return below(random, 3) === 0 ? doNotCall(tenant, marker, phone) : addRecord(tenant, marker, phone);
    });
    const entries = asks.map((ask) => line.enter(tenant, ask));
    asked.push(...entries);
    await line.ask(asks.map(({ bytes }) => bytes).join(""), entries);
    if (think > 0) await new Promise((resolve) => setTimeout(resolve, think));
  }
  line?.hangUp();
};

type Case = {
  readonly asked: readonly Asked[];
  readonly received: readonly Received[];
  readonly entries: readonly Recorded[];
  /** Index of the first entry. */ readonly from: number;
};
type Of<Kind extends Recorded["kind"]> = Extract<Recorded, { kind: Kind }>;
const allOf = <Kind extends Recorded["kind"]>(entries: readonly Recorded[], kind: Kind): Of<Kind>[] =>
  entries.filter((entry): entry is Of<Kind> => entry.kind === kind);

/** What the journal says of one round, from its first entry to what the next start wrote. */
export const judge = ({ asked, received, entries, from }: Case): string[] => {
  const violations: string[] = [];
  const intents = new Map(allOf(entries, "intent").map((intent) => [intent.body.MARK as string, intent]));
  const outcomes = new Map(allOf(entries, "outcome").map((outcome) => [outcome.id, outcome]));
  const doubts = new Map(allOf(entries, "in-doubt").map((doubt) => [doubt.id, doubt]));
  for (const { marker, seen } of asked) {
    if (seen?.origin !== "ocs") continue;
    const outcome = outcomes.get(seen.id);
    if (intents.get(marker)?.id !== seen.id || outcome?.status !== seen.status)
      violations.push(
        `C1: ${marker} was answered with ${seen.status}, and its intent or its outcome is not in the journal`,
      );
  }
  for (const { marker } of received)
    if (!intents.has(marker)) violations.push(`C2: OCS received ${marker}, and the journal has no intent of it`);
  const intended = new Set([...intents.values()].map(({ id }) => id));
  for (const id of outcomes.keys()) if (!intended.has(id)) violations.push(`C3: the outcome of ${id} has no intent`);
  for (const { id, index } of intents.values()) {
    const ends = [outcomes.get(id), doubts.get(id)].filter((end) => end !== undefined);
    if (ends.length !== 1 || ends[0]!.index < index) violations.push(`C3: the intent ${id} has ${ends.length} ends`);
    if (doubts.has(id) && doubts.get(id)!.intent !== index)
      violations.push(`C3: the doubt of ${id} names another intent`);
  }
  entries.forEach(
    ({ index }, at) => index === from + at || violations.push(`C4: index ${index} stands where ${from + at} belongs`),
  );
  const starts = allOf(entries, "start");
  if (starts.length === 0 || (allOf(entries, "in-doubt")[0]?.index ?? Number.POSITIVE_INFINITY) < starts.at(-1)!.index)
    violations.push("C5: the run did not begin with a start, and then its doubts");
  if (starts.filter(({ torn }) => torn !== undefined).length > 1) violations.push("C5: more than one torn line");
  return violations;
};

/** Each tenant's DoNotCalls have their numbers without a gap; `last` holds those of the rounds before. */
export const judgeNumbers = (entries: readonly Recorded[], last: Map<number, number>): string[] =>
  entries.flatMap((entry) => {
    if ((entry.kind !== "intent" && entry.kind !== "refusal") || entry.action !== "DoNotCall" || !entry.tenant)
      return [];
    const { dbid } = entry.tenant;
    const before = last.get(dbid) ?? 0;
    last.set(dbid, entry.dnc ?? 0);
    return entry.dnc === before + 1 ? [] : [`C4: DoNotCall ${entry.dnc} of tenant ${dbid} follows ${before}`];
  });

/**
 * What is there is held against the lines by `verifyJournal`; so it is enough that no checkpoint was ever another one.
 */
const judgeIntegrity = async (audit: string, exported: ReadonlyMap<string, string>): Promise<string[]> => {
  const { verdict, findings } = await verifyJournal(audit, { vkey: await keyBeside(audit) });
  const violations =
    verdict === "ok" ? [] : [`C4: the journal is ${verdict}: ${findings.map(({ text }) => text).join("; ")}`];
  for (const [name, text] of exported) {
    const there = await readFile(join(audit, "checkpoints", name), "utf8").catch(() => "nothing");
    if (there !== text) violations.push(`C6: checkpoint ${name}, which was exported, is now ${JSON.stringify(there)}`);
  }
  return violations;
};
