/**
 * Those who use the gateway: agents' desktops that finish the records they are given, a client that asks for what is
 * not its own, and the registrar.
 */
import { FINAL_ACTIONS } from "../ocs/manual.ts";
import { headerOf, type Reply } from "../../src/common/message.ts";
import { CLIENTS, REGISTRAR, UPSTREAM, type SimClient } from "./config.ts";
import type { Asked } from "./checks.ts";
import type { OcsRecord } from "./speaker.ts";
import type { Random } from "./random.ts";
import type { Owner } from "./scheduler.ts";
import type { World } from "./world.ts";

export type AgentOptions = {
  /** How many clients there are, from the front of the list. */
  readonly clients: number;
  readonly strays: boolean;
  readonly abandons: boolean;
  /** The part of the records that a desktop keeps for seconds. */
  readonly slow: number;
};

const MOST_TRIES = 40;
const REREGISTER_MS = 3000;

export class Agents {
  /** Records that a desktop is at work on. */
  readonly #working = new Map<OcsRecord, { tries: number; last: string }>();
  readonly #world: World;
  readonly #random: Random;
  readonly #options: AgentOptions;
  readonly #seen: OcsRecord[] = [];
  #marks = 0;

  constructor(world: World, options: AgentOptions) {
    [this.#world, this.#options] = [world, options];
    this.#random = world.fork("agents");
  }

  /** OCS has a call for it. */
  opened(record: OcsRecord): void {
    this.#seen.push(record);
    if (record.tenant.records === "registered") this.#register(record);
    else this.#work(record);
    if (this.#options.strays && this.#random.chance(0.15))
      this.#world.after(this.#random.between(1, 3000), () => this.#stray());
  }

  /** Work that OCS would still take. */
  get unfinished(): (readonly [OcsRecord, string])[] {
    return [...this.#working]
      .filter(([record]) => isCurrent(record))
      .filter(([record, { last }]) => !last.endsWith("OCSGW-5103") || !this.#world.checks.epochs.mayStayUnclear(record))
      .map(([record, { tries, last }]) => [record, `${tries} tries, the last one ${last || "under way"}`]);
  }

  closed(record: OcsRecord): void {
    if (record.tenant.records === "registered" && this.#random.chance(0.3))
      this.#registrar("DELETE", record, () => undefined);
  }

  #work(record: OcsRecord): void {
    const client = this.#clientOf(record.tenant.dbid);
    if (!client) return;
    this.#working.set(record, { tries: 0, last: "" });
    const wait = (): number =>
      this.#random.chance(this.#options.slow) ? this.#random.between(500, 12_000) : this.#random.latency(60, 2500);
    for (let stats = this.#random.below(3); stats > 0; stats--)
      this.#world.after(wait(), () => this.#ask(client, record, "UpdateCallCompletionStats", () => undefined));
    this.#world.after(wait() + 30, () => {
      this.#finish(client, record, this.#random.pick(FINAL_ACTIONS));
      if (this.#random.chance(0.3))
        this.#world.after(this.#random.latency(2, 60), () =>
          this.#finish(this.#clientOf(record.tenant.dbid)!, record, this.#random.pick(FINAL_ACTIONS)),
        );
    });
  }

  /** Asks until it has a final answer. */
  #finish(client: SimClient, record: OcsRecord, action: string): void {
    const work = this.#working.get(record);
    if (!work) return;
    this.#ask(client, record, action, (reply, how) => {
      work.tries++;
      work.last = reply ? `${reply.status} ${headerOf(reply.headers, "Ocsgw-Code") ?? ""}` : how;
      const isFinal = reply !== undefined && (reply.status === 200 || reply.status === 410);
      // A desktop does not know that OCS has begun a new life, and goes on with the old handle for some time.
      if (isFinal || (work.tries > MOST_TRIES && !isCurrent(record))) return void this.#working.delete(record);
      this.#world.after(this.#random.between(200, 1500), () => this.#finish(client, record, action));
    });
  }

  #stray(): void {
    const record = this.#random.pick(this.#seen);
    const client = this.#random.pick(CLIENTS.slice(0, this.#options.clients));
    const handle = this.#random.chance(0.7) ? record.handle : 1 + this.#random.below(record.ocs.highest + 50);
    this.#send(
      { client, tenant: client.tenants[0]!, handle, record: undefined, action: this.#random.pick(FINAL_ACTIONS) },
      () => undefined,
    );
  }

  #ask(
    client: SimClient,
    record: OcsRecord,
    action: string,
    done: (reply: Reply | undefined, how: string) => void,
  ): void {
    this.#send({ client, tenant: record.tenant.dbid, handle: record.handle, record, action }, done);
  }

  #send(
    what: Pick<Asked, "client" | "tenant" | "handle" | "record" | "action">,
    done: (reply: Reply | undefined, how: string) => void,
  ): void {
    const world = this.#world;
    const { client, tenant, handle, action } = what;
    const mark = `m${++this.#marks}`;
    const isAlone = client.tenants.length === 1;
    const isNamed = !isAlone && (what.record === undefined || this.#random.chance(0.7));
    const asked: Asked = {
      ...what,
      mark,
      isNamed: isNamed || isAlone,
      id: world.checks.nextId(),
      sentAt: world.scheduler.now,
      received: 0,
      connection: undefined,
      executions: [],
      answers: [],
      reply: undefined,
      got2106: false,
      end: undefined,
    };
    world.checks.asked.set(mark, asked);
    const hangUp = this.#options.abandons && this.#random.chance(0.06) ? new AbortController() : undefined;
    world.trace.note(client.name, `asks ${action} ${handle} for ${tenant} [${mark}]`);
    const body = JSON.stringify({
      SIM_MARK: mark,
      ...(action === "RecordReschedule" && { GSW_DATE_TIME: "12/24/2026 10:00" }),
    });
    const lifeOf = world.call(
      {
        to: "clients",
        id: asked.id,
        method: "POST",
        target: `/records/${handle}?req=${action}`,
        source: "10.3.0.1",
        body,
        as: client.name,
        ...(isNamed && { headers: [["Ocsgw-Tenant", String(tenant)]] }),
        ...(hangUp && { gone: hangUp.signal }),
      },
      (reply, how) => {
        if (asked.end) return;
        Object.assign(asked, { reply, end: how });
        world.trace.note(client.name, `${reply ? `gets ${inShort(reply)}` : `is ${how}`} [${mark}]`);
        if (reply) world.checks.replied(asked, reply);
        done(reply, how);
      },
    );
    if (hangUp) world.after(this.#random.latency(15, 800), () => this.#abandon(asked, { hangUp, lifeOf }, done));
  }

  #abandon(
    asked: Asked,
    { hangUp, lifeOf }: { readonly hangUp: AbortController; readonly lifeOf: () => Owner },
    done: (reply: undefined, how: string) => void,
  ): void {
    if (asked.end) return;
    asked.end = "abandoned";
    this.#world.trace.note(asked.client.name, `hangs up [${asked.mark}]`);
    this.#world.scheduler.outside(0.3, () => hangUp.abort(), lifeOf());
    done(undefined, "abandoned");
  }

  /**
   * PUT until it is taken, and now and then once more while the record is open: handles that a restart left
   * unconfirmed are confirmed by that.
   */
  #register(record: OcsRecord): void {
    if (!isCurrent(record)) return;
    this.#registrar("PUT", record, (reply) => {
      const isTaken = reply?.status === 200 || reply?.status === 201;
      const isPlaced = isTaken && this.#world.checks.isTakenFor(record.ocs, reply);
      if (isTaken && !isPlaced) this.#world.checks.misplaced.add(record.handle);
      if (isTaken && isPlaced && isCurrent(record)) {
        const isFirst = record.ownedAt === undefined;
        record.ownedAt = this.#world.scheduler.now;
        if (isFirst) this.#work(record);
      }
      if (isCurrent(record))
        this.#world.after(isTaken ? REREGISTER_MS : this.#random.between(100, 900), () => this.#register(record));
    });
  }

  #registrar(method: "PUT" | "DELETE", record: OcsRecord, done: (reply: Reply | undefined) => void): void {
    const world = this.#world;
    const { handle, tenant } = record;
    if (method === "PUT") world.checks.epochs.said(record);
    world.trace.note("registrar", `${method} ${handle}`);
    const body = method === "PUT" ? JSON.stringify({ tenant: tenant.name }) : "";
    world.call(
      {
        to: "callbacks",
        id: world.checks.nextId(),
        method,
        target: `/ownership/${UPSTREAM}/${handle}`,
        source: REGISTRAR.address,
        body,
        as: REGISTRAR.client,
      },
      (reply, how) => {
        world.trace.note("registrar", `gets ${reply?.status ?? how} for ${method} ${handle}`);
        done(reply);
      },
    );
  }

  #clientOf(dbid: number): SimClient | undefined {
    const clients = CLIENTS.slice(0, this.#options.clients).filter(({ tenants }) => tenants.includes(dbid));
    return clients.length > 0 ? this.#random.pick(clients) : undefined;
  }
}

export const isCurrent = (record: OcsRecord): boolean =>
  record.isOpen &&
  !record.isContradicted &&
  !record.isAmbiguous &&
  record.ocs.role === "active" &&
  record.ocs.life === record.life &&
  record.ocs.records.get(record.handle) === record;

const inShort = ({ status, headers }: Reply): string =>
  `${status} ${headerOf(headers, "Ocsgw-Code") ?? "of OCS"} ${headerOf(headers, "Ocsgw-Delivery")}`;
