/**
 * One generation: everything that follows from one reading of the config file, and the line that is made of it. A request is judged by one
 * generation from start to end, because its line closes over nothing else. What outlasts a generation (the journal, the lanes, the counts)
 * is handed to it.
 */
import type { Counts } from "../console/counts.ts";
import { createLine } from "../gateway/line.ts";
import type { Order, Parts } from "../gateway/words.ts";
import type { Journal } from "../journal/append.ts";
import { createRedactor } from "../journal/redact.ts";
import type { Handler } from "../message.ts";
import { toTenants } from "../settings/register.ts";
import type { Settings } from "../settings/schema.ts";
import type { Credentials } from "../tenants/credential.ts";
import { createQuota } from "../tenants/quota.ts";
import { createRegister } from "../tenants/register.ts";
import type { Switchboard } from "../upstream/switchboard.ts";
import { startCredentials } from "./credentials.ts";

/** What is there before the first generation and after the last one. */
export type House = {
  readonly journal: Journal;
  readonly counts: Counts;
  readonly boards: ReadonlyMap<string, Switchboard>;
  /** Told of every order that is about to be sent. */
  readonly watch: (order: Order) => void;
};

export type Generation = {
  readonly settings: Settings;
  /** SHA-256 of the config file, hexadecimal. */
  readonly configHash: string;
  /** The line of this generation. */
  readonly handler: Handler;
  /** To be called when no request of this generation is under way any more. */
  readonly close: () => void;
};

/** Throws when keys or key sets cannot be read. */
export const createGeneration = async (house: House, settings: Settings, configHash: string): Promise<Generation> => {
  const credentials = await startCredentials(settings);
  return { settings, configHash, handler: createLine(partsOf(house, { settings, configHash, credentials })), close: credentials.close };
};

type Read = { readonly settings: Settings; readonly configHash: string; readonly credentials: Credentials };

const partsOf = ({ journal, counts, boards, watch }: House, { settings, configHash, credentials }: Read): Parts => {
  const tenants = toTenants(settings);
  const dialects = new Map(settings.listeners.map(({ name, errors }) => [name, errors]));
  return {
    identify: credentials.identify,
    challenge: credentials.challenge,
    register: createRegister(tenants),
    charge: createQuota(tenants).charge,
    append: counts.timed(journal.append),
    note: journal.note,
    redact: createRedactor(settings.audit.redact, settings.audit.index_key),
    send: counts.waiting((order: Order, gone: () => AbortSignal) => {
      watch(order);
      return boards.get(order.owner.upstream)!.send(order, gone);
    }),
    observe: counts.observe,
    dialect: (listener) => dialects.get(listener) ?? "auto",
    configHash,
  };
};
