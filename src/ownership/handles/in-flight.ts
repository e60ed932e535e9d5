/**
 * Requests for record handles that have left for OCS and are not answered. OCS may not open a record for another tenant under a handle while a request
 * of the tenant before is on its way: it would be carried out on the wrong record.
 */
type Flight = {
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

  /** Undefined when no request of another tenant than `except` is in flight for the handle; else resolves when none is. */
  drained(handle: number, except: number | undefined): Promise<void> | undefined {
    const flight = this.#flights.get(handle);
    if (!flight || !isBusy(flight, except)) return undefined;
    return new Promise((resolve) => flight.waiting.push({ except, resolve }));
  }
}

const isBusy = ({ tenants }: Flight, except: number | undefined): boolean =>
  tenants.size > (except !== undefined && tenants.has(except) ? 1 : 0);
