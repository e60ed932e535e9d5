/**
 * The invariants that can be judged while the simulation runs. I0: no handler fails. I1: nothing executes on a record
 * of another tenant. I2: no owner hears a final No of an open record that was announced with 200 in the same life of
 * OCS. I3: the delivery on a reply is what OCS saw, and nothing is executed twice. I7: one exchange and one tenant per
 * connection. I8: epochs only increase, and change only with proof. I9: nothing leaves for OCS of a client that is
 * revoked.
 */
import { headerOf, type Reply } from "../../src/message.ts";
import { DIRECTORY, UPSTREAM, type SimClient } from "./config.ts";
import type { Connection, SimHost } from "./network.ts";
import type { Message } from "./message-reader.ts";
import type { Ocs } from "./ocs.ts";
import type { OcsRecord } from "./speaker.ts";
import type { World } from "./world.ts";

export type Asked = {
  readonly mark: string;
  readonly id: string;
  readonly client: SimClient;
  /** DBID of the tenant that the client acts for. */
  readonly tenant: number;
  /** The request says so, or the client has no other. Else the owner of the handle decides. */
  readonly isNamed: boolean;
  readonly handle: number;
  readonly record: OcsRecord | undefined;
  readonly action: string;
  readonly sentAt: number;
  received: number;
  connection: number | undefined;
  executions: { readonly at: number; readonly status: number }[];
  answers: number[];
  reply: Reply | undefined;
  got2106: boolean;
  end: "replied" | "refused" | "cut" | "abandoned" | undefined;
};

const ANNOUNCED_AFTER_MS = 7000;

export class Checks {
  readonly asked = new Map<string, Asked>();
  readonly #world: World;
  readonly #carries = new Map<number, number>();
  readonly #elsewhereAt = new Map<string, number>();
  #ids = 0;
  /** The last one seen. Undefined is what is not known of it. */
  #epoch:
    | { readonly number: number; readonly endpoint: string | undefined; readonly life: number | undefined }
    | undefined;
  /** When the gateway had no connection to a host any more, by address. */
  readonly #lostAt = new Map<string, number>();
  pair: readonly Ocs[] = [];
  /** What may be an alarm's cause. */
  readonly causes = new Set<string>();
  /** Records that OCS announced for two tenants in one life, and whether the gateway has answered both. */
  readonly conflicts: { readonly record: OcsRecord; isAnswered: boolean }[] = [];
  /** The first record of each handle that was ever said, whether or not the gateway heard it. */
  readonly #said = new Map<string, OcsRecord>();
  /** The highest handle for which OCS heard 200 in this epoch, of a tenant that the gateway serves. */
  #top = 0;
  readonly #announcedFor = new Map<string, Set<number>>();
  readonly #contradicted = new Set<number>();
  /**
   * Handles that a registrar named for one OCS while the gateway took its word for the other: a limit that the manual
   * states.
   */
  readonly misplaced = new Set<number>();
  /**
   * Connections on which OCS sent what nobody asked for: such an answer cannot be told from the right one, because
   * HTTP/1.1 has no response id.
   */
  readonly strayed = new Set<number>();
  /** Clients that the running gateway knows to be revoked. */
  readonly revoked = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** 26 characters, as a ULID has. */
  nextId(): string {
    return `01S${String(++this.#ids).padStart(23, "0")}`;
  }

  /** OCS announces it, or a registrar names it. */
  said(record: OcsRecord): void {
    const key = `${record.handle} of ${record.ocs.parts.name}`;
    if (!this.#said.has(key)) this.#said.set(key, record);
  }

  announced(record: OcsRecord, tenant: number): void {
    this.said(record);
    const { handle, ocs, life } = record;
    const key = `${handle} of life ${life} of ${ocs.parts.name}`;
    const tenants = this.#announcedFor.get(key);
    if (!tenants) this.#announcedFor.set(key, new Set([tenant]));
    else if (tenants.add(tenant).size > 1) this.#contradicted.add(handle);
  }

  /** Whether a handle was announced for two tenants in one life of OCS. */
  isContradicted(handle: number): boolean {
    return this.#contradicted.has(handle);
  }

  /** The gateway hands a request to the kernel. */
  left(bytes: Buffer, { id, host, owner }: Connection): void {
    const lanes = this.#world.network.connectionsTo(host).filter((each) => each.isLane && each.owner === owner).length;
    const most = this.#world.variant.connections;
    // Lanes of before a loss or a reload run to their end beside the new ones.
    if (lanes > most && !this.causes.has("cut") && !this.causes.has("reload"))
      this.#world.trace.violate("I7", `${lanes} lanes are open, and the config allows ${most}`);
    const asked = this.asked.get(/"SIM_MARK":"(m\d+)"/.exec(bytes.toString("latin1"))?.[1] ?? "");
    if (!asked) return;
    asked.connection = id;
    if (this.revoked.has(asked.client.name))
      this.#world.trace.violate("I9", `${asked.mark} leaves for OCS while ${asked.client.name} is revoked`);
  }

  pipelined(connection: number): void {
    if (!this.strayed.has(connection))
      this.#world.trace.violate(
        "I7",
        `connection ${connection} carries bytes of a request while another is not answered`,
      );
  }

  received({ mark }: Message, connection: number, ocs: Ocs): void {
    const asked = this.asked.get(mark);
    if (!asked) return this.#world.trace.violate("I3", `${ocs.parts.name} got a request that no client sent: ${mark}`);
    asked.received++;
    if (!asked.isNamed) return;
    const tenant = this.#carries.get(connection);
    if (tenant !== undefined && tenant !== asked.tenant)
      this.#world.trace.violate(
        "I7",
        `connection ${connection} carried a request of ${tenant} and carries ${mark} of ${asked.tenant}`,
      );
    this.#carries.set(connection, asked.tenant);
  }

  executed({ mark }: Message, record: OcsRecord | undefined, status: number): void {
    const asked = this.asked.get(mark);
    if (!asked) return;
    asked.executions.push({ at: this.#world.scheduler.now, status });
    if (asked.executions.length > 1)
      this.#world.trace.violate("I3", `${mark} was executed ${asked.executions.length} times`);
    const may = asked.isNamed ? [asked.tenant] : asked.client.tenants;
    if (status === 200 && !may.includes(record!.tenant.dbid)) {
      this.#world.trace.violate(
        "I1",
        `${mark} (${asked.action} of ${asked.tenant}) executed on record ${record!.handle} of ${record!.tenant.dbid}`,
      );
    }
  }

  answered({ mark }: Message, status: number): void {
    this.asked.get(mark)?.answers.push(status);
  }

  replied(asked: Asked, reply: Reply): void {
    const { trace } = this.#world;
    this.watchEpoch();
    const [delivery, code, origin] = ["Ocsgw-Delivery", "Ocsgw-Code", "Ocsgw-Origin"].map((name) =>
      headerOf(reply.headers, name),
    );
    const { mark, record } = asked;
    asked.got2106 = code === "OCSGW-2106";
    // What it heard may be an answer that nobody asked for, and the gateway believes that the record is finished.
    if (record && this.strayed.has(asked.connection ?? 0)) record.isAmbiguous = true;
    if (delivery === "not-sent" && asked.received > 0)
      trace.violate("I3", `${mark} got ${code} not-sent, and OCS has received it`);
    if (delivery === "answered" && !this.strayed.has(asked.connection ?? 0) && !asked.answers.includes(reply.status))
      trace.violate(
        "I3",
        `${mark} got ${reply.status} answered, and OCS answered ${asked.answers.join() || "nothing"}`,
      );
    if (origin === "ocs" && delivery !== "answered")
      trace.violate("I3", `${mark} has an answer of OCS with delivery ${delivery}`);
    if (code === "OCSGW-2106" && record && this.#isOwned(asked, record)) {
      trace.violate(
        "I2",
        `${mark} of ${asked.tenant} got 2106 for record ${record.handle}, which is open and announced in this life`,
      );
    }
    if (code === "OCSGW-5900") trace.violate("I0", `${mark} met an internal error`);
  }

  #isOwned(
    { tenant, sentAt }: Asked,
    { tenant: { dbid }, isOpen, isContradicted, isAmbiguous, ownedAt, ocs, life, handle }: OcsRecord,
  ): boolean {
    const isHeld =
      isOpen &&
      !isContradicted &&
      !isAmbiguous &&
      tenant === dbid &&
      ocs.role === "active" &&
      ocs.life === life &&
      ocs.records.get(handle)?.isOpen === true;
    // Two that accept at the same time: what belongs to the one that the gateway left is void by the rules.
    return (
      isHeld && ownedAt !== undefined && ownedAt < sentAt && (this.#elsewhereAt.get(ocs.parts.name) ?? -1) < ownedAt
    );
  }

  /**
   * A registrar's PUT names no OCS: the gateway takes it for the one that it considers active. The reply names the
   * epoch, so that the registrar learns when that has ended meanwhile.
   */
  isTakenFor(ocs: Ocs, reply: Reply): boolean {
    const { gateway } = this.#world;
    if (!gateway) return false;
    const { epoch } = JSON.parse(Buffer.from(reply.body).toString()) as { epoch: number };
    const active = gateway.status().endpoints.find((each) => each.active && each.up)?.endpoint;
    return active === `http://${ocs.parts.host.address}` && epoch === gateway.records.ownership.epochOf(UPSTREAM);
  }

  /** Looks at the gateway's epoch. */
  watchEpoch(): void {
    const { gateway, life, trace, scheduler } = this.#world;
    if (!gateway || !life.isAlive) return;
    const { endpoints } = gateway.status();
    const epoch = gateway.records.ownership.epochOf(UPSTREAM);
    const active = endpoints.find((each) => each.active && each.up);
    if (!active) return;
    for (const ocs of this.pair)
      if (`http://${ocs.parts.host.address}` !== active.endpoint) this.#elsewhereAt.set(ocs.parts.name, scheduler.now);
    const ocs = this.pair.find(({ parts }) => `http://${parts.host.address}` === active.endpoint)!;
    const before = this.#epoch;
    if (before?.number === epoch && before.endpoint === active.endpoint) return;
    const isKnown = before?.number !== epoch || before.endpoint !== undefined;
    this.#epoch = { number: epoch, endpoint: active.endpoint, life: isKnown ? ocs.life : undefined };
    this.#top = 0;
    if (!before && this.causes.size === 0 && ocs.role !== "active")
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

  lost({ address }: SimHost): void {
    this.#lostAt.set(address, this.#world.scheduler.now);
  }

  /**
   * A record that this life of OCS announced before connections were lost, or the gateway restarted, while the life is
   * not proven to be another one than before: what is unconfirmed then may stay so until OCS speaks of it, because
   * OCS has given away other handles of that time. The same where it contradicted itself, which looks the same. A limit
   * that the manual states.
   */
  mayStayUnclear({ handle, ownedAt, life, ocs }: OcsRecord): boolean {
    if (this.misplaced.has(handle)) return true;
    const { address } = ocs.parts.host;
    const isProven = this.#epoch?.endpoint === `http://${address}` && this.#epoch.life === life;
    const isContradicted = this.conflicts.some(({ record }) => record.ocs === ocs && record.life === life);
    return (!isProven || isContradicted) && ownedAt !== undefined && ownedAt <= (this.#lostAt.get(address) ?? -1);
  }

  /** A gateway starts. An epoch that had not reached a disk when the one before died may be forgotten. */
  restarts(): void {
    for (const { parts } of this.pair) this.lost(parts.host);
    const { disk, storeFile } = this.#world;
    const noted = disk.textIn(DIRECTORY).matchAll(/"kind":"switchover".*"epoch":(\d+)/g);
    const onDisk = Math.max(storeFile.epochOf(UPSTREAM), ...[...noted].map(([, epoch]) => Number(epoch)));
    if (this.#epoch && this.#epoch.number !== onDisk)
      this.#epoch = { number: onDisk, endpoint: undefined, life: undefined };
  }

  /** A handle that comes for the first time, far below the highest one of the epoch, proves that OCS began again. */
  #judgeProof(record: OcsRecord): void {
    const { handle, ocs, life, tenant } = record;
    const { name, window, host } = ocs.parts;
    this.watchEpoch();
    if (this.#epoch?.endpoint !== `http://${host.address}`) return;
    const isFirst = record.ownedAt === undefined && this.#said.get(`${handle} of ${name}`) === record;
    if (isFirst && handle < this.#top - window && this.#epoch.life !== undefined && this.#epoch.life !== life)
      this.#world.trace.violate("I8", `record ${handle} proves life ${life} of ${name}, and the epoch goes on`);
    if (tenant.records === "pre-dial") this.#top = Math.max(this.#top, handle);
  }

  /** Long after the last fault, OCS may dial what it announces. */
  heard(status: number | undefined, record: OcsRecord): void {
    const { trace, scheduler, calmSince } = this.#world;
    if (status === 200) this.#judgeProof(record);
    const { handle, isContradicted, wasDialed, ocs } = record;
    const { isAlone } = ocs.parts;
    if (
      status === 200 ||
      isContradicted ||
      // A copy that comes when the record has been finished.
      wasDialed ||
      !this.#world.isUp ||
      !isAlone() ||
      calmSince === undefined ||
      scheduler.now < calmSince + ANNOUNCED_AFTER_MS
    )
      return;
    trace.violate("I5", `OCS hears ${status ?? "nothing"} for record ${handle} in the calm`);
  }

  /** Whoever no reply reached may have been executed; whoever heard not-sent must never be. */
  atEnd(): void {
    const { trace } = this.#world;
    for (const { reply, received, mark } of this.asked.values()) {
      if (reply && received > 0 && headerOf(reply.headers, "Ocsgw-Delivery") === "not-sent")
        trace.violate("I3", `${mark} was not sent by its reply, and OCS received it later`);
    }
  }

  startFailed(error: unknown): void {
    // A disk that fails keeps the gateway from starting, and rightly; that the journal calls its own files damaged is
    // another thing.
    if (error instanceof Error && error.name === "JournalDamaged")
      this.#world.trace.violate("I4", `the journal does not open: ${error.message}`);
  }
}
