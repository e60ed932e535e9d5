/** Ownership in memory, with a scripted store, or in several runs on one database file. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import {
  openOwnershipStore,
  Ownership,
  type Announcement,
  type HandleLease,
  type LeaseResponse,
  type OwnershipEvent,
  type OwnershipOptions,
  type OwnershipStore,
} from "../../src/ownership/ownership.ts";
import { StoreFailed } from "../../src/ownership/store/store.ts";
import type { RecordsMode, Tenant } from "../../src/tenancy/registry.ts";
import { aTenant, beta } from "../kit/line.ts";

export type Run = { readonly ownership: Ownership; readonly stop: () => Promise<void> };

type RunOptions = {
  /** Replaces members of the store. */
  readonly store?: Partial<OwnershipStore>;
  /** How far below the highest handle a new one may lie without proving a restart of OCS. */
  readonly window?: number;
  /** Milliseconds. */
  readonly restartGrace?: number;
  readonly endpoint?: string;
};

/** Gives each test a database file of its own. Call it at the top of a test file. */
export const ownershipRuns = (): ((options?: RunOptions) => Promise<Run>) => {
  let dir: string;
  const running: Ownership[] = [];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "ocsgw-ownership-"));
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.close()));
    await rm(dir, { recursive: true });
  });
  return async ({ store, window = 64, restartGrace = 0, endpoint = "http://one" } = {}) => {
    const ownership = new Ownership({
      store: { ...(await openOwnershipStore(join(dir, "ownership.sqlite"))), ...store },
      staleAfter: () => 1_800_000,
      onEvent: () => undefined,
      window: () => window,
      restartGrace: () => restartGrace,
    });
    running.push(ownership);
    ownership.onActive("ocs", { endpoint, how: "start" });
    const stop = async (): Promise<void> => {
      running.splice(running.indexOf(ownership), 1);
      await ownership.close();
    };
    return { ownership, stop };
  };
};

export const HALF_AN_HOUR = 1_800_000;

export type Made = {
  readonly ownership: Ownership;
  readonly news: OwnershipEvent[];
  /** Milliseconds. */
  readonly clock: { now: number };
};

/** Makes ownership in memory, which is closed after each test. Call it at the top of a test file. */
export const ownershipMaker = (): ((options?: Partial<OwnershipOptions>) => Made) => {
  const made: Ownership[] = [];
  afterEach(() => Promise.all(made.splice(0).map((each) => each.close())));
  return (options = {}) => {
    const news: OwnershipEvent[] = [];
    const clock = { now: 1_000_000_000 };
    const ownership = new Ownership({
      staleAfter: () => HALF_AN_HOUR,
      onEvent: (event) => news.push(event),
      now: () => clock.now,
      ...options,
    });
    made.push(ownership);
    return { ownership, news, clock };
  };
};

/** A store that keeps nothing and never fails. */
export const aStore = (over: Partial<OwnershipStore> = {}): OwnershipStore => ({
  restored: new Map(),
  movedAside: undefined,
  downtime: undefined,
  mark: 0,
  put: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  doubt: () => Promise.resolve(),
  announced: () => undefined,
  beginEpoch: () => Promise.resolve(),
  byAttempt: () => Promise.resolve(undefined),
  pending: () => 0,
  touch: () => undefined,
  close: () => Promise.resolve(),
  ...over,
});

/** A change that cannot be written. */
export const failing = (): Promise<never> => Promise.reject(new StoreFailed("disk full"));

export const anAnnouncement = (handle: number, tenant = 101, attempt: string | null = null): Announcement => ({
  upstream: "ocs",
  handle,
  tenant,
  campaign: null,
  group: null,
  list: null,
  phone: null,
  attempt,
});

/** An announcement with the GUID of its call attempt. */
export const anAttempt = (handle: number, tenant: number, attempt = `${handle}-${tenant}`): Announcement =>
  anAnnouncement(handle, tenant, attempt);

/** The tenants with the DBIDs 101 and 102. */
export const alpha = (records: RecordsMode = "pre-dial"): Tenant => aTenant({ records });
export const other = (records: RecordsMode = "pre-dial"): Tenant => beta({ records });

export const leaseIn = (response: LeaseResponse): HandleLease => {
  if ("lease" in response) return response.lease;
  throw new Error(JSON.stringify(response));
};

/** In one word or two. */
export const verdictIn = (response: LeaseResponse): string =>
  "lease" in response ? "its own" : "denied" in response ? response.denied.why : `unclear: ${response.unclear}`;

/** May the tenant with this DBID use the handle? */
export const verdictOn = ({ ownership }: Run, handle: number, dbid: number): string =>
  verdictIn(ownership.requestLease(aTenant({ records: "pre-dial", dbid }), String(handle), false));
