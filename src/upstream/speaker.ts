/** Which OCS of a pair announces records? Only a primary dials, so it is a sign of roles where connections tell nothing. */

/** Longer than late announcements of the OCS before take to arrive. */
const INSISTS_MS = 1500;
/** After a pause as long as this it begins again. */
const SAME_RUN_MS = 10_000;

export class Speaker {
  /** Who announced the last record, since when without a pause and without the other one, and when the last was. */
  #run: { readonly origin: string; readonly since: number; readonly at: number } | undefined;

  heard(origin: string, at: number): void {
    const { since } = this.#run?.origin === origin && at - this.#run.at < SAME_RUN_MS ? this.#run : { since: at };
    this.#run = { origin, since, at };
  }

  /** Its record was the last, and came since then. */
  hasSpoken(origin: string | undefined, since: number): boolean {
    return this.#run !== undefined && this.#run.origin === origin && this.#run.at >= since;
  }

  /** It has announced records for a while, and the other one none. */
  insists(origin: string | undefined): boolean {
    return this.#run !== undefined && this.#run.origin === origin && this.#run.at - this.#run.since >= INSISTS_MS;
  }

  forget(): void {
    this.#run = undefined;
  }
}
