/**
 * I8, and what the simulation knows of epochs: they only increase, change only with proof, and change with each proof.
 */
import { DIRECTORY, UPSTREAM } from "./config.ts";
import type { SimHost } from "./network.ts";
import type { Ocs } from "./ocs.ts";
import type { OcsRecord } from "./speaker.ts";
import type { World } from "./world.ts";

/** OCS may speak over a connection of its own before the gateway notices that all of its own were reset. */
const NOTICED_WITHIN_MS = 1000;

/** What the checks ask, of a gateway alone or of gateways that share a database (`shared-epochs.ts`). */
export type EpochChecks = Pick<Epochs, keyof Epochs>;

export class Epochs {
  readonly #world: World;
  readonly #elsewhereAt = new Map<string, number>();
  /** The last one seen. Undefined is what is not known of it. */
  #epoch:
    | { readonly number: number; readonly endpoint: string | undefined; readonly life: number | undefined }
    | undefined;
  /** When the gateway had no connection to a host any more, by address. */
  readonly #lostAt = new Map<string, number>();
  /** When the gateway last took what it had heard for unconfirmed. */
  unconfirmedAt = -1;
  /** When the gateway was last seen to send requests to another OCS than before. */
  changedAt = -Infinity;
  /** The first record of each handle that was ever said, whether or not the gateway heard it. */
  readonly #said = new Map<string, OcsRecord>();
  /** The highest handle for which OCS heard 200 in this epoch, of a tenant that the gateway serves. */
  #top = 0;
  /** The highest one that was said in this epoch, by OCS or a registrar. */
  #topSaid = 0;
  /** The same when the gateway last took what it had heard for unconfirmed; an announcement above confirms all. */
  #topBefore = 0;
  #isConfirmed = true;

  constructor(world: World) {
    this.#world = world;
  }

  /** OCS announces it, or a registrar names it. */
  said(record: OcsRecord): void {
    const key = `${record.handle} of ${record.ocs.parts.name}`;
    if (!this.#said.has(key)) this.#said.set(key, record);
    this.#topSaid = Math.max(this.#topSaid, record.handle);
  }

  /** Looks at the gateway's epoch. */
  watch(): void {
    const { gateway, life, trace, scheduler, checks } = this.#world;
    if (!gateway || !life.isAlive) return;
    const { endpoints } = gateway.status();
    const epoch = gateway.records.ownership.epochOf(UPSTREAM);
    const active = endpoints.find((each) => each.active && each.up);
    if (!active) return;
    for (const ocs of checks.pair)
      if (`http://${ocs.parts.host.address}` !== active.endpoint) this.#elsewhereAt.set(ocs.parts.name, scheduler.now);
    const ocs = checks.pair.find(({ parts }) => `http://${parts.host.address}` === active.endpoint)!;
    const before = this.#epoch;
    if (before?.number === epoch && before.endpoint === active.endpoint) return;
    if (before?.endpoint !== active.endpoint) this.changedAt = scheduler.now;
    const isKnown = before?.number !== epoch || before.endpoint !== undefined;
    this.#epoch = { number: epoch, endpoint: active.endpoint, life: isKnown ? ocs.life : undefined };
    this.#top = this.#topSaid = this.#topBefore = 0;
    if (!before && checks.causes.size === 0 && ocs.role !== "active")
      trace.violate("I8", `the first epoch is of ${active.endpoint}, which is not the active one`);
    if (!before || !isKnown) return;
    if (epoch <= before.number) trace.violate("I8", `the epoch of ${UPSTREAM} went from ${before.number} to ${epoch}`);
    else if (before.endpoint === active.endpoint && before.life === ocs.life) {
      trace.violate(
        "I8",
        `the epoch of ${UPSTREAM} went from ${before.number} to ${epoch}, and it is the same OCS in the same life`,
      );
    }
  }

  /** When the gateway last held the other one for the active OCS; -1 for never. */
  elsewhereAt({ parts }: Ocs): number {
    return this.#elsewhereAt.get(parts.name) ?? -1;
  }

  /** A registrar's registration was taken for this OCS: the reply names the epoch. */
  isTakenFor(ocs: Ocs, epoch: number): boolean {
    const { gateway } = this.#world;
    if (!gateway) return false;
    const active = gateway.status().endpoints.find((each) => each.active && each.up)?.endpoint;
    return active === `http://${ocs.parts.host.address}` && epoch === gateway.records.ownership.epochOf(UPSTREAM);
  }

  /** One gateway agrees with itself. */
  judgeAgreement(): void {}

  /** The gateway takes what it has heard so far for unconfirmed. */
  unconfirmed(): void {
    this.unconfirmedAt = this.#world.scheduler.now;
    this.#topBefore = this.#topSaid;
    this.#isConfirmed = false;
  }

  /** It has done so since the record had its owner. */
  isUnconfirmed({ ownedAt }: OcsRecord): boolean {
    return ownedAt !== undefined && ownedAt <= this.unconfirmedAt;
  }

  lost({ address }: SimHost): void {
    this.#lostAt.set(address, this.#world.scheduler.now);
  }

  /**
   * A record that this life of OCS announced before connections were lost, or the gateway restarted, while OCS has
   * announced none above the highest one, or the life is not proven to be another one than before: what is unconfirmed
   * then may stay so until OCS speaks of it, because OCS has given away other handles of that time. The same where it
   * contradicted itself, which looks the same. Limits that the manual states.
   */
  mayStayUnclear(record: OcsRecord): boolean {
    const { handle, ownedAt, life, ocs } = record;
    const { checks } = this.#world;
    if (checks.misplaced.has(handle)) return true;
    const { address } = ocs.parts.host;
    const isProven = this.#epoch?.endpoint === `http://${address}` && this.#epoch.life === life;
    const isContradicted = checks.conflicts.some(({ record }) => record.ocs === ocs && record.life === life);
    // OCS has given away a handle of a life before, and what is as old is confirmed one by one only.
    const isDoubted = life > 1 && this.#world.machines[0]!.storeFile.doubtOf(UPSTREAM) >= 0;
    const isSure = isProven && !isContradicted && this.#isConfirmed && !isDoubted;
    if (isSure || ownedAt === undefined) return false;
    const lostAt = this.#lostAt.get(address) ?? -1;
    return ownedAt <= lostAt || (this.isUnconfirmed(record) && ownedAt <= lostAt + NOTICED_WITHIN_MS);
  }

  /** A gateway starts. An epoch that had not reached a disk when the one before died may be forgotten. */
  restarts(): void {
    this.unconfirmed();
    for (const { parts } of this.#world.checks.pair) this.lost(parts.host);
    const { disk, storeFile } = this.#world.machines[0]!;
    const noted = disk.textIn(DIRECTORY).matchAll(/"kind":"switchover".*"epoch":(\d+)/g);
    const onDisk = Math.max(storeFile.epochOf(UPSTREAM), ...[...noted].map(([, epoch]) => Number(epoch)));
    if (this.#epoch && this.#epoch.number !== onDisk)
      this.#epoch = { number: onDisk, endpoint: undefined, life: undefined };
  }

  /** A handle that comes for the first time, far below the highest one of the epoch, proves that OCS began again. */
  heard200(record: OcsRecord): void {
    const { handle, ocs, life, tenant } = record;
    const { name, window, host } = ocs.parts;
    this.watch();
    if (this.#epoch?.endpoint !== `http://${host.address}`) return;
    // It may have died in the moment in which its answer left: then the disk tells.
    if (!this.#world.life.isAlive && this.#world.machines[0]!.storeFile.epochOf(UPSTREAM) > this.#epoch.number) return;
    const isFirst = record.ownedAt === undefined && this.#said.get(`${handle} of ${name}`) === record;
    if (isFirst && handle < this.#top - window && this.#epoch.life !== undefined && this.#epoch.life !== life)
      this.#world.trace.violate("I8", `record ${handle} proves life ${life} of ${name}, and the epoch goes on`);
    if (tenant.records !== "pre-dial") return;
    this.#top = Math.max(this.#top, handle);
    if (handle > this.#topBefore) this.#isConfirmed = true;
  }
}
