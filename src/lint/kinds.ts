/** The kinds of files that the linter reads: their names, the endings of their files, and their readers. */
import type { Reader } from "./readers/reader.ts";
import { readHar } from "./readers/har.ts";
import { readHttpFile } from "./readers/http-file.ts";
import { readCFamily, readEcmascript } from "./readers/script.ts";
import { readScxml } from "./readers/scxml.ts";
import { readShell } from "./readers/shell/shell.ts";
import { readVxml } from "./readers/vxml.ts";
import { readWorkflow } from "./readers/workflow.ts";

export type Kind = {
  readonly name: string;
  readonly endings: readonly string[];
  readonly read: Reader;
  /** Bytes of the largest file that is read. Syntax trees take many times the size of the text. */
  readonly most: number;
  /** A program recorded the file, with values of people and sessions: its lines are never shown. */
  readonly isRecorded?: true;
};

const MEBIBYTE = 1024 * 1024;

export const KINDS: readonly Kind[] = [
  { name: "scxml", endings: [".scxml"], read: readScxml, most: 8 * MEBIBYTE },
  { name: "vxml", endings: [".vxml"], read: readVxml, most: 8 * MEBIBYTE },
  { name: "workflow", endings: [".workflow", ".callflow"], read: readWorkflow, most: 8 * MEBIBYTE },
  { name: "har", endings: [".har"], read: readHar, most: 64 * MEBIBYTE, isRecorded: true },
  { name: "http", endings: [".http", ".rest"], read: readHttpFile, most: 16 * MEBIBYTE },
  { name: "shell", endings: [".sh", ".bash", ".curl"], read: readShell, most: 16 * MEBIBYTE },
  { name: "javascript", endings: [".js", ".mjs", ".cjs"], read: readEcmascript("javascript"), most: 4 * MEBIBYTE },
  { name: "jsx", endings: [".jsx"], read: readEcmascript("jsx"), most: 4 * MEBIBYTE },
  { name: "typescript", endings: [".ts", ".mts", ".cts"], read: readEcmascript("typescript"), most: 4 * MEBIBYTE },
  { name: "tsx", endings: [".tsx"], read: readEcmascript("tsx"), most: 4 * MEBIBYTE },
  { name: "java", endings: [".java"], read: readCFamily, most: 4 * MEBIBYTE },
  { name: "csharp", endings: [".cs"], read: readCFamily, most: 4 * MEBIBYTE },
];

export const kindNamed = (name: string): Kind | undefined => KINDS.find((kind) => kind.name === name);

export const kindOf = (path: string): Kind | undefined => {
  const lower = path.toLowerCase();
  // Declarations of types contain no calls.
  if (/\.d\.[cm]?ts$/.test(lower)) return undefined;
  return KINDS.find(({ endings }) => endings.some((ending) => lower.endsWith(ending)));
};
