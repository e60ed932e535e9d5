/**
 * What the writer must know of the existing lines: the DoNotCall numbers, intents without an end, the check values of
 * index keys and the revocations. The scan reads fields at fixed positions in a line's bytes, because parsing a million
 * lines takes seconds.
 */
import { SetAsideRanges } from "../../segments/set-aside-ranges.ts";
import { ClockTrust } from "../clock/clock-trust.ts";
import type { Deleted, Entry, Remainder } from "../../entry.ts";
import { readLine, wordsOf } from "../../entry-line.ts";
import { beginsRequest, endsRequest, isRestoring, REQUEST_KINDS, RESTORING_KINDS } from "../../kinds.ts";
import { KeyRegister } from "../../integrity/key-checks.ts";
import { DncSequences, sequenceName } from "../dnc-sequence.ts";
import { RevokedSet } from "../../revocations/revoked-set.ts";
import { CHECKSUM_BYTES } from "../../integrity/line-checksum.ts";

/** `{"index":7,"time":"2026-11-22T12:04:31.218123Z","kind":"`: the length after the index. */
const UP_TO_KIND = ',"time":"2026-11-22T12:04:31.218123Z","kind":"'.length;
const INDEX_START = '{"index":'.length;
const HEAD_BYTES = 80;
/** `,"dnc":` and up to 16 digits, then the checksum. */
const TAIL_BYTES = 24 + CHECKSUM_BYTES;

/** The start of lines whose kind begins or ends a request. */
const HEAD = new RegExp(`^(${REQUEST_KINDS.flatMap(wordsOf).join("|")})","id":"([^"]*)"`);
const NUMBER = /,"dnc":([1-9][0-9]{0,15}),"crc":[0-9]+\}$/;
/** In format 2, before the number: the name of an upstream, a slash, a DBID. */
const SEQUENCE = /,"dnc_sequence":"([A-Za-z0-9._-]{1,64}\/[0-9]{1,16})","dnc":[0-9]+,"crc":[0-9]+\}$/;
const SEQUENCE_BYTES = 120;
const TENANT = '"tenant":{"dbid":';
/** Kinds that are rare and whose lines are parsed. */
const READ = RESTORING_KINDS.flatMap(wordsOf).map((word) => `${word}"`);

export type LineNumber = { readonly sequence: string; readonly number: number };

export class RecoveryScan {
  readonly numbers = new DncSequences();
  readonly keys = new KeyRegister();
  readonly revoked = new RevokedSet();
  /** Intents without an outcome: their index by id. */
  readonly open = new Map<string, number>();

  /** What the entries about the clock say. */
  readonly clock = new ClockTrust();

  readonly setAsideRanges = new SetAsideRanges();

  /** The last entry that states deletions. */
  deleted: Deleted | undefined;

  /** Its index. */
  deletedBy: number | undefined;

  /**
   * By the first index of a segment, what the entries read so far state about its deleted lines. Not part of a start
   * state.
   */
  readonly remainders = new Map<number, Remainder[]>();

  /** bytes[start, end) is the line of this index. */
  add(bytes: Buffer, start: number, end: number, index: number): void {
    const at = start + INDEX_START + digitsOf(index) + UP_TO_KIND;
    const head = bytes.toString("latin1", at, Math.min(end, at + HEAD_BYTES));
    const [, kind, id] = HEAD.exec(head) ?? [];
    if (kind === "intent") this.open.set(id!, index);
    else if (id !== undefined) this.open.delete(id);
    else if (READ.some((word) => head.startsWith(word)))
      this.#restore(readLine(bytes.toString("utf8", start, end)), index);
    const found = numberIn(bytes, start, end);
    if (found) this.numbers.found(found.sequence, found.number);
  }

  /**
   * An entry to be written at this index, with the members that the journal adds. `accept` confirms it. `now`: as in
   * `RevokedSet`.
   */
  given(entry: Entry, index: number, now: () => number): Entry {
    return this.keys.withKeyChecks(this.revoked.given(this.numbers.given(entry), now), index);
  }

  accept(entry: Entry): void {
    this.numbers.accept(entry);
    this.keys.onPlaced(entry);
    this.revoked.accept(entry);
  }

  settled(entry: Entry): void {
    this.revoked.settled(entry);
  }

  /** The entry is not on disk, so neither is any later one. */
  lost(entry: Entry): void {
    this.numbers.lost(entry);
    this.keys.onLost(entry);
    this.revoked.lost(entry);
  }

  /** The same as `add`, for an entry that has reached the disk as the line of this index. */
  take(entry: Entry, index: number): void {
    if (beginsRequest(entry)) this.open.set(entry.id, index);
    else if (endsRequest(entry)) this.open.delete(entry.id);
    else if (isRestoring(entry)) this.#restore(entry, index);
    this.numbers.accept(entry);
  }

  #restore(entry: Entry, index: number): void {
    if ("index_keys" in entry) this.keys.addFromJournal(entry.index_keys ?? {});
    this.revoked.accept(entry);
    this.revoked.settled(entry);
    if (entry.kind === "clock") this.clock.take(entry);
    if (entry.kind === "set-aside") {
      this.setAsideRanges.add(entry, index);
      this.numbers.restore(entry.dnc ?? {});
    }
    if (entry.kind !== "deleted") return;
    this.deleted = entry;
    this.deletedBy = index;
    for (const each of entry.remainders ?? [])
      this.remainders.set(each.from, [...(this.remainders.get(each.from) ?? []), each]);
    this.setAsideRanges.forget(entry);
    this.numbers.restore(entry.dnc);
  }
}

/** The DoNotCall number at the end of a line: nothing that a client sends can appear there. */
export const numberIn = (bytes: Buffer, start: number, end: number): LineNumber | undefined => {
  const number = NUMBER.exec(bytes.toString("latin1", Math.max(start, end - TAIL_BYTES), end))?.[1];
  if (number === undefined) return undefined;
  return { sequence: sequenceIn(bytes, start, end), number: Number(number) };
};

const sequenceIn = (bytes: Buffer, start: number, end: number): string => {
  const sequence = SEQUENCE.exec(
    bytes.toString("latin1", Math.max(start, end - TAIL_BYTES - SEQUENCE_BYTES), end),
  )?.[1];
  if (sequence !== undefined) return sequence;
  const tenant = bytes.indexOf(TENANT, start, "latin1");
  return sequenceName(
    undefined,
    Number.parseInt(bytes.toString("latin1", tenant + TENANT.length, tenant + TENANT.length + 16), 10),
  );
};

const digitsOf = (index: number): number => String(index).length;
