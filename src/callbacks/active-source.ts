/**
 * Which OCS speaks? Each counts its record handles for itself, so an announcement of the one that was primary must never become ownership at the
 * one that is. Told apart by address: an announcement counts when it comes from the OCS that requests go to. While that is open (connections
 * were lost, a primary is looked for) it waits. Where both of a pair have one address, what came before the change counts for nobody.
 */
import { network } from "./network.ts";

/** OCS waits some seconds for its answer; whoever is not the primary by then is not. */
const PATIENCE_MS = 2000;

export class Announcers {
  readonly #origins: readonly string[];
  #addresses: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #active: string | undefined;
  /** The monotonic clock's milliseconds at which the active one was found. */
  #since = Infinity;
  #change = Promise.withResolvers<void>();

  /** `origins`: of the primary and, where there is one, of the backup. */
  constructor(origins: readonly string[]) {
    this.#origins = origins;
    void this.#lookUp();
  }

  get isSettled(): boolean {
    return this.#active !== undefined;
  }

  /** Requests go to this one from now on. */
  settle(origin: string): void {
    [this.#active, this.#since] = [origin, performance.now()];
    this.#tell();
    void this.#lookUp();
  }

  /** Which one is the primary is open. */
  unsettle(): void {
    this.#active = undefined;
    this.#tell();
  }

  /** True when who is at this address speaks for the OCS that requests go to. `at`: when it spoke, on the monotonic clock. */
  async speaksForActive(address: string, at: number): Promise<boolean> {
    for (const deadline = performance.now() + PATIENCE_MS; ;) {
      const speaker = this.speakerAt(address);
      if (this.#active !== undefined && (speaker === undefined || speaker === this.#active))
        return speaker !== undefined || at >= this.#since;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await this.#changeWithin(left);
    }
  }

  /** The OCS at this address; undefined when the address does not tell. */
  speakerAt(address: string): string | undefined {
    if (this.#origins.length === 1) return this.#origins[0];
    const speakers = this.#origins.filter((origin) => this.#addresses.get(origin)?.has(plain(address)));
    return speakers.length === 1 ? speakers[0] : undefined;
  }

  #tell(): void {
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

  async #lookUp(): Promise<void> {
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

/** Empty for a name that cannot be looked up just now: then what was known of it stays. */
const addressesOf = async (origin: string): Promise<ReadonlySet<string>> => {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, "");
  const found = await network.addressesOf(host).catch(() => []);
  return new Set(found.map(plain));
};

/** IPv4 as a socket that also takes IPv6 shows it. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");
