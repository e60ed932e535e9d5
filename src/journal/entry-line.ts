/**
 * How an entry is written as a line and read back: one JSON object with `index`, `time`, `kind`, the members of its
 * kind in the order of the table below, and finally its checksum (`integrity/line-checksum.ts`). The bytes of a line
 * are a leaf of the tree, so their form is part of the proof.
 */
import type { Entry, Kind, Recorded } from "./entry.ts";

type Members = { readonly [K in Kind]: Readonly<Record<Exclude<keyof Extract<Entry, { kind: K }>, "kind">, true>> };

/**
 * The last members of an entry that may have a Do-Not-Call's number: recovery and verification read it at its fixed
 * position, at the end of the line.
 */
const NUMBERED = { dnc_sequence: true, dnc: true } as const;

/** The first members of an entry about a request. */
const ASKED = {
  id: true,
  tenant: true,
  client: true,
  credential: true,
  source: true,
  listener: true,
  resource: true,
  identifier: true,
  action: true,
} as const;

const MEMBERS: Members = {
  intent: {
    ...ASKED,
    body: true,
    tokens: true,
    config_hash: true,
    upstream: true,
    epoch: true,
    generation: true,
    announced: true,
    would_refuse: true,
    dropped_fields: true,
    traceparent: true,
    idempotency_key: true,
    attempt_of: true,
    ...NUMBERED,
  },
  outcome: {
    id: true,
    delivery: true,
    origin: true,
    status: true,
    code: true,
    warning: true,
    waits: true,
    lane: true,
    endpoint: true,
    reason: true,
    stage: true,
    setting: true,
    suspected: true,
  },
  refusal: {
    ...ASKED,
    tokens: true,
    announced: true,
    code: true,
    status: true,
    delivery: true,
    detail: true,
    reason: true,
    pointer: true,
    stage: true,
    setting: true,
    presented: true,
    waits: true,
    would_refuse: true,
    upstream: true,
    epoch: true,
    named: true,
    traceparent: true,
    ...NUMBERED,
  },
  replay: {
    ...ASKED,
    first: true,
    status: true,
    code: true,
    delivery: true,
    waits: true,
    traceparent: true,
    idempotency_key: true,
  },
  "in-doubt": { id: true, intent: true, tenant: true, client: true, resource: true, action: true, reason: true },
  flood: {
    source: true,
    listener: true,
    tenant: true,
    client: true,
    action: true,
    resource: true,
    identifier: true,
    tokens: true,
    announced: true,
    second: true,
    seconds: true,
    count: true,
    codes: true,
    first_id: true,
    last_id: true,
  },
  abandoned: { id: true, delivery: true, waits: true },
  config: {
    config_hash: true,
    change: true,
    previous_hash: true,
    file: true,
    detail: true,
    changes: true,
    revocation: true,
    revocations: true,
    index_keys: true,
    by: true,
    user: true,
  },
  start: {
    format: true,
    version: true,
    pid: true,
    config_hash: true,
    torn: true,
    records: true,
    index_keys: true,
    dnc: true,
  },
  stop: { reason: true },
  gap: { reason: true, from: true, to: true, lost: true },
  clock: { from: true, to: true, step_ms: true, unconfirmed: true, confirmed_by: true },
  deleted: {
    from: true,
    to: true,
    segments: true,
    youngest: true,
    dnc: true,
    kinds: true,
    remainders: true,
    revocations: true,
    index_keys: true,
  },
  "set-aside": {
    from: true,
    to: true,
    files: true,
    damage: true,
    intact: true,
    oldest: true,
    youngest: true,
    lost: true,
    user: true,
    behind: true,
    purpose: true,
    before: true,
    dnc: true,
    revocations: true,
    index_keys: true,
  },
  "open-dnc": {
    id: true,
    tenant: true,
    client: true,
    resource: true,
    identifier: true,
    action: true,
    body: true,
    tokens: true,
    upstream: true,
    epoch: true,
    state: true,
    status: true,
    code: true,
    first: true,
    last: true,
    tries: true,
    clients: true,
    closed: true,
  },
  switchover: { upstream: true, from: true, to: true, epoch: true, reason: true, proof: true },
  access: {
    user: true,
    behind: true,
    role: true,
    operation: true,
    query: true,
    purpose: true,
    results: true,
    tokens: true,
    dnc: true,
    verdict: true,
    source: true,
    reason: true,
    count: true,
    digest: true,
    node: true,
  },
  alarm: {
    reason: true,
    tenant: true,
    upstream: true,
    resource: true,
    identifier: true,
    detail: true,
    user: true,
    purpose: true,
    anchor: true,
  },
};

/** In the order in which a line has them. */
export const membersOf = (kind: Kind): readonly string[] => Object.keys(MEMBERS[kind]);

const ORDER = Object.fromEntries(
  Object.entries(MEMBERS).map(([kind, members]) => [kind, ["kind", ...Object.keys(members)]]),
) as Record<Kind, string[]>;

/**
 * The line without its checksum and its `\n`. Undefined members are left out; integers beyond 2^53 may be bigint and
 * are written exactly.
 */
export const writeLine = (index: number, time: string, entry: Entry): string => {
  const order = ORDER[entry.kind];
  const members = isInOrder(entry, order) ? entry : arrange(entry, order);
  return `{"index":${index},"time":"${time}",${stringify(members).slice(1)}`;
};

/** Most entries are created with their members in order and need no copy, which saves 0.5 µs a line (case `cost`). */
const isInOrder = (entry: Entry, order: readonly string[]): boolean => {
  let at = 0;
  for (const name in entry) {
    while (order[at] !== name) if (++at >= order.length) return false;
  }
  return true;
};

const arrange = (entry: Entry, order: readonly string[]): object => {
  const given: Readonly<Record<string, unknown>> = entry;
  return Object.fromEntries(order.map((name) => [name, given[name]]));
};

/**
 * JSON with exact big integers. JSON.stringify throws on a bigint; bodies with one are rare, so only then does this
 * function handle it.
 */
export const stringify = (members: unknown): string => {
  try {
    return JSON.stringify(members);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(members, (_name, value: unknown) =>
      typeof value === "bigint" ? rawJSON(value.toString()) : value,
    );
  }
};

/** ES2026, in Node since 22: text that JSON.stringify copies unchanged. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** The format of the entries that this code writes; format 1 had other names for two kinds. */
export const FORMAT = 2;

/** Kinds of format 1 and their current names. */
const RENAMED: ReadonlyMap<string, Kind> = new Map([
  ["doubt", "in-doubt"],
  ["retired", "deleted"],
]);

/** The kind that a line's `kind` member names, in either format. */
export const kindOf = (word: string): string => RENAMED.get(word) ?? word;

/** The names that lines use for a kind: the current one and, where it differs, that of format 1. */
export const wordsOf = (kind: Kind): readonly string[] => [
  kind,
  ...[...RENAMED].flatMap(([old, now]) => (now === kind ? [old] : [])),
];

/** Parses a line of either format; integers beyond 2^53 become bigint. Throws SyntaxError. */
export const readLine = (line: string): Recorded => {
  const entry = JSON.parse(line, LONG_NUMBER.test(line) ? exact : undefined) as Recorded;
  const kind = RENAMED.get(entry?.kind);
  return kind ? ({ ...entry, kind } as Recorded) : entry;
};

const LONG_NUMBER = /[0-9]{16}/;
const INTEGER = /^-?[0-9]+$/;

const exact = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" && !Number.isSafeInteger(value) && INTEGER.test(context?.source ?? "")
    ? BigInt(context!.source!)
    : value;
