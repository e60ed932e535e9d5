/**
 * What of the lines that are there must be known to go on: the DoNotCall numbers, which intents have no end yet, the check values
 * of index keys and what is revoked. A line's bytes are looked at
 * where its form puts what is wanted, because to parse a million lines takes seconds.
 */
import { Asides } from "./asides.ts";
import { ClockTrust } from "./clock-trust.ts";
import type { Deleted, Entry } from "./entry.ts";
import { readLine, wordsOf } from "./entry-line.ts";
import { KeyRegister } from "./key-checks.ts";
import { Numbers, sequenceName } from "./numbers.ts";
import { RevokedSet } from "./revoked.ts";
import { SEAL_BYTES } from "./seal.ts";

/** `{"index":7,"time":"2026-11-22T12:04:31.218123Z","kind":"`: the length behind the index. */
const UP_TO_KIND = ',"time":"2026-11-22T12:04:31.218123Z","kind":"'.length;
const INDEX_START = '{"index":'.length;
const HEAD_BYTES = 80;
/** `,"dnc":` and up to 16 digits, then the seal. */
const TAIL_BYTES = 24 + SEAL_BYTES;

const HEAD = /^(intent|outcome|abandoned|in-doubt|doubt)","id":"([^"]*)"/;
const NUMBER = /,"dnc":([1-9][0-9]{0,15}),"crc":[0-9]+\}$/;
/** Of format 2, before it: the name of an upstream, a slash, a DBID. */
const SEQUENCE = /,"dnc_sequence":"([A-Za-z0-9._-]{1,64}\/[0-9]{1,16})","dnc":[0-9]+,"crc":[0-9]+\}$/;
const SEQUENCE_BYTES = 120;
const TENANT = '"tenant":{"dbid":';
/** Few, and read as a whole. */
const READ = [...wordsOf("deleted"), "set-aside", "config", "start", "clock"].map((word) => `${word}"`);

export type LineNumber = { readonly sequence: string; readonly number: number };

export class Trail {
  readonly numbers = new Numbers();
  readonly keys = new KeyRegister();
  readonly revoked = new RevokedSet();
  /** Intents without an outcome: their index by id. */
  readonly open = new Map<string, number>();

  /** What the entries about the clock say. */
  readonly clock = new ClockTrust();

  /** Segments that were set aside. */
  readonly asides = new Asides();

  /** The last entry that says what was deleted. */
  deleted: Deleted | undefined;

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

  /** An entry that is to be written at this index, with what the journal adds to it. `took` says that it has its place. `now`: as of `RevokedSet`. */
  given(entry: Entry, index: number, now: () => number): Entry {
    return this.keys.given(this.revoked.given(this.numbers.given(entry), now), index);
  }

  took(entry: Entry): void {
    this.numbers.took(entry);
    this.keys.took(entry);
    this.revoked.took(entry);
  }

  settled(entry: Entry): void {
    this.revoked.settled(entry);
  }

  /** It is not on disk after all, and so none behind it is. */
  lost(entry: Entry): void {
    this.numbers.lost(entry);
    this.keys.lost(entry);
    this.revoked.lost(entry);
  }

  /** The same as `add` of an entry that has reached the disk as the line of this index. */
  take(entry: Entry, index: number): void {
    switch (entry.kind) {
      case "intent":
        this.open.set(entry.id, index);
        break;
      case "outcome":
      case "abandoned":
      case "in-doubt":
        this.open.delete(entry.id);
        break;
      case "deleted":
      case "set-aside":
      case "config":
      case "start":
      case "clock":
        this.#restore(entry, index);
    }
    this.numbers.took(entry);
  }

  #restore(entry: Entry, index: number): void {
    if ("index_keys" in entry) this.keys.found(entry.index_keys ?? {});
    this.revoked.took(entry);
    this.revoked.settled(entry);
    if (entry.kind === "clock") this.clock.take(entry);
    if (entry.kind === "set-aside") {
      this.asides.take(entry, index);
      this.numbers.restore(entry.dnc ?? {});
    }
    if (entry.kind !== "deleted") return;
    this.deleted = entry;
    this.asides.forget(entry);
    this.numbers.restore(entry.dnc);
  }
}

/** The DoNotCall number at the end of a line: nothing that a client sends can stand there. */
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
