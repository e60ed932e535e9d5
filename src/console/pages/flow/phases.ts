/** Where the time of a request went, from the times in its entries. */
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { S } from "../../strings.ts";

/** Milliseconds since the request arrived. */
export type Phase = {
  readonly name: string;
  readonly kind: "gateway" | "queue" | "ocs" | "lost";
  readonly start: number;
  readonly end: number;
};

export type Timeline = {
  readonly phases: readonly Phase[];
  readonly total: number;
  readonly gateway: number;
  readonly queue: number;
  readonly ocs: number;
};

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The time in a request id, in milliseconds since 1970; undefined if it has none. */
export const timeInId = (id: string): number | undefined => {
  const digits = id.slice(0, 10).split("");
  const values = digits.map((digit) => ALPHABET.indexOf(digit.toUpperCase()));
  return values.length === 10 && values.every((value) => value >= 0)
    ? values.reduce((sum, value) => sum * 32 + value, 0)
    : undefined;
};

/** Undefined while the request is under way, and where its times were not recorded. */
export const timelineOf = (flow: TransactionJson): Timeline | undefined => {
  const { total, queue = 0, ocs = 0, lane, state } = flow;
  if (total === undefined) return undefined;
  const { phases: names } = S.flow;
  const gateway = Math.max(0, total - queue - ocs);
  if (ocs === 0 && queue === 0)
    return { phases: [{ name: names.refusal, kind: "gateway", start: 0, end: total }], total, gateway, queue, ocs };
  const before = checksBefore(flow, gateway);
  const isLost = state === "no-answer" || state === "in-doubt";
  const parts: readonly [name: string, kind: Phase["kind"], ms: number][] = [
    [names.checks, "gateway", before],
    [lane === undefined ? names.queue : names.queueFor(lane), "queue", queue],
    [isLost ? names.reset : names.ocs, isLost ? "lost" : "ocs", ocs],
    [names.finish, "gateway", gateway - before],
  ];
  let start = 0;
  const phases = parts.map(([name, kind, ms]): Phase => ({ name, kind, start, end: (start += ms) }));
  return { phases, total, gateway, queue, ocs };
};

/** The intent is on disk before the wait begins; the request's id has the time of its arrival. */
const checksBefore = ({ id, entries: [first] }: TransactionJson, gateway: number): number => {
  const arrived = id === undefined ? undefined : timeInId(id);
  const intended = first?.kind === "intent" ? Date.parse(first.time) : Number.NaN;
  const ms = arrived === undefined ? Number.NaN : intended - arrived;
  return Number.isNaN(ms) ? gateway / 2 : Math.min(gateway, Math.max(0, ms));
};
