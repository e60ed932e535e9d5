/**
 * The invariants that can be judged while the simulation runs. I0: no handler fails. I1: nothing executes on a record
 * of another tenant. I2: no owner hears a final No of an open record that was announced with 200 in the same life of
 * OCS. I3: the delivery on a reply is what OCS saw, and nothing is executed twice. I7: one exchange and one tenant per
 * connection. I8: see epochs.ts. I9: nothing leaves for OCS of a client that is revoked. I10: one finalizing request at
 * a time is under way for a record.
 */
import { FINAL_ACTIONS } from "../ocs/manual.ts";
import { headerOf, type Reply } from "../../src/common/message.ts";
import type { SimClient } from "./config.ts";
import { Epochs, type EpochChecks } from "./epochs.ts";
import { SharedEpochs } from "./shared-epochs.ts";
import type { Connection } from "./network.ts";
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

const FINAL: ReadonlySet<string> = new Set(FINAL_ACTIONS);
const ANNOUNCED_AFTER_MS = 7000;
/** The watch connection's TCP keep-alive asks after a second without traffic. */
const REPLACED_UNNOTICED_MS = 2000;
/** An announcement waits 2 s for its OCS to be the active one, and others have to follow it for 1.5 s. */
const FOLLOWS_AFTER_MS = 3500;
/** One that comes just after a change of roles may be late and counts for nothing; two show who announces. */
const FOLLOWS_AFTER = 3;
/** An answer that comes so long after the roles have changed is to an announcement that came 1.5 s after it. */
const STRAGGLING_MS = 3500;

/**
 * `tenant`: for whom OCS announced the record, too. `wasUnconfirmed`: the gateway had noticed a loss of connections, or
 * had started, since the record had its owner.
 */
export type Conflict = {
  readonly record: OcsRecord;
  readonly tenant: number;
  readonly wasUnconfirmed: boolean;
  isAnswered: boolean;
};

export class Checks {
  readonly asked = new Map<string, Asked>();
  readonly #world: World;
  readonly #carries = new Map<number, number>();
  /** Since when OCS is told of none of its records that it may dial it, and of how many. */
  readonly #unheeded = new Map<Ocs, { readonly since: number; count: number }>();
  readonly epochs: EpochChecks;
  /** The last finalizing request for each record that OCS has received. */
  readonly #finalizing = new Map<OcsRecord, { readonly asked: Asked; readonly connection: number }>();
  #ids = 0;
  pair: readonly Ocs[] = [];
  /** What may be an alarm's cause. */
  readonly causes = new Set<string>();
  /** Records that OCS announced for two tenants in one life, and whether the gateway has answered both. */
  readonly conflicts: Conflict[] = [];
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

  constructor(world: World) {
    this.#world = world;
    this.epochs = world.database ? new SharedEpochs(world, world.database) : new Epochs(world);
  }

  /** 26 characters, as a ULID has. */
  nextId(): string {
    return `01S${String(++this.#ids).padStart(23, "0")}`;
  }

  announced(record: OcsRecord, tenant: number): void {
    this.epochs.said(record);
    const { handle, attempt } = record;
    const key = `${handle} ${attempt}`;
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
    if (this.#world.machineOf(owner)?.revoked.has(asked.client.name))
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
    if (FINAL.has(asked.action)) this.#finalizes(asked, connection, ocs.records.get(asked.handle));
    if (!asked.isNamed) return;
    const tenant = this.#carries.get(connection);
    if (tenant !== undefined && tenant !== asked.tenant)
      this.#world.trace.violate(
        "I7",
        `connection ${connection} carried a request of ${tenant} and carries ${mark} of ${asked.tenant}`,
      );
    this.#carries.set(connection, asked.tenant);
  }

  /** A gateway that others hold for dead, or that has given up, does not wait for its answer any more. */
  #finalizes(asked: Asked, connection: number, record: OcsRecord | undefined): void {
    if (!record?.isOpen || record.isContradicted) return;
    const before = this.#finalizing.get(record);
    this.#finalizing.set(record, { asked, connection });
    if (!before || before.asked.answers.length > 0 || before.asked.end === "cut") return;
    const { network, trace } = this.#world;
    const open = [...network.connections].find(({ id }) => id === before.connection);
    const machine = open && this.#world.machineOf(open.owner);
    if (!machine?.isUp || machine.gateway?.membership?.isLeased === false) return;
    trace.violate(
      "I10",
      `${asked.mark} (${asked.action}) reaches OCS while ${before.asked.mark} of ${record.handle} has no answer`,
    );
  }

  executed({ mark }: Message, record: OcsRecord | undefined, status: number): void {
    const asked = this.asked.get(mark);
    if (!asked) return;
    asked.executions.push({ at: this.#world.scheduler.now, status });
    if (asked.executions.length > 1)
      this.#world.trace.violate("I3", `${mark} was executed ${asked.executions.length} times`);
    const may = asked.isNamed ? [asked.tenant] : asked.client.tenants;
    // OCS gave the handle to this tenant, too, when what it had said before was unconfirmed: it might have restarted
    // between.
    const isGiven = this.conflicts.some(
      (said) => said.record === record && said.wasUnconfirmed && may.includes(said.tenant),
    );
    if (status === 200 && !may.includes(record!.tenant.dbid) && !isGiven && !this.#isUnnoticed(record!)) {
      this.#world.trace.violate(
        "I1",
        `${mark} (${asked.action} of ${asked.tenant}) executed on record ${record!.handle} of ${record!.tenant.dbid}`,
      );
    }
  }

  /**
   * OCS opens records of this tenant without announcing them, and its host was replaced so lately that no
   *      connection has
   * told: the limit of `registered` that the manual states.
   */
  #isUnnoticed({ tenant, ocs }: OcsRecord): boolean {
    return tenant.records === "registered" && this.#world.scheduler.now < ocs.replacedAt + REPLACED_UNNOTICED_MS;
  }

  answered({ mark }: Message, status: number): void {
    this.asked.get(mark)?.answers.push(status);
  }

  replied(asked: Asked, reply: Reply): void {
    const { trace } = this.#world;
    this.epochs.watch();
    const [delivery, code, origin] = ["Ocsgw-Delivery", "Ocsgw-Code", "Ocsgw-Origin"].map((name) =>
      headerOf(reply.headers, name),
    );
    const { mark, record } = asked;
    asked.got2106 = code === "OCSGW-2106";
    // What it heard may be an answer that nobody asked for, and the gateway believes that the record is finished.
    if (record && this.#heardStray(record)) record.isAmbiguous = true;
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

  /**
   * A request for the record went over a connection with an answer that nobody asked for; its reply may be under way.
   */
  #heardStray(record: OcsRecord): boolean {
    if (this.strayed.size === 0) return false;
    return [...this.asked.values()].some((each) => each.record === record && this.strayed.has(each.connection ?? 0));
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
    return isHeld && ownedAt !== undefined && ownedAt < sentAt && this.epochs.elsewhereAt(ocs) < ownedAt;
  }

  /**
   * A registrar's PUT names no OCS: the gateway takes it for the one that it considers active. The reply names the
   * epoch, so that the registrar learns when that has ended meanwhile.
   */
  isTakenFor(ocs: Ocs, reply: Reply): boolean {
    const { epoch } = JSON.parse(Buffer.from(reply.body).toString()) as { epoch: number };
    return this.epochs.isTakenFor(ocs, epoch);
  }

  /**
   * Long after the last fault, OCS may dial what it announces. Where a standby keeps its connections they do not
   *      tell who
   * is the primary: then the gateway follows the announcements, as soon as they go on for 1.5 s.
   */
  heard(status: number | undefined, record: OcsRecord): void {
    const { trace, scheduler, calmSince } = this.#world;
    if (status === 200) this.epochs.heard200(record);
    const { handle, isContradicted, wasDialed, ocs } = record;
    const { isAlone, standby } = ocs.parts;
    if (status === 200) this.#unheeded.delete(ocs);
    const before = this.#unheeded.get(ocs);
    // Who finds an OCS again, even the same one, forgets who has announced.
    const goesOn = before && before.since > this.epochs.unconfirmedAt;
    const unheeded = goesOn ? before : { since: scheduler.now, count: 0 };
    // What comes while the gateway is down or looks for OCS, or just after the roles have changed, is no sign to it.
    const settledAt = Math.max(this.epochs.changedAt, this.epochs.unconfirmedAt);
    const isSign = status !== undefined && status !== 200 && scheduler.now >= settledAt + STRAGGLING_MS;
    if (isSign && standby === "keeps") {
      unheeded.count++;
      this.#unheeded.set(ocs, unheeded);
    }
    const isEarly = unheeded.count < FOLLOWS_AFTER || scheduler.now < unheeded.since + FOLLOWS_AFTER_MS;
    if (
      status === 200 ||
      (standby === "keeps" && isEarly) ||
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
