/**
 * The records of an OCS that several gateways serve: which handle belongs to whom, in which life of OCS, and what was
 * carried out on it.
 */
import type { RecordBook } from "../../kit/recording-ocs.ts";
import { HANDLE_WINDOW } from "./world.ts";

export type DialedRecord = {
  readonly handle: number;
  /** DBID. */
  readonly tenant: number;
  /** The life of OCS. A switchover or a restart ends it, and the numbers begin at 1 again. */
  readonly life: number;
  readonly announcedAt: number;
  /** When OCS had its 200 for the announcement: the record is dialed. Undefined before. */
  openedAt: number | undefined;
  /** When OCS carried out a finalizing request. */
  finalizedAt: number | undefined;
  /** When a client saw the 200 to it. */
  finalizationSeenAt: number | undefined;
};

export type Execution = {
  readonly at: number;
  readonly record: DialedRecord;
  readonly marker: string;
  readonly status: number;
};

/** A number whose record has ended is given to another record after so long. */
const REUSED_AFTER_MS = 2000;
/** A new life begins only above this number: below it a restart of the same OCS cannot be told. */
const TELLS_FROM = HANDLE_WINDOW + 100;

export class Records implements RecordBook {
  readonly executions: Execution[] = [];
  readonly all: DialedRecord[] = [];
  readonly #byHandle = new Map<number, DialedRecord>();
  #ended: DialedRecord[] = [];
  #next = 1;
  #life = 1;
  /** When the last life ended. */
  lifeEndedAt = -Infinity;

  get life(): number {
    return this.#life;
  }

  /** A record for this tenant; `reuses`: with the number of a record that has ended, if there is one. */
  next(tenant: number, reuses: boolean): DialedRecord {
    const now = performance.now();
    const old = reuses ? this.#ended.find(({ finalizedAt }) => now - finalizedAt! > REUSED_AFTER_MS) : undefined;
    if (old) this.#ended = this.#ended.filter((each) => each !== old);
    const record: DialedRecord = {
      handle: old?.handle ?? this.#next++,
      tenant,
      life: this.#life,
      announcedAt: now,
      openedAt: undefined,
      finalizedAt: undefined,
      finalizationSeenAt: undefined,
    };
    this.#byHandle.set(record.handle, record);
    this.all.push(record);
    return record;
  }

  /** OCS does not dial the record. */
  drop({ handle }: DialedRecord): void {
    this.#byHandle.delete(handle);
  }

  /** OCS has lost its records and numbers new ones from 1. Returns false if it goes on as before. */
  newLife(isOtherHost: boolean): boolean {
    if (!isOtherHost && this.#next < TELLS_FROM) return false;
    this.#life++;
    this.lifeEndedAt = performance.now();
    this.#byHandle.clear();
    this.#ended = [];
    this.#next = 1;
    return true;
  }

  isOpen(record: DialedRecord): boolean {
    return record.life === this.#life && record.openedAt !== undefined && record.finalizedAt === undefined;
  }

  readonly tenantOf = (handle: number): number | undefined => this.#byHandle.get(handle)?.tenant;

  readonly carryOut = (handle: number, _action: string, marker: string): number => {
    const record = this.#byHandle.get(handle);
    if (!record) return 410;
    const at = performance.now();
    const status = record.openedAt !== undefined && record.finalizedAt === undefined ? 200 : 410;
    this.executions.push({ at, record, marker, status });
    if (status === 200) {
      record.finalizedAt = at;
      this.#ended.push(record);
    }
    return status;
  };
}
