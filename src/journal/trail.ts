/**
 * What of the lines that are there must be known to go on: the DoNotCall numbers, and which intents have no end yet. A line's bytes are looked at
 * where its form puts what is wanted, because to parse a million lines takes seconds.
 */
import { readLine, wordsOf, type Deleted } from "./entry.ts";
import { Numbers } from "./numbers.ts";
import { SEAL_BYTES } from "./seal.ts";

/** `{"index":7,"time":"2026-11-22T12:04:31.218123Z","kind":"`: the length behind the index. */
const UP_TO_KIND = ',"time":"2026-11-22T12:04:31.218123Z","kind":"'.length;
const INDEX_START = '{"index":'.length;
const HEAD_BYTES = 80;
/** `,"dnc":` and up to 16 digits, then the seal. */
const TAIL_BYTES = 24 + SEAL_BYTES;

const HEAD = /^(intent|outcome|abandoned|in-doubt|doubt)","id":"([^"]*)"/;
const NUMBER = /,"dnc":([1-9][0-9]{0,15}),"crc":[0-9]+\}$/;
const TENANT = '"tenant":{"dbid":';
const DELETED = wordsOf("deleted").map((word) => `${word}"`);

export type LineNumber = { readonly dbid: number; readonly number: number };

export class Trail {
  readonly numbers = new Numbers();
  /** Intents without an outcome: their index by id. */
  readonly open = new Map<string, number>();

  /** The last entry that says what was deleted. */
  deleted: Deleted | undefined;

  /** bytes[start, end) is the line of this index. */
  add(bytes: Buffer, start: number, end: number, index: number): void {
    const at = start + INDEX_START + digitsOf(index) + UP_TO_KIND;
    const head = bytes.toString("latin1", at, Math.min(end, at + HEAD_BYTES));
    const [, kind, id] = HEAD.exec(head) ?? [];
    if (kind === "intent") this.open.set(id!, index);
    else if (id !== undefined) this.open.delete(id);
    else if (DELETED.some((word) => head.startsWith(word))) this.#restore(bytes.toString("utf8", start, end));
    const found = numberIn(bytes, start, end);
    if (found) this.numbers.found(found.dbid, found.number);
  }

  #restore(line: string): void {
    this.deleted = readLine(line) as unknown as Deleted;
    for (const [dbid, number] of Object.entries(this.deleted.dnc)) this.numbers.found(Number(dbid), number);
  }
}

/** The DoNotCall number at the end of a line: nothing that a client sends can stand there. */
export const numberIn = (bytes: Buffer, start: number, end: number): LineNumber | undefined => {
  const number = NUMBER.exec(bytes.toString("latin1", Math.max(start, end - TAIL_BYTES), end))?.[1];
  if (number === undefined) return undefined;
  const tenant = bytes.indexOf(TENANT, start, "latin1");
  return { dbid: Number.parseInt(bytes.toString("latin1", tenant + TENANT.length, tenant + TENANT.length + 16), 10), number: Number(number) };
};

const digitsOf = (index: number): number => String(index).length;
