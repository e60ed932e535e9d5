/**
 * The gapless numbers of each tenant's Do-Not-Calls, and what entries about deleted segments state about earlier ones.
 * The number is read at its fixed position in the line, because parsing a million lines takes seconds. Format 2 has a
 * sequence per tenant and OCS, which the line names; format 1 counted by DBID, and each later start states its last
 * number.
 */
import type { Line } from "./walk.ts";

/** The line's CRC-32 follows the number, in journals that have one. */
const NUMBER = /,"dnc":([1-9][0-9]{0,15})(?:,"crc":[0-9]+)?\}$/;
const TAIL_BYTES = 48;
const SEQUENCE = /,"dnc_sequence":"([A-Za-z0-9._-]{1,64}\/[0-9]{1,16})","dnc":[0-9]+(?:,"crc":[0-9]+)?\}$/;
const SEQUENCE_BYTES = 160;
const TENANT = '"tenant":{"dbid":';
const FORMER = ',"dnc":{';
const MOST_TOLD = 20;

/** A line of format 2 names its sequence; in format 1 the sequence is the tenant's DBID. */
const sequenceOf = (bytes: Buffer): string => {
  const named = SEQUENCE.exec(bytes.toString("latin1", Math.max(0, bytes.length - SEQUENCE_BYTES)))?.[1];
  if (named !== undefined) return named;
  const at = bytes.indexOf(TENANT) + TENANT.length;
  return /^\d+/.exec(bytes.toString("latin1", at, at + 16))?.[0] ?? "?";
};

const nameOf = (sequence: string): string => {
  const [upstream, dbid] = sequence.split("/");
  return dbid === undefined ? `tenant ${sequence}` : `tenant ${dbid} of ${upstream}`;
};

/** `passed`: entries before the last number of which only the hashes are left. `late`: the same, before the first. */
type Stretch = { readonly first: number; readonly late: number; last: number; passed: number };

export class DncNumbering {
  readonly #retirements: { readonly index: number; readonly to: number }[] = [];
  #before: Readonly<Record<string, number>> = {};
  /** By sequence. */
  readonly #stretches = new Map<string, Stretch>();
  readonly #gaps: string[] = [];
  /** By sequence, what the last start stated, and what was found by then. */
  readonly #startStatements = new Map<
    string,
    { readonly number: number; readonly where: string; readonly found: number }
  >();

  /**
   * Entries so far of which only the hashes are left, between the lines and before all lines. Each may have had a
   * number.
   */
  #passed = 0;
  #passedBefore = 0;

  /** `before`: the last numbers before a mark. */
  constructor(before: Readonly<Record<string, number>> = {}) {
    this.#before = before;
  }

  take({ bytes, head }: Line, where: string): void {
    if (head?.kind === "deleted") return this.#retire(bytes);
    if (head?.kind === "start") return this.#checkFormer(bytes, where);
    const number = Number(NUMBER.exec(bytes.toString("latin1", Math.max(0, bytes.length - TAIL_BYTES)))?.[1]);
    if (Number.isNaN(number)) return;
    const sequence = sequenceOf(bytes);
    const stretch = this.#stretches.get(sequence);
    if (!stretch)
      return void this.#stretches.set(sequence, {
        first: number,
        last: number,
        late: this.#passed,
        passed: this.#passed,
      });
    const most = stretch.last + 1 + this.#passed - stretch.passed;
    if (number <= stretch.last || number > most)
      this.#gaps.push(
        `${where} has Do-Not-Call ${number} of ${nameOf(sequence)}, but the previous one is ${stretch.last}`,
      );
    stretch.last = number;
    stretch.passed = this.#passed;
  }

  /** This many entries between two lines were set aside. */
  pass(count: number): void {
    this.#passed += count;
  }

  /** This many entries before the first line were set aside. */
  passBefore(count: number): void {
    this.#passedBefore = count;
  }

  /**
   * Entries below the result were deleted, as entries below `covered` state: an attacker who deletes can write an
   * entry, but not a checkpoint that covers it.
   */
  retired(covered: number): number {
    return Math.max(0, ...this.#retirements.filter(({ index }) => index < covered).map(({ to }) => to));
  }

  /** The last numbers, by sequence. */
  upTo(): Record<string, number> {
    return Object.fromEntries([...this.#stretches].map(([sequence, { last }]) => [sequence, last]));
  }

  gaps(): readonly string[] {
    const late = [...this.#stretches]
      .filter(
        ([sequence, { first, late: passed }]) =>
          first > (this.#before[sequence] ?? 0) + 1 + passed + this.#passedBefore,
      )
      .map(([sequence, { first }]) => {
        const deleted = this.#before[sequence];
        const expected = deleted === undefined ? "should begin with 1" : `the deleted ones end with ${deleted}`;
        return `the Do-Not-Calls of ${nameOf(sequence)} begin with number ${first}, but ${expected}`;
      });
    return [...late, ...this.#gaps, ...this.#endings()].slice(0, MOST_TOLD);
  }

  /** Compares what starts state about format 1 with what was found and what was deleted. */
  #endings(): string[] {
    return [...this.#startStatements].flatMap(([sequence, { number, where, found }]) => {
      const last = Math.max(found, this.#before[sequence] ?? 0);
      return number === last || found > number || number <= last + this.#passed + this.#passedBefore
        ? []
        : [
            `${where} says that the Do-Not-Calls of ${nameOf(sequence)} went up to ${number}, but ` +
              `${last === 0 ? "there are none" : `the last one is ${last}`}`,
          ];
    });
  }

  #checkFormer(bytes: Buffer, where: string): void {
    if (!bytes.includes(FORMER)) return;
    for (const [sequence, number] of Object.entries(parse(bytes).dnc))
      this.#startStatements.set(sequence, { number, where, found: this.#stretches.get(sequence)?.last ?? 0 });
  }

  #retire(bytes: Buffer): void {
    const { index, to, dnc } = parse(bytes);
    this.#retirements.push({ index, to });
    this.#before = { ...this.#before, ...dnc };
  }
}

type Retirement = { readonly index: number; readonly to: number; readonly dnc: Readonly<Record<string, number>> };

/** A changed line can contain anything. */
const parse = (bytes: Buffer): Retirement => {
  try {
    const { index, to, dnc } = JSON.parse(bytes.toString()) as Partial<Retirement>;
    return { index: index ?? Infinity, to: to ?? 0, dnc: dnc ?? {} };
  } catch {
    return { index: Infinity, to: 0, dnc: {} };
  }
};
