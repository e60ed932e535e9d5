/**
 * The gapless numbers of each tenant's Do-Not-Calls, and what entries about deleted segments say of those before. A line is looked at where its
 * form puts the number, because to parse a million lines takes seconds.
 */
import type { Line } from "./walk.ts";

/** Behind it stands the line's CRC-32, in journals that have one. */
const NUMBER = /,"dnc":([1-9][0-9]{0,15})(?:,"crc":[0-9]+)?\}$/;
const TAIL_BYTES = 48;
const TENANT = '"tenant":{"dbid":';
const MOST_TOLD = 20;

type Stretch = { readonly first: number; last: number };

export class Numbering {
  readonly #retirements: { readonly index: number; readonly to: number }[] = [];
  #before: Readonly<Record<string, number>> = {};
  readonly #tenants = new Map<string, Stretch>();
  readonly #gaps: string[] = [];

  take({ bytes, head }: Line, where: string): void {
    if (head?.kind === "deleted") return this.#retire(bytes);
    const number = Number(NUMBER.exec(bytes.toString("latin1", Math.max(0, bytes.length - TAIL_BYTES)))?.[1]);
    if (Number.isNaN(number)) return;
    const at = bytes.indexOf(TENANT) + TENANT.length;
    const dbid = /^\d+/.exec(bytes.toString("latin1", at, at + 16))?.[0] ?? "?";
    const stretch = this.#tenants.get(dbid);
    if (!stretch) return void this.#tenants.set(dbid, { first: number, last: number });
    if (number !== stretch.last + 1) this.#gaps.push(`${where} has Do-Not-Call ${number} of tenant ${dbid}, and the one before it had ${stretch.last}`);
    stretch.last = number;
  }

  /** Entries below it were deleted, by what entries below `covered` say: whoever deletes can write one that no checkpoint covers. */
  retired(covered: number): number {
    return Math.max(0, ...this.#retirements.filter(({ index }) => index < covered).map(({ to }) => to));
  }

  upTo(): Record<string, number> {
    return Object.fromEntries([...this.#tenants].map(([dbid, { last }]) => [dbid, last]));
  }

  gaps(): readonly string[] {
    const late = [...this.#tenants].filter(([dbid, { first }]) => first > (this.#before[dbid] ?? 0) + 1).map(([dbid, { first }]) =>
      `the Do-Not-Calls of tenant ${dbid} begin with number ${first}, and ${this.#before[dbid] === undefined ? "should with 1" : `those that were deleted end with ${this.#before[dbid]}`}`);
    return [...late, ...this.#gaps].slice(0, MOST_TOLD);
  }

  #retire(bytes: Buffer): void {
    const { index, to, dnc } = parse(bytes);
    this.#retirements.push({ index, to });
    this.#before = dnc;
  }
}

type Retirement = { readonly index: number; readonly to: number; readonly dnc: Readonly<Record<string, number>> };

/** A line that was changed may be anything. */
const parse = (bytes: Buffer): Retirement => {
  try {
    const { index, to, dnc } = JSON.parse(bytes.toString()) as Partial<Retirement>;
    return { index: index ?? Infinity, to: to ?? 0, dnc: dnc ?? {} };
  } catch {
    return { index: Infinity, to: 0, dnc: {} };
  }
};
