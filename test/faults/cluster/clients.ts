/** Clients of several gateways: they ask any of them, and repeat at another one what they may repeat. */
import { below, between } from "../random.ts";
import { exchange, type Seen } from "./exchange.ts";
import type { ClusterNode } from "./node.ts";
import type { DialedRecord } from "./records.ts";
import { addRecord, doNotCall, finalize, handedOver, LIMITED, readStatus, type Ask } from "./world.ts";

export type Attempt = { readonly node: string; readonly issued: number; readonly seen: Seen | undefined };
/** A request with its repetitions. `record`: of a request by handle. */
export type Case = {
  readonly ask: Ask;
  readonly attempts: Attempt[];
  readonly record?: DialedRecord;
};

export type ClientOptions = {
  readonly nodes: readonly ClusterNode[];
  readonly random: () => number;
  readonly cases: Case[];
};

const MOST_ATTEMPTS = 6;
const BACK_OFF_MS = [20, 300] as const;

/** Sends it, and again while the reply says that this is safe, or for a request that may be repeated, none comes. */
export const pursue = async (
  { nodes, random, cases }: ClientOptions,
  ask: Ask,
  record?: DialedRecord,
): Promise<Case> => {
  const one: Case = { ask, attempts: [], ...(record && { record }) };
  cases.push(one);
  // Without a key or a handle a client cannot know whether a request without a reply may be repeated.
  const most = ask.kind === "dnc" || ask.kind === "read" ? 1 : MOST_ATTEMPTS;
  while (one.attempts.length < most) {
    const node = pick(nodes, random);
    const issued = performance.now();
    const seen = await exchange(node.relays.clients.port, ask.bytes);
    one.attempts.push({ node: node.name, issued, seen });
    if (seen && !mayRepeat(seen)) break;
    await rest(between(random, ...BACK_OFF_MS));
  }
  return one;
};

const mayRepeat = ({ status, repeat, code }: Seen): boolean =>
  repeat === "safe" || code === "OCSGW-3101" || (status >= 500 && repeat === undefined);

/** A load balancer knows which gateways run; it does not know which stand still. */
const pick = (nodes: readonly ClusterNode[], random: () => number): ClusterNode => {
  const running = nodes.filter(({ isRunning, isStopped }) => isRunning || isStopped);
  const choice = running.length > 0 ? running : nodes;
  return choice[below(random, choice.length)]!;
};

export type Seat = ClientOptions & {
  readonly tenant: number;
  readonly name: string;
  /** True while there is more to ask; each call takes one. */
  readonly more: () => boolean;
  /** Milliseconds between requests, in the mean. */
  readonly think: number;
};

/** Asks one request after the other. */
export const work = async (seat: Seat): Promise<void> => {
  const { tenant, random, name, more, think } = seat;
  for (let count = 0; more(); count++) {
    const marker = `${tenant}-${name}-${count}`;
    const phone = `4155550${100 + below(random, 100)}`;
    await pursue(seat, anAsk(below(random, 20), tenant, marker, phone));
    if (tenant !== LIMITED || think > 50) await rest(between(random, 0, 2 * think));
  }
};

const anAsk = (kind: number, tenant: number, marker: string, phone: string): Ask => {
  if (kind === 0) return handedOver(tenant, marker, phone);
  if (kind < 3) return readStatus(tenant, marker);
  return kind < 8 ? doNotCall(tenant, marker, phone) : addRecord(tenant, marker, phone);
};

/** What the agent of a dialed record does: once or twice at the same time, through any gateway. */
export const finish = async (options: ClientOptions, record: DialedRecord, intruder: number): Promise<void> => {
  const { random } = options;
  await rest(between(random, 5, 400));
  const name = `${record.tenant}-r${record.life}.${record.handle}.${Math.round(record.announcedAt)}`;
  const asks = [pursue(options, finalize(record.tenant, `${name}-a`, record.handle), record)];
  if (random() < 0.3) asks.push(pursue(options, finalize(record.tenant, `${name}-b`, record.handle), record));
  if (random() < 0.15) asks.push(pursue(options, finalize(intruder, `${name}-x`, record.handle), record));
  for (const { ask, attempts } of await Promise.all(asks)) {
    const last = attempts.at(-1)?.seen;
    if (ask.tenant === record.tenant && last?.origin === "ocs" && last.status === 200)
      record.finalizationSeenAt = Math.min(record.finalizationSeenAt ?? Infinity, last.at);
  }
  // One more comes late: nothing is carried out again.
  if (record.finalizationSeenAt !== undefined && random() < 0.3) {
    await rest(between(random, 5, 200));
    await pursue(options, finalize(record.tenant, `${name}-z`, record.handle), record);
  }
};

export const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
