/** One bounded queue per tenant, first come first served within a tenant, tenants in turn. Knows nothing of lanes or time. */

type Line<Item> = { readonly tenant: string; readonly items: Item[] };

export class FairQueue<Item> {
  readonly #max: number;
  /** In the order of turns: the tenant at the front is next, and goes to the back when it was served. */
  readonly #lines = new Map<string, Line<Item>>();

  /** `max`: items that one tenant may have waiting. */
  constructor(max: number) {
    this.#max = max;
  }

  /** False when this tenant's queue is full. */
  push(tenant: string, item: Item): boolean {
    let line = this.#lines.get(tenant);
    if (!line) this.#lines.set(tenant, (line = { tenant, items: [] }));
    if (line.items.length >= this.#max) return false;
    line.items.push(item);
    return true;
  }

  /** Takes an item out wherever it stands. */
  remove(tenant: string, item: Item): void {
    const line = this.#lines.get(tenant);
    const at = line?.items.indexOf(item) ?? -1;
    if (!line || at < 0) return;
    line.items.splice(at, 1);
    if (line.items.length === 0) this.#lines.delete(tenant);
  }

  /** The next item by turns; `stay` names a tenant that is served before its turn; it goes to the back all the same. */
  next(stay?: string): Item | undefined {
    const line = (stay === undefined ? undefined : this.#lines.get(stay)) ?? this.#lines.values().next().value;
    if (!line) return undefined;
    const item = line.items.shift();
    this.#lines.delete(line.tenant);
    if (line.items.length > 0) this.#lines.set(line.tenant, line);
    return item;
  }

  depth(tenant: string): number {
    return this.#lines.get(tenant)?.items.length ?? 0;
  }

  /** True when anyone but this tenant waits. */
  othersWait(tenant: string): boolean {
    return this.#lines.size > (this.#lines.has(tenant) ? 1 : 0);
  }

  depths(): ReadonlyMap<string, number> {
    return new Map([...this.#lines.values()].map(({ tenant, items }) => [tenant, items.length]));
  }

  get size(): number {
    let size = 0;
    for (const { items } of this.#lines.values()) size += items.length;
    return size;
  }
}
