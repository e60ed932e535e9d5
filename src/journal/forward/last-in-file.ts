/**
 * What a destination file already has: after a crash, entries may be in it that the position does not count yet. So a
 * file never has an entry twice.
 */
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { openToWrite } from "../../common/file-owner.ts";
import { readAll } from "../disk.ts";
import { requireFile } from "../receivers/append-file.ts";

/** The longest line that an entry can become. */
const TAIL_BYTES = 4 << 20;

/**
 * Removes an incomplete last line that a crash of the gateway left, and resolves to the last line; undefined if there
 * is none. Rejects for an incomplete line of somebody else.
 */
export const lastLineIn = async (path: string): Promise<string | undefined> => {
  if (!(await requireFile(path))) return undefined;
  const file = await openToWrite(path, constants.O_RDWR);
  try {
    const { size } = await file.stat();
    return await lastOf(file, size, path);
  } finally {
    await file.close();
  }
};

const lastOf = async (file: FileHandle, size: number, path: string): Promise<string | undefined> => {
  const start = Math.max(0, size - TAIL_BYTES);
  const reader = {
    read: async (into: Uint8Array, at: number) => (await file.read(into, 0, into.length, at)).bytesRead,
  };
  const tail = await readAll(reader, start, size - start);
  const end = tail.lastIndexOf("\n") + 1;
  if (end === 0 && start > 0) return undefined;
  if (end < tail.length) {
    if (!isBegun(tail.toString("latin1", end, end + HEAD_BYTES)))
      throw new Error(`the last line of ${path} is incomplete, and is not a journal entry; name another file`);
    await file.truncate(start + end);
  }
  if (end === 0) return undefined;
  const text = tail.toString("utf8", 0, end - 1);
  return text.slice(text.lastIndexOf("\n") + 1);
};

const HEAD_BYTES = 32;
const OCSF_HEAD = '{"category_uid":6,';

/** Whether a line begins as those that the gateway forwards, as far as it goes. */
const isBegun = (head: string): boolean =>
  head.startsWith(OCSF_HEAD) || OCSF_HEAD.startsWith(head) || /^<(?:\d{0,3}|\d{1,3}>(?:1(?: .*)?)?)$/.test(head);

/** The journal's line in a forwarded line of either format; undefined for a gap message and for foreign lines. */
export const journalLineIn = (line: string): { readonly index: number; readonly text: string } | undefined => {
  const text = line.startsWith("{") ? rawDataOf(line) : /\{"index":.*$/.exec(line)?.[0];
  const index = /^\{"index":(\d{1,15}),/.exec(text ?? "")?.[1];
  return text === undefined || index === undefined ? undefined : { index: Number(index), text };
};

const rawDataOf = (line: string): string | undefined => {
  try {
    const { raw_data: raw } = JSON.parse(line) as { readonly raw_data?: unknown };
    return typeof raw === "string" ? raw : undefined;
  } catch {
    return undefined;
  }
};
