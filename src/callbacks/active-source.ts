/**
 * Accepts announcements from the active OCS only. Each OCS of a pair counts its own record handles, so an announcement
 * of the former primary must not give an owner to a handle of the new one. The sender's address tells which OCS it is.
 * While the active OCS is not known (connections were lost, the gateway looks for the primary), announcements wait.
 * Where both have one address, announcements from before the change are rejected.
 */
import { plainAddress } from "../common/net-address.ts";
import { networkCalls } from "../upstream/lanes/network-calls.ts";

/** Maximum wait of an announcement until the active OCS is known. OCS itself waits some seconds for its answer. */
const MAX_WAIT_MS = 2000;

export class ActiveSource {
  readonly #origins: readonly string[];
  #addresses: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #active: string | undefined;
  /** When the active one became known, in milliseconds of the monotonic clock. */
  #since = Infinity;
  #change = Promise.withResolvers<void>();

  /** `origins`: those of the primary and, if there is one, of the backup. */
  constructor(origins: readonly string[]) {
    this.#origins = origins;
    void this.#resolveAddresses();
  }

  get isActiveKnown(): boolean {
    return this.#active !== undefined;
  }

  /** Call this when this OCS has become the active one. */
  onActive(origin: string): void {
    [this.#active, this.#since] = [origin, performance.now()];
    this.#notify();
    void this.#resolveAddresses();
  }

  /** Call this when the active OCS has become unknown. */
  onLost(): void {
    this.#active = undefined;
    this.#notify();
  }

  /** Resolves to true if the active OCS has this address. `at`: when the request arrived, on the monotonic clock. */
  async speaksForActive(address: string, at: number): Promise<boolean> {
    for (const deadline = performance.now() + MAX_WAIT_MS; ;) {
      const origin = this.originAt(address);
      if (this.#active !== undefined && (origin === undefined || origin === this.#active))
        return origin !== undefined || at >= this.#since;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await this.#changeWithin(left);
    }
  }

  /** The OCS at this address; undefined for an unknown address, or if both OCS have it. */
  originAt(address: string): string | undefined {
    if (this.#origins.length === 1) return this.#origins[0];
    const found = this.#origins.filter((origin) => this.#addresses.get(origin)?.has(plainAddress(address)));
    return found.length === 1 ? found[0] : undefined;
  }

  #notify(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  #changeWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      void this.#change.promise.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #resolveAddresses(): Promise<void> {
    if (this.#origins.length === 1) return;
    this.#addresses = new Map(
      await Promise.all(
        this.#origins.map(async (origin): Promise<[string, ReadonlySet<string>]> => {
          const found = await addressesOf(origin);
          return [origin, found.size > 0 ? found : (this.#addresses.get(origin) ?? found)];
        }),
      ),
    );
  }
}

/** Resolves to the addresses of an origin; empty if its name cannot be resolved now. */
const addressesOf = async (origin: string): Promise<ReadonlySet<string>> => {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, "");
  const found = await networkCalls.addressesOf(host).catch(() => []);
  return new Set(found.map(plainAddress));
};
