/** Which OCS of a pair announces records. Only a primary dials, so this shows the roles when connections do not. */

/** Longer than the delay of late announcements by the former primary. */
const SOLE_MS = 1500;
/** A pause of this length ends a run of announcements. */
const SAME_RUN_MS = 10_000;

export class AnnouncingOcs {
  /** The OCS of the last announcement, the start of its uninterrupted announcements, and the time of the last one. */
  #run: { readonly origin: string; readonly since: number; readonly at: number } | undefined;

  note(origin: string, at: number): void {
    const { since } = this.#run?.origin === origin && at - this.#run.at < SAME_RUN_MS ? this.#run : { since: at };
    this.#run = { origin, since, at };
  }

  /** True if the last announcement is from this OCS and not older than `since`. */
  announcedLast(origin: string | undefined, since: number): boolean {
    return this.#run !== undefined && this.#run.origin === origin && this.#run.at >= since;
  }

  /** True if only this OCS has announced records for `SOLE_MS`. */
  isOnlyAnnouncer(origin: string | undefined): boolean {
    return this.#run !== undefined && this.#run.origin === origin && this.#run.at - this.#run.since >= SOLE_MS;
  }

  clear(): void {
    this.#run = undefined;
  }
}
