/** Reads a file for the linter: at most as large as its kind allows, and as the text of its encoding. */
import { open } from "node:fs/promises";
import { reason } from "../../common/system-error.ts";
import { Lines } from "../../lint/lines.ts";
import type { Named } from "./files.ts";

/** `fault`: why the text, or a part of it, is not that of the file. */
export type FileText = { readonly text: string; readonly fault?: Fault };
type Fault = { readonly line: number; readonly column: number; readonly message: string };

const START = { line: 1, column: 1 };

/** Never rejects: a file that cannot be read is a fault. */
export const readText = async ({ path, kind }: Named): Promise<FileText> => {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > kind.most) {
      const most = kind.most / 1024 / 1024;
      return {
        text: "",
        fault: { ...START, message: `larger than ${most} MiB, the most that lint reads of a ${kind.name} file` },
      };
    }
    return decoded(await file.readFile());
  } catch (error) {
    return { text: "", fault: { ...START, message: reason(error) } };
  }
};

const decoded = (bytes: Buffer): FileText => {
  const label = encodingOf(bytes);
  const isKnown = label !== undefined;
  const text = new TextDecoder(label ?? "utf-8").decode(bytes);
  if (isKnown || !text.includes("\uFFFD")) return { text };
  // The character may also stand in the file as it is.
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text };
  } catch {
    const place = new Lines(text).place(text.indexOf("\uFFFD"));
    return { text, fault: { ...place, message: "bytes that are not UTF-8; the rest was read" } };
  }
};

/** UTF-16 by its mark, and the encoding that an XML declaration names; undefined for UTF-8. */
const encodingOf = (bytes: Buffer): string | undefined => {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const head = bytes.subarray(0, 200).toString("latin1");
  const [, named] = /^<\?xml[^>]{0,100}encoding=["']([\w.:-]{1,40})["']/i.exec(head) ?? [];
  if (named === undefined || /^utf-?(?:8|16)$/i.test(named)) return undefined;
  try {
    return new TextDecoder(named).encoding;
  } catch {
    return undefined;
  }
};
