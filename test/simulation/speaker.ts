/**
 * What an OCS posts to the gateway's callbacks: announcements of records before it dials them, and reports of the ends
 * of calls.
 */
import { TENANTS, type SimTenant } from "./config.ts";
import type { Ocs } from "./ocs.ts";
import type { Random } from "./random.ts";

export type OcsRecord = {
  readonly handle: number;
  readonly ocs: Ocs;
  readonly life: number;
  readonly tenant: SimTenant;
  readonly attempt: string;
  /** The highest handle that was given out when this attempt began. */
  readonly counter: number;
  wasAnnounced: boolean;
  /** Dialed, and not finalized. */
  isOpen: boolean;
  /** Dialed once: a late answer to an announcement that came twice does not dial it again. */
  wasDialed: boolean;
  /** OCS announced it for another tenant as well. */
  isContradicted: boolean;
  /**
   * Announced before the gateway's kernel could hear that the life before was gone (its host was dark): nothing tells
   * this life from that one. A limit of the product: such a record may be void when the new life is proven.
   */
  isAmbiguous: boolean;
  /** When OCS heard 200 for it, or the registrar did. */
  ownedAt: number | undefined;
};

/** OCS gives up on a validator after so long. */
const VALIDATION_TIMEOUT_MS = 5000;
const RETRY_MS = 700;

export class Speaker {
  /** The validator could not be reached: OCS dials nothing new. */
  isPaused = false;
  /** The highest handle for which OCS has heard 200. */
  highest = 0;
  /** Attempts that are announced and have no reply yet, with OCS's counter when each began. */
  readonly unheard = new Map<OcsRecord, number>();
  readonly #ocs: Ocs;
  readonly #random: Random;
  readonly #mayDial: (record: OcsRecord) => void;

  /** Those of the announcements that OCS waits for. */
  #connections = new AbortController();

  /** `mayDial` is told of each record for which OCS heard 200. */
  constructor(ocs: Ocs, random: Random, mayDial: (record: OcsRecord) => void) {
    [this.#ocs, this.#random, this.#mayDial] = [ocs, random, mayDial];
  }

  /** The process ends, and its kernel closes the connections of its announcements. */
  end(): void {
    this.#connections.abort();
    this.#connections = new AbortController();
  }

  /** Another life of OCS. */
  reset(): void {
    this.unheard.clear();
    this.isPaused = false;
  }

  /** Announces an open record for another tenant: it contradicts itself. */
  contradict(record: OcsRecord): void {
    const { world, name, host } = this.#ocs.parts;
    const other = TENANTS.find(({ records, dbid }) => records === "pre-dial" && dbid !== record.tenant.dbid)!;
    record.isContradicted = true;
    const wasUnconfirmed = world.checks.epochs.isUnconfirmed(record);
    const conflict = { record, tenant: other.dbid, wasUnconfirmed, isAnswered: false };
    world.checks.conflicts.push(conflict);
    world.checks.announced(record, other.dbid);
    world.trace.note(name, `announces ${record.handle} for ${other.dbid}, too`);
    const call = {
      to: "callbacks",
      id: world.checks.nextId(),
      method: "POST",
      target: "/validate",
      source: host.address.split(":")[0]!,
      body: bodyFor(record, other),
    } as const;
    world.call(call, (reply) => {
      conflict.isAnswered = reply !== undefined;
    });
  }

  /** Until OCS hears a reply, gives up, or the record is not its own any more. */
  announce(record: OcsRecord): void {
    const { world, name, host } = this.#ocs.parts;
    if (!this.#isCurrent(record) || this.#isTooLate(record)) return void this.unheard.delete(record);
    const { tenant, handle } = record;
    const body = bodyFor(record, tenant);
    record.wasAnnounced = true;
    world.checks.announced(record, tenant.dbid);
    if (host.isDark) return world.after(this.#random.between(0.5, 1.5) * RETRY_MS, () => this.announce(record));
    let isOver = false;
    world.after(VALIDATION_TIMEOUT_MS, () => {
      if (!isOver) this.unheard.delete(record);
      isOver = true;
    });
    world.trace.note(name, `announces ${handle} for ${tenant.dbid}`);
    world.call(
      {
        to: "callbacks",
        id: world.checks.nextId(),
        method: "POST",
        target: "/validate",
        source: host.address.split(":")[0]!,
        body,
        gone: this.#connections.signal,
      },
      (reply, how) => {
        if (host.isDark) return;
        if (reply) this.unheard.delete(record);
        if (isOver || !this.#isCurrent(record)) return;
        isOver = true;
        if (how === "refused") this.#pause();
        world.trace.note(name, `hears ${reply?.status ?? how} for ${handle}`);
        world.checks.heard(reply?.status, record);
        if (reply?.status === 200) {
          record.ownedAt ??= world.scheduler.now;
          record.isAmbiguous ||= world.network.connectionsTo(host).some(({ isKnown }) => !isKnown);
          this.highest = Math.max(this.highest, handle);
          world.heard200();
          this.#mayDial(record);
        } else if (!reply && !record.isOpen)
          world.after(this.#random.between(0.5, 1.5) * RETRY_MS, () => this.announce(record));
      },
    );
  }

  /**
   * OCS gives up on a record when its counter has gone on by more than half of the handle window: a handle that comes
   * for the first time from farther below would be taken for the proof of a new life, which the manual states. What the
   * gateway has on disk as announced may come again from anywhere, until it has sent requests to the other OCS: then
   * another epoch begins. Of a tenant that it does not serve it writes that down without letting OCS wait for it.
   */
  #isTooLate({ counter, wasAnnounced, ownedAt, tenant }: OcsRecord): boolean {
    const { epochs } = this.#ocs.parts.world.checks;
    const isOnDisk = ownedAt !== undefined && tenant.records !== "elsewhere" && ownedAt > epochs.elsewhereAt(this.#ocs);
    return wasAnnounced && !isOnDisk && this.#ocs.highest - counter > this.#ocs.parts.window / 2;
  }

  #pause(): void {
    this.isPaused = true;
    this.#ocs.parts.world.after(RETRY_MS, () => {
      this.isPaused = false;
    });
  }

  #isCurrent(record: OcsRecord): boolean {
    return this.#ocs.role === "active" && this.#ocs.records.get(record.handle) === record;
  }

  /** Until it is taken. */
  report(record: OcsRecord): void {
    const { world, name, host } = this.#ocs.parts;
    const delay = this.#random.chance(0.2) ? this.#random.between(500, 6000) : this.#random.latency(5, 300);
    const named = this.#random.chance(0.5) ? { GSW_RECORD_HANDLE: record.handle } : {};
    const body = JSON.stringify({ GSW_HIST_SEQUENCE_NUM: 1, GSW_CALL_ATTEMPT_GUID: record.attempt, ...named });
    const send = (tries: number): void => {
      if (this.#ocs.life !== record.life || this.#ocs.role === "down" || tries > 3) return;
      world.trace.note(name, `reports the end of ${record.handle}`);
      world.call(
        {
          to: "callbacks",
          id: world.checks.nextId(),
          method: "POST",
          target: "/history",
          source: host.address.split(":")[0]!,
          body,
        },
        (reply) => {
          if (reply?.status === 200) this.#ocs.recycle(record);
          else world.after(RETRY_MS, () => send(tries + 1));
        },
      );
    };
    world.after(delay, () => send(0));
  }
}

const bodyFor = ({ handle, attempt }: OcsRecord, { dbid, group, campaign, list }: SimTenant): string =>
  JSON.stringify({
    GSW_RECORD_HANDLE: handle,
    GSW_TENANT_DBID: dbid,
    GSW_CAMPAIGN_GROUP_DBID: group,
    GSW_CAMPAIGN_NAME: campaign,
    GSW_CALLING_LIST: list,
    GSW_PHONE: "4155550100",
    GSW_CALL_ATTEMPT_GUID: attempt,
  });
