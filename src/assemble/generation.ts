/**
 * One generation: everything that follows from one reading of the config file, and the line that is made of it. A request is judged by one
 * generation from start to end, because its line closes over nothing else. What outlasts a generation (the journal, the lanes, the counts)
 * is handed to it.
 */
import type { Counts } from "../console/counts.ts";
import { createLine } from "../gateway/line.ts";
import type { InForce, Parts } from "../gateway/words.ts";
import type { Journal } from "../journal/append.ts";
import { createRedactor } from "../journal/redact.ts";
import type { Handler } from "../message.ts";
import type { FilesRead } from "../settings/load.ts";
import type { KeyRecord } from "../settings/keys-file.ts";
import { tenantSteps } from "../settings/register.ts";
import type { Settings } from "../settings/schema.ts";
import type { Credentials, Revocations } from "../tenants/credential.ts";
import { createQuota, type Limiters } from "../tenants/quota.ts";
import { finderSteps, type Finder } from "../tenants/ownership.ts";
import { registerSteps } from "../tenants/register.ts";
import { credentialsFor } from "./credentials.ts";
import type { Kept } from "./kept.ts";
import type { NoAnswers } from "./no-answers.ts";
import type { Records } from "./ownership.ts";
import { inSlices } from "./slices.ts";
import type { Board } from "./upstreams.ts";

/** What is there before the first generation and after the last one. */
export type House = {
  readonly journal: Journal;
  readonly counts: Counts;
  readonly revocations: Revocations;
  readonly records: Records;
  /** Where it is left out nobody hears of requests without an answer. */
  readonly noAnswers?: Pick<NoAnswers, "observe">;
  /** Told of every request when its reply is decided. Must not throw. */
  readonly observed?: Parts["observe"] | undefined;
};

/** One reading of the config file. */
export type Reading = {
  readonly settings: Settings;
  /** SHA-256 of the config, hexadecimal. */
  readonly hash: string;
  readonly files: FilesRead;
  /** The files of the config itself. */
  readonly config?: FilesRead;
  /** What the keys file holds; it is read when this is left out. */
  readonly keys?: readonly KeyRecord[] | undefined;
  /** How many certificates, lists and keys each of `files` holds. */
  readonly pieces?: ReadonlyMap<string, number>;
  /** For the next reading. */
  readonly kept?: Kept | undefined;
};

export type Generation = Reading & {
  /** The line of this generation. */
  readonly handler: Handler;
  readonly parts: Parts;
  /** Whose an announced record is, by the register of this generation. */
  readonly find: Finder;
  readonly boards: ReadonlyMap<string, Board>;
  readonly credentials: Credentials;
  readonly inForce: InForce;
  readonly limiters: Limiters;
  /** How many requests it is judging or has sent. */
  readonly live: () => number;
};

/** What it is made beside. `current`: the generation in force, undefined before the first. */
export type Succession = { readonly before: Generation | undefined; readonly current: () => Generation | undefined };

/** Throws when keys or key sets cannot be read. */
export const createGeneration = async (
  house: House,
  reading: Reading,
  boards: ReadonlyMap<string, Board>,
  { before, current }: Succession,
): Promise<Generation> => {
  const tenants = await inSlices(tenantSteps(reading.settings));
  const credentials = await credentialsFor(house, reading, before);
  let live = 0;
  const { journal, counts, records, revocations, noAnswers, observed } = house;
  const register = await inSlices(registerSteps(tenants));
  const find = await inSlices(finderSteps(tenants));
  // Last: what is counted meanwhile is counted in what stands.
  const quota = createQuota(tenants, before?.limiters);
  const inForce: InForce = {
    register,
    get revision() {
      return revocations.revision;
    },
    isRevoked: revocations.holds,
    identifyAgain: (arrival) =>
      credentials.identifyAgain(
        arrival.peerNow ? { headers: arrival.headers, source: arrival.source, peer: arrival.peerNow() } : arrival,
      ),
  };
  const acceptedTypes = new Map(
    reading.settings.listeners.map(({ name, accept_content_types: types }) => [name, new Set(types)]),
  );
  const dialects = new Map(reading.settings.listeners.map(({ name, errors }) => [name, errors]));
  const parts: Parts = {
    identify: credentials.identify,
    challenge: credentials.challenge,
    claimed: credentials.claimed,
    inForce: () => current()?.inForce ?? inForce,
    register,
    ownership: records.ownership,
    charge: quota.charge,
    chargeClient: quota.chargeClient,
    append: journal.append,
    note: journal.note,
    redact: createRedactor(reading.settings.audit.redact, reading.settings.audit.index_key),
    send: (order, gone) => boards.get(order.owner.upstream)!.switchboard.send(order, gone),
    // Told of every request once, when its reply is decided: then nothing of this generation is needed for it any more.
    observe: (seen, ending) => {
      live--;
      counts.observe(seen, ending);
      noAnswers?.observe(seen, ending);
      observed?.(seen, ending);
    },
    dialect: (listener) => dialects.get(listener) ?? "auto",
    acceptsType: (listener, type) => acceptedTypes.get(listener)?.has(type) === true,
    configHash: reading.hash,
  };
  const line = createLine(parts);
  const handler: Handler = (arrival) => {
    live++;
    return line(arrival);
  };
  return { ...reading, handler, parts, find, boards, credentials, inForce, limiters: quota.limiters, live: () => live };
};
