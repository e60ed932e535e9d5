/**
 * Requests for record handles that were sent to OCS and are not answered yet. While a tenant's request is in flight,
 * OCS must not open another tenant's record with the same handle: the request would change the wrong record.
 */
type Flight = {
  /** Requests by the tenant's DBID. */
  readonly tenants: Map<number, number>;
  readonly waiting: { readonly except: number | undefined; readonly resolve: () => void }[];
};

export class InFlight {
  readonly #flights = new Map<number, Flight>();

  add(handle: number, tenant: number): void {
    let flight = this.#flights.get(handle);
    if (!flight) this.#flights.set(handle, (flight = { tenants: new Map(), waiting: [] }));
    flight.tenants.set(tenant, (flight.tenants.get(tenant) ?? 0) + 1);
  }

  remove(handle: number, tenant: number): void {
    const flight = this.#flights.get(handle);
    if (!flight) return;
    const left = flight.tenants.get(tenant)! - 1;
    if (left > 0) return void flight.tenants.set(tenant, left);
    flight.tenants.delete(tenant);
    for (const each of flight.waiting.splice(0)) {
      if (isBusy(flight, each.except)) flight.waiting.push(each);
      else each.resolve();
    }
    if (flight.tenants.size === 0) this.#flights.delete(handle);
  }

  /** The handles with requests in flight. */
  get handles(): readonly number[] {
    return [...this.#flights.keys()];
  }

  /** True while a tenant other than `except` has a request for the handle in flight. */
  isBusy(handle: number, except: number | undefined): boolean {
    const flight = this.#flights.get(handle);
    return flight !== undefined && isBusy(flight, except);
  }

  /** Resolves with true once no tenant but `except` has a request for the handle in flight, with false after `ms`. */
  drained(handle: number, except: number | undefined, ms: number): Promise<boolean> {
    const flight = this.#flights.get(handle);
    if (!flight || !isBusy(flight, except)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      const done = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      flight.waiting.push({ except, resolve: done });
    });
  }
}

const isBusy = ({ tenants }: Flight, except: number | undefined): boolean =>
  tenants.size > (except !== undefined && tenants.has(except) ? 1 : 0);
