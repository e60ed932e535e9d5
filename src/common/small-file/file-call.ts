/**
 * Shows which file a worker thread is reading. A blocked system call blocks its whole thread, so the worker writes the
 * path to shared memory before each call; another thread can then report where the worker hangs.
 */

/** Maximum bytes of a path; longer paths are truncated. */
const MOST_PATH = 4096;
/** Layout: the number of the call, the length of its path in bytes (0 between calls), then the path in UTF-8. */
const [CALL, LENGTH, HEAD] = [0, 1, 2];

export type FileCallBuffer = SharedArrayBuffer;

export const newFileCallBuffer = (): FileCallBuffer =>
  new SharedArrayBuffer(HEAD * Int32Array.BYTES_PER_ELEMENT + MOST_PATH);

const partsOf = (buffer: FileCallBuffer): { readonly head: Int32Array; readonly path: Uint8Array } => ({
  head: new Int32Array(buffer, 0, HEAD),
  path: new Uint8Array(buffer, HEAD * Int32Array.BYTES_PER_ELEMENT),
});

let ownBuffer: ReturnType<typeof partsOf> | undefined;

/** Makes this thread write its calls to the shared memory. */
export const publishFileCalls = (buffer: FileCallBuffer): void => void (ownBuffer = partsOf(buffer));

/** Runs the work, and shows `path` meanwhile. Returns or throws as the work does. */
export const withPublishedCall = <Value>(path: string, work: () => Value): Value => {
  if (!ownBuffer) return work();
  const { head, path: pathBytes } = ownBuffer;
  const { written } = new TextEncoder().encodeInto(path, pathBytes);
  Atomics.add(head, CALL, 1);
  Atomics.store(head, LENGTH, written);
  try {
    return work();
  } finally {
    Atomics.store(head, LENGTH, 0);
  }
};

/** The current call of the thread that writes to `buffer`; undefined between calls. */
export const fileCallIn = (buffer: FileCallBuffer): { readonly call: number; readonly path: string } | undefined => {
  const { head, path } = partsOf(buffer);
  const [call, length] = [Atomics.load(head, CALL), Atomics.load(head, LENGTH)];
  // Copied first: TextDecoder rejects shared memory.
  return length === 0 ? undefined : { call, path: Buffer.from(path.slice(0, length)).toString() };
};
