/**
 * Writes log lines to stderr without blocking. While a pipe is full, a terminal is stopped or a disk is full, lines are
 * buffered in memory up to a size; further lines are dropped and counted.
 */
import { constants, openSync, writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { isSystemError } from "../system-error.ts";

export type Sink = {
  readonly write: (line: string) => void;
  /** Number of lines dropped since the start. */
  readonly dropped: () => number;
};

const MOST_BYTES = 1 << 20;
/** The retry interval doubles from the first to the second value while the descriptor accepts nothing. */
const AGAIN_MS = 5;
const AGAIN_AT_MOST_MS = 320;
const PIECE_BYTES = 64 << 10;

/** Writes without blocking. Returns the number of bytes written, 0 when it would block. Throws on other errors. */
type Put = (bytes: Buffer) => number;

type Stream = {
  readonly writableLength: number;
  readonly destroyed: boolean;
  readonly write: (text: string) => boolean;
  readonly on: (event: "drain" | "error", listener: () => void) => unknown;
};

/** `caughtUp` is called with the number of dropped lines when the buffer has been written. `most`: bytes buffered. */
type Options = { readonly caughtUp: (lines: number) => void; readonly most?: number };

/** A sink for pipes and sockets, which Node writes without blocking and buffers itself. */
export const streamSink = (stream: Stream, { caughtUp, most = MOST_BYTES }: Options): Sink => {
  const lines = counting(caughtUp);
  // The reader has closed the pipe, so the error cannot be reported.
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

/** A sink for terminals and files. */
export const putSink = (put: Put, { caughtUp, most = MOST_BYTES }: Options): Sink => {
  const lines = counting(caughtUp);
  const waiting: Buffer[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  let after = AGAIN_MS;
  /** Thousands of lines may be buffered: they are written in pieces, with requests in between. */
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
  let reported = 0;
  return {
    dropped: () => dropped,
    drop: () => void dropped++,
    taken: () => {
      const lines = dropped - reported;
      reported = dropped;
      if (lines > 0) caughtUp(lines);
    },
  };
};

/** Writes to a descriptor. A stopped terminal and a full disk count as "would block". */
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

/** Opens the terminal again in non-blocking mode, which must not be set on the descriptor shared with the shell. */
const terminal = (): number => {
  try {
    return openSync("/proc/self/fd/2", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return 2;
  }
};

export const stderrSink = (options: Options): Sink => {
  const { stderr } = process;
  // For a file, Node's stream has no `_handle` and is destroyed by its first error: putSink writes instead.
  if (!isMainThread || (!stderr.isTTY && "_handle" in stderr)) return streamSink(stderr, options);
  return putSink(putTo(stderr.isTTY ? terminal() : 2), options);
};
