/** A binary heap of events: the earliest first, and those of one time in the order in which they were asked for. */
type Item = { readonly due: number; readonly order: number };

export class Heap<Held extends Item> {
  readonly #items: Held[] = [];

  get first(): Held | undefined {
    return this.#items[0];
  }

  push(item: Held): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(items[parent]!, item)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Held | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++;
      if (isBefore(last, items[child]!)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return first;
  }
}

const isBefore = (one: Item, other: Item): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);
