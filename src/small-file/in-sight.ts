/**
 * A call that waits for a file system holds its own thread, which can say nothing any more. So who reads on a thread of
 * its own shows which path it is at, in memory that threads share, and who waits for it can tell that it hangs there.
 */

/** Bytes of a path; of a longer one the beginning is shown. */
const MOST_PATH = 4096;
/** Which call it is, counted; how long its path is, 0 between calls; then the path, UTF-8. */
const [CALL, LENGTH, HEAD] = [0, 1, 2];

export type Sight = SharedArrayBuffer;

export const newSight = (): Sight => new SharedArrayBuffer(HEAD * Int32Array.BYTES_PER_ELEMENT + MOST_PATH);

const partsOf = (sight: Sight): { readonly head: Int32Array; readonly path: Uint8Array } => ({
  head: new Int32Array(sight, 0, HEAD),
  path: new Uint8Array(sight, HEAD * Int32Array.BYTES_PER_ELEMENT),
});

let mine: ReturnType<typeof partsOf> | undefined;

/** From now on this thread shows its calls there. */
export const showIn = (sight: Sight): void => void (mine = partsOf(sight));

/** What the work gives, or throws. */
export const inSight = <Value>(path: string, work: () => Value): Value => {
  if (!mine) return work();
  const { head, path: shown } = mine;
  const { written } = new TextEncoder().encodeInto(path, shown);
  Atomics.add(head, CALL, 1);
  Atomics.store(head, LENGTH, written);
  try {
    return work();
  } finally {
    Atomics.store(head, LENGTH, 0);
  }
};

/** The call that the thread is at, undefined between calls. */
export const seenIn = (sight: Sight): { readonly call: number; readonly path: string } | undefined => {
  const { head, path } = partsOf(sight);
  const [call, length] = [Atomics.load(head, CALL), Atomics.load(head, LENGTH)];
  // A decoder takes no bytes that others may change.
  return length === 0 ? undefined : { call, path: Buffer.from(path.slice(0, length)).toString() };
};
