/** Open Do-Not-Calls as rows, which the index passes to the counter, and their counts by tenant. */
import { setImmediate } from "node:timers/promises";
import type { Scope } from "./dnc-scope.ts";

/** How the last attempt ended. */
export type Ended = { readonly state: string; readonly status?: number; readonly code?: string };

/** An open Do-Not-Call: one subject and one scope. */
export type Open = {
  readonly scope: Scope;
  /** Indexes of the entries of its first and last attempt. */
  from: number;
  at: number;
  /** Of the last attempt. */
  id: string;
  /** The tenant's name; null if the request did not name one. */
  tenant: string | null;
  clients: readonly string[];
  /** Microseconds since 1970, the times of the first and last attempt. */
  first: number;
  last: number;
  tries: number;
  ended: Ended;
};

/** `oldest`: microseconds since 1970. */
export type TenantCount = { readonly tenant: string | null; readonly open: number; readonly oldest: number };

/**
 * Counts by tenant of an OCS, whatever its name was. `upstream`: "" for entries that do not name the OCS, as in format
 * 1. Both are null if the request did not name one of its client's tenants. `oldest`: microseconds since 1970.
 */
export type OwnerCount = {
  readonly upstream: string | null;
  readonly dbid: number | null;
  readonly open: number;
  readonly oldest: number;
};

/** What the index knows after the first `size` entries. */
export type Snapshot = {
  readonly size: number;
  readonly count: number;
  readonly tenants: readonly TenantCount[];
  /**
   * One JSON line each, from `writeRow`: a single text passes between threads quickly. Undefined when there are more
   * than requested.
   */
  readonly rows: string | undefined;
};

export type Row = readonly [subject: string, open: Open];

/** Rows per turn of the event loop: some milliseconds. */
const ROWS_AT_ONCE = 2000;

export const writeRow = (subject: string, open: Open): string => JSON.stringify([subject, open] satisfies Row);

export const countByTenant = (all: Iterable<readonly Open[]>): TenantCount[] => {
  const counts = new Map<string | null, { tenant: string | null; open: number; oldest: number }>();
  for (const opens of all) {
    for (const { tenant, first } of opens) {
      const count = counts.get(tenant);
      if (!count) counts.set(tenant, { tenant, open: 1, oldest: first });
      else Object.assign(count, { open: count.open + 1, oldest: Math.min(count.oldest, first) });
    }
  }
  return [...counts.values()];
};

/** `rows`: by subject, whose JSON begins with the owner (`dnc-scope.ts`). */
export const countByOwner = (rows: Iterable<readonly [subject: string, opens: readonly Open[]]>): OwnerCount[] => {
  const counts = new Map<string, { open: number; oldest: number }>();
  for (const [subject, opens] of rows) {
    const owner = subject.slice(0, subject.indexOf(",", subject.indexOf(",") + 1));
    let count = counts.get(owner);
    if (!count) counts.set(owner, (count = { open: 0, oldest: Infinity }));
    for (const { first } of opens) {
      count.open++;
      count.oldest = Math.min(count.oldest, first);
    }
  }
  const nobody = [...counts].filter(([owner]) => owner.startsWith(NO_TENANT)).map(([, count]) => count);
  const owned = [...counts].filter(([owner]) => !owner.startsWith(NO_TENANT));
  return [
    ...owned.map(([owner, count]) => {
      const [upstream, dbid] = JSON.parse(`${owner}]`) as [string, number];
      return { upstream, dbid, ...count };
    }),
    ...(nobody.length === 0
      ? []
      : [
          {
            upstream: null,
            dbid: null,
            open: nobody.reduce((sum, { open }) => sum + open, 0),
            oldest: Math.min(...nobody.map(({ oldest }) => oldest)),
          },
        ]),
  ];
};

/** The owner of a Do-Not-Call for none of its client's tenants. */
const NO_TENANT = '["?"';

export const readRows = async (rows: string): Promise<Map<string, Open[]>> => {
  const read = new Map<string, Open[]>();
  const lines = rows === "" ? [] : rows.split("\n");
  for (let from = 0; from < lines.length; from += ROWS_AT_ONCE) {
    for (const line of lines.slice(from, from + ROWS_AT_ONCE)) addRow(read, JSON.parse(line) as Row);
    await setImmediate();
  }
  return read;
};

export const addRow = (read: Map<string, Open[]>, [subject, open]: Row): void =>
  void read.set(subject, [...(read.get(subject) ?? []), { ...open }]);
