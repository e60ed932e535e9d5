import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Journal, type JournalOptions } from "../../src/journal/journal.ts";
import { openJournal } from "../../src/journal/write/open-journal.ts";
import { createCheckpoints, type Checkpoints } from "../../src/journal/integrity/checkpoints/checkpoint.ts";
import { CHECKSUM_BYTES, appendChecksum } from "../../src/journal/integrity/line-checksum.ts";
import type { Intent, Outcome, Refusal } from "../../src/journal/entry.ts";

export const ORIGIN = "gateway.test/main";

export const aDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), "journal-"));
/** In memory where the system has that: for tests that open a journal a thousand times and ask nothing of the disk. */
export const aQuickDirectory = (): Promise<string> =>
  mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "journal-"));
export const removeDirectory = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true });

/** What the gateway left beside its journal: good enough where nobody but the test can have written it. */
export const keyBeside = (dir: string): Promise<string> => readFile(join(dir, "checkpoint.pub"), "utf8");

export const aKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;

export const anIntent = (number: number, body: Intent["body"] = { GSW_TENANT_DBID: 101 }): Intent => ({
  kind: "intent",
  id: `01KAPQ8C10QX01KAPQ8C${String(number).padStart(6, "0")}`,
  tenant: { dbid: 101, name: "Alpha Tenant" },
  client: "alpha-crm",
  credential: { kind: "basic", id: "k1" },
  source: "127.0.0.1",
  listener: "clients",
  resource: "phones",
  identifier: "······0100",
  action: "DoNotCall",
  body,
  config_hash: "9f3c5e",
});

export const anOutcome = (id: string): Outcome => ({
  kind: "outcome",
  id,
  delivery: "answered",
  origin: "ocs",
  status: 200,
  code: null,
  warning: null,
  waits: { queue_ms: 0.1, ocs_ms: 2.8, total_ms: 3.2 },
  lane: "ocs-main/1",
  endpoint: "primary",
});

export const aRefusal = (number: number): Refusal => ({
  kind: "refusal",
  id: `refused-${number}`,
  source: "127.0.0.1",
  listener: "clients",
  code: "OCSGW-2001",
  status: 401,
  delivery: "not-sent",
});

export type Opened = {
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly close: () => Promise<void>;
};

export const openWithCheckpoints = async (
  dir: string,
  key: KeyObject,
  options: Partial<JournalOptions> = {},
): Promise<Opened> => {
  const journal = await openJournal({ dir, durability: "flush", states: { key, origin: ORIGIN }, ...options });
  try {
    const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000 });
    return {
      journal,
      checkpoints,
      close: async () => {
        await checkpoints.stop();
        await journal.close();
      },
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
};

/** Entries 0 to `size - 1`, a checkpoint at each of the given sizes, and no further entries behind. */
export const aJournal = async (
  dir: string,
  key: KeyObject,
  {
    size,
    checkpointsAt,
    segmentBytes = 64 << 20,
  }: { size: number; checkpointsAt: readonly number[]; segmentBytes?: number },
): Promise<string> => {
  const { journal, checkpoints } = await openWithCheckpoints(dir, key, { segmentBytes });
  for (let number = 0; number < size; number++) {
    await journal.append(anIntent(number));
    if (checkpointsAt.includes(number + 1)) await checkpoints.write();
  }
  await journal.close();
  return checkpoints.verifierKey;
};

export const segmentsOf = async (dir: string): Promise<string[]> =>
  (await readdir(join(dir, "segments"))).filter((name) => name.endsWith(".jsonl")).toSorted();
export const linesOf = async (dir: string, segment: string): Promise<string[]> =>
  (await readFile(join(dir, "segments", segment), "utf8")).split("\n").slice(0, -1);
export const writeLines = (dir: string, segment: string, lines: readonly string[]): Promise<void> =>
  writeFile(join(dir, "segments", segment), lines.map((line) => `${line}\n`).join(""));
/** With the checksum that the altered line would have. */
export const sealedAgain = (line: string): string => {
  const bytes = Buffer.from(line.replace(/,"crc":\d+\}$/, "}"));
  const room = Buffer.concat([bytes, Buffer.alloc(CHECKSUM_BYTES)]);
  return room.toString("utf8", 0, appendChecksum(room, 0, bytes.length));
};
export const checkpointsOf = (dir: string): Promise<string[]> => readdir(join(dir, "checkpoints"));

/** mulberry32: the same numbers for the same seed. */
export const randomFrom = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
};

/** A DoNotCall of a number, with its outcome, or with a refusal. */
export const aDoNotCall = (
  number: number,
  over: Partial<Intent> & { readonly status?: number; readonly refused?: string; readonly open?: true } = {},
): (Intent | Outcome | Refusal)[] => {
  const { status = 200, refused, open, ...members } = over;
  const intent = { ...anIntent(number), ...members };
  const { body: _body, config_hash: _hash, ...asked } = intent;
  if (refused !== undefined) return [{ ...asked, kind: "refusal", code: refused, status: 403, delivery: "not-sent" }];
  return open ? [intent] : [intent, { ...anOutcome(intent.id), status }];
};
