/**
 * Where log lines go: stderr, which others may not read. A pipe that is full, a terminal that is halted and a disk
 * without space must hold up no request, so lines wait in memory up to a size; beyond it they are dropped and counted.
 */
import { constants, openSync, writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { isSystemError } from "../system-error.ts";

export type Sink = {
  readonly write: (line: string) => void;
  /** Since the start. */
  readonly dropped: () => number;
};

const MOST_BYTES = 1 << 20;
/** A terminal that is read is soon ready again; one that is halted is asked less and less often. */
const AGAIN_MS = 5;
const AGAIN_AT_MOST_MS = 320;
const PIECE_BYTES = 64 << 10;

/** Takes what it can at once. Returns the number of bytes; 0 when it takes none now. Throws when it never will again. */
type Put = (bytes: Buffer) => number;

type Stream = {
  readonly writableLength: number;
  readonly destroyed: boolean;
  readonly write: (text: string) => boolean;
  readonly on: (event: "drain" | "error", listener: () => void) => unknown;
};

/** `caughtUp`: told how many lines were dropped, once lines are taken again. */
type Options = { readonly caughtUp: (lines: number) => void; readonly most?: number };

/** A pipe or a socket: Node writes to it without waiting, and keeps what it does not take. */
export const streamSink = (stream: Stream, { caughtUp, most = MOST_BYTES }: Options): Sink => {
  const lines = counting(caughtUp);
  // Who read it is gone: there is nobody to tell.
  stream.on("error", () => undefined);
  stream.on("drain", () => lines.taken());
  return {
    dropped: () => lines.dropped(),
    write: (line) => {
      if (stream.destroyed || stream.writableLength + line.length > most) return lines.drop();
      stream.write(line);
    },
  };
};

/** A terminal or a file. */
export const putSink = (put: Put, { caughtUp, most = MOST_BYTES }: Options): Sink => {
  const lines = counting(caughtUp);
  const waiting: Buffer[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  let after = AGAIN_MS;
  /** Thousands of lines may wait: they go in pieces, and requests come in between. */
  const nextPiece = (): Buffer => {
    let [count, size] = [0, 0];
    while (count < waiting.length && (count === 0 || size + waiting[count]!.length <= PIECE_BYTES))
      size += waiting[count++]!.length;
    const piece = waiting.splice(0, count);
    return piece.length === 1 ? piece[0]! : Buffer.concat(piece, size);
  };
  const go = (): void => {
    timer = undefined;
    const piece = nextPiece();
    const taken = put(piece);
    length -= taken;
    after = taken > 0 ? AGAIN_MS : Math.min(2 * after, AGAIN_AT_MOST_MS);
    if (taken < piece.length) waiting.unshift(piece.subarray(taken));
    if (waiting.length === 0) lines.taken();
    else timer = setTimeout(go, taken < piece.length ? after : 0).unref();
  };
  return {
    dropped: () => lines.dropped(),
    write: (line) => {
      const bytes = Buffer.from(line);
      if (length + bytes.length > most) return lines.drop();
      waiting.push(bytes);
      length += bytes.length;
      if (timer === undefined) go();
    },
  };
};

const counting = (caughtUp: (lines: number) => void) => {
  let dropped = 0;
  let told = 0;
  return {
    dropped: () => dropped,
    drop: () => void dropped++,
    taken: () => {
      const lines = dropped - told;
      told = dropped;
      if (lines > 0) caughtUp(lines);
    },
  };
};

/** A halted terminal and a full disk take nothing now, and may later. */
const putTo =
  (descriptor: number): Put =>
  (bytes) => {
    try {
      return writeSync(descriptor, bytes);
    } catch (error) {
      if (isSystemError(error)) return 0;
      throw error;
    }
  };

/** Of its own, so that it does not wait and the shell's stays as it is. */
const terminal = (): number => {
  try {
    return openSync("/proc/self/fd/2", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return 2;
  }
};

export const stderrSink = (options: Options): Sink => {
  const { stderr } = process;
  // A file's has no handle of the system's, and is ended by its first fault.
  if (!isMainThread || (!stderr.isTTY && "_handle" in stderr)) return streamSink(stderr, options);
  return putSink(putTo(stderr.isTTY ? terminal() : 2), options);
};
