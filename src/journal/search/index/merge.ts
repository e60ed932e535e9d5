/** Merges sources that are each in order, newest first, with a heap of the sources by their next element. */

type Placed = { readonly at: number };
type Source<Each> = { readonly rest: Iterator<Each>; head: Each };

export const merged = function* <Each extends Placed>(
  sources: readonly Iterator<Each>[],
): Generator<Each, void, undefined> {
  const heap: Source<Each>[] = [];
  for (const rest of sources) {
    const next = rest.next();
    if (!next.done) heap.push({ rest, head: next.value });
  }
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at);
  for (let top = heap[0]; top; top = heap[0]) {
    yield top.head;
    const next = top.rest.next();
    if (!next.done) top.head = next.value;
    else {
      const last = heap.pop()!;
      if (last === top) return;
      heap[0] = last;
    }
    sink(heap, 0);
  }
};

const sink = <Each extends Placed>(heap: Source<Each>[], from: number): void => {
  for (let at = from; ;) {
    let youngest = at;
    for (const child of [2 * at + 1, 2 * at + 2])
      if (child < heap.length && heap[child]!.head.at > heap[youngest]!.head.at) youngest = child;
    if (youngest === at) return;
    [heap[at], heap[youngest]] = [heap[youngest]!, heap[at]!];
    at = youngest;
  }
};
