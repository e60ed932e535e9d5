/**
 * Checkpoint sinks: copies of the checkpoints outside the journal's directory, so that an attacker who changes the
 * journal cannot change them too. A sink is a file on another disk or a syslog receiver. A file has the signed notes
 * one after the other, each followed by an empty line.
 */
import { open } from "node:fs/promises";
import { appendDurably, requireFile } from "../../receivers/append-file.ts";
import { sendDatagrams } from "../../receivers/send-datagrams.ts";
import { sendStream } from "../../receivers/send-stream.ts";
import { syslogMessage } from "../../receivers/syslog-message.ts";

/**
 * What a delivery found. `shortened`: the sink contained less than this process had left there. `incomplete`: it was
 * shortened earlier, and the earlier checkpoints are still missing.
 */
export type Delivered = "complete" | "shortened" | "incomplete";

export type CheckpointSink = {
  /** As in the config. */
  readonly name: string;
  /** Resolves when the note is written (syslog: sent). */
  readonly deliver: (note: string) => Promise<Delivered>;
  /** The newest notes in the sink, in order, signed by anyone; undefined if the sink cannot be read. */
  readonly published: () => Promise<readonly string[] | undefined>;
};

export type Address =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "syslog"; readonly protocol: "udp" | "tcp"; readonly host: string; readonly port: number };

export const checkpointSink = (at: Address): CheckpointSink => {
  if (at.kind === "file")
    return { name: `file:${at.path}`, deliver: delivererTo(at.path), published: () => publishedIn(at.path) };
  const host = at.host.includes(":") ? `[${at.host}]` : at.host;
  return {
    name: `syslog:${at.protocol}://${host}:${at.port}`,
    deliver: async (note) => {
      await send(at, checkpointMessage(note));
      return "complete";
    },
    published: () => Promise.resolve(undefined),
  };
};

/** Writes to the file, and remembers what this process wrote, so that missing checkpoints are noticed. */
const delivererTo = (path: string): CheckpointSink["deliver"] => {
  /** Bytes in the file after the last delivery. */
  let left = 0;
  let last = "";
  /** While checkpoints are missing: the bytes that the file would have, and the newest note that was lost. */
  let missing: { readonly size: number; readonly note: string } | undefined;
  return async (note) => {
    const { before, after } = await appendDurably(path, `${note}\n`);
    const isShortened = before < left;
    if (isShortened) missing ??= { size: left, note: last };
    else if (missing && before >= missing.size && (await hasAtEnd(path, missing.note))) missing = undefined;
    if (missing) missing = { ...missing, size: missing.size + after - before };
    [left, last] = [after, note];
    return isShortened ? "shortened" : missing ? "incomplete" : "complete";
  };
};

/** About ten days of checkpoints at one a minute. */
const TAIL_BYTES = 4 << 20;
const NOTES = /[^\n]+\n(?:0|[1-9]\d*)\n[A-Za-z0-9+/]{43}=\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+/g;

const publishedIn = async (path: string): Promise<readonly string[]> =>
  (await requireFile(path)) ? [...(await tailOf(path)).matchAll(NOTES)].map(([note]) => note) : [];

/** False if the file cannot be read. */
const hasAtEnd = (path: string, note: string): Promise<boolean> =>
  tailOf(path).then(
    (tail) => tail.includes(note),
    () => false,
  );

/** The last `TAIL_BYTES` of the file. */
const tailOf = async (path: string): Promise<string> => {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.min(size, TAIL_BYTES)),
      position: Math.max(0, size - TAIL_BYTES),
    });
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
};

/**
 * RFC 5424. The note is a JSON text, because receivers do not agree about what a line break in a message is, and in
 * US-ASCII, because few receivers expect a byte order mark.
 */
export const checkpointMessage = (note: string, at = new Date()): string =>
  syslogMessage({ severity: "notice", time: at.toISOString(), id: "checkpoint", text: inAscii(JSON.stringify(note)) });

const inAscii = (json: string): string =>
  json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

const send = async (at: Extract<Address, { kind: "syslog" }>, message: string): Promise<void> => {
  if (at.protocol === "udp") return sendDatagrams(at, [Buffer.from(message)]);
  // RFC 6587, octet counting.
  return sendStream(at, Buffer.from(`${Buffer.byteLength(message)} ${message}`));
};
