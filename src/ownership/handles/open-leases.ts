/**
 * Leases whose requests have not ended. At its start the gateway replays the journal's outcomes from `journalMark` on,
 * so all outcomes that the store does not have yet must be above it.
 */
export class OpenLeases {
  /** The journal's size at the start of each lease, oldest first. */
  readonly #open = new Map<object, number>();
  readonly #journalSize: () => number;

  constructor(journalSize: () => number) {
    this.#journalSize = journalSize;
  }

  add(lease: object): void {
    this.#open.set(lease, this.#journalSize());
  }

  /** Call this when the end of the request's handle has been passed to the store. */
  remove(lease: object): void {
    this.#open.delete(lease);
  }

  get journalMark(): number {
    const [oldest] = this.#open.values();
    return oldest ?? this.#journalSize();
  }
}
