/**
 * One OCS of the pair, with its own truth: which tenant owns each open record. It announces records before it dials
 * them, executes what it is asked, and knows nothing of the gateway but the address of its callbacks.
 */
import { FINAL_ACTIONS } from "../ocs/manual.ts";
import type { Random } from "./random.ts";
import type { Accepted, SimHost } from "./network.ts";
import { TENANTS, type SimTenant } from "./config.ts";
import { MessageReader, type Message } from "./message-reader.ts";
import { Speaker, type OcsRecord } from "./speaker.ts";
import type { World } from "./world.ts";

/** What a standby does with a connection. */
export type Standby = "closes" | "keeps" | "silent" | "refuses";
export type Role = "active" | "standby" | "down";

export type OcsParts = {
  readonly world: World;
  readonly name: string;
  readonly host: SimHost;
  readonly standby: Standby;
  /** False while the peer is active, too. */
  readonly isAlone: () => boolean;
  readonly opened: (record: OcsRecord) => void;
  readonly closed: (record: OcsRecord) => void;
  /** Milliseconds between the ends of the announcement of two records. */
  readonly pace: number;
  /** A new life begins with the first handle again. */
  readonly reuses: boolean;
  /** Ended records' handles are given out again in the same life. */
  readonly recycles: boolean;
  readonly window: number;
  readonly contiguous: boolean;
  readonly registered: number;
};

const FINAL: ReadonlySet<string> = new Set(FINAL_ACTIONS);
const ANSWERS: Readonly<Record<number, string>> = {
  200: "HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nContent-length: 0\r\n\r\n",
  410: "HTTP/1.1 410 Gone\r\nServer: OCS/8.1.524.04\r\nWarning: 112\r\nContent-length: 0\r\n\r\n",
};

export class Ocs {
  readonly parts: OcsParts;
  role: Role = "down";
  life = 0;
  /**
   * When this life began, if the host was replaced, which tells nobody who holds a connection to it; else -Infinity.
   */
  replacedAt = -Infinity;
  records = new Map<number, OcsRecord>();
  /** Milliseconds for each answer. */
  service = { typical: 2, longest: 40 };
  isDialing = true;
  pace: number;
  /** The highest handle of this life, and of the one before. */
  highest = 0;
  readonly #random: Random;
  #connections = new Set<Accepted>();
  #next = 1;
  readonly speaker: Speaker;

  constructor(parts: OcsParts) {
    this.parts = parts;
    this.pace = parts.pace;
    this.#random = parts.world.fork(`ocs ${parts.name}`);
    this.speaker = new Speaker(this, this.#random, (record) => this.#open(record));
  }

  /** The process starts. */
  start(role: "active" | "standby"): void {
    const { world, name, host, reuses } = this.parts;
    this.life++;
    this.replacedAt = host.isDark ? world.scheduler.now : -Infinity;
    if (reuses) this.#beginAgain();
    this.records = new Map();
    this.speaker.reset();
    this.role = role;
    world.trace.note(name, `starts life ${this.life} as ${role}, next handle ${this.#next}`);
    this.#listen();
    if (host.isDark) world.network.lighten(host, true);
    this.#dialLater(this.life, this.pace);
  }

  /**
   * Handles are given out again, so that those which desktops still hold come back as other records. With fewer
   * handles given out than the window spans, a new life cannot be told from the old one: a documented limit.
   */
  #beginAgain(): void {
    const open = [...this.records.values()].filter(({ isOpen }) => isOpen).map(({ handle }) => handle);
    const { window } = this.parts;
    const first = Math.max(
      1,
      Math.min(this.highest - 2 * window, ...open.map((handle) => handle - this.#random.below(4))),
    );
    if (this.speaker.highest - first <= 2 * window) return;
    this.#next = first;
    this.highest = this.speaker.highest = 0;
  }

  /** The process ends; its kernel closes connections in order, resets them, or is gone with it. */
  stop(how: "close" | "reset" | "dark"): void {
    const { world, name, host } = this.parts;
    world.trace.note(name, `ends (${how})`);
    this.role = "down";
    this.#connections.clear();
    host.accept = undefined;
    if (how === "dark") {
      host.isDark = true;
      // The first words of the next life may come before the gateway's kernel hears that the old connections are gone.
      world.checks.causes.add("unnoticed restart");
    } else {
      this.speaker.end();
      world.network.forget(host, how);
    }
  }

  /** A switch of roles, without a restart of the process. The handles of the one that becomes standby are void. */
  become(role: "active" | "standby"): void {
    const { world, name } = this.parts;
    world.trace.note(name, `becomes ${role}`);
    this.role = role;
    if (role === "standby") {
      this.life++;
      this.records = new Map();
      this.speaker.reset();
      for (const connection of this.#connections) connection.close();
      this.#connections.clear();
    } else this.#dialLater(this.life, this.pace);
    this.#listen();
  }

  #listen(): void {
    const { host, standby, world } = this.parts;
    const isSilent = this.role === "standby" && standby === "silent";
    if (host.isDark && !isSilent) world.network.lighten(host, true);
    host.isDark = isSilent;
    host.accept =
      this.role === "standby" && standby === "refuses" ? undefined : (connection) => this.#accept(connection);
  }

  #accept(connection: Accepted): void {
    const { world } = this.parts;
    if (this.role !== "active" && this.parts.standby !== "keeps")
      return world.after(this.#random.between(0.1, 8), connection.close);
    this.#connections.add(connection);
    const reader = new MessageReader();
    let isBusy = false;
    connection.onClose = () => this.#connections.delete(connection);
    connection.onData = (bytes) => {
      if (isBusy) world.checks.pipelined(connection.id);
      const message = reader.take(bytes);
      if (!message || this.role !== "active") return;
      isBusy = true;
      world.checks.received(message, connection.id, this);
      const { typical, longest } = this.service;
      const life = this.life;
      world.after(this.#random.latency(typical / 2, longest / 2), () => {
        if (this.life !== life || this.role !== "active") return;
        const status = this.#execute(message);
        world.after(this.#random.latency(typical / 2, longest / 2), () => {
          if (this.life !== life) return;
          isBusy = false;
          world.checks.answered(message, status);
          connection.send(Buffer.from(ANSWERS[status]!));
        });
      });
    };
  }

  #execute(message: Message): number {
    const { world, name } = this.parts;
    const record = this.records.get(message.handle);
    const status = record?.isOpen ? 200 : 410;
    world.trace.note(name, `executes ${message.action} ${message.handle} [${message.mark}]: ${status}`);
    world.checks.executed(message, record, status);
    if (record?.isOpen && FINAL.has(message.action)) {
      this.#close(record);
      if (message.action === "RecordReject") this.#redial(record);
    }
    return status;
  }

  #close(record: OcsRecord): void {
    record.isOpen = false;
    this.parts.closed(record);
    this.speaker.report(record);
  }

  /** The call ended and nobody finalized the record. */
  lapse(record: OcsRecord): void {
    if (!record.isOpen || this.role !== "active" || this.records.get(record.handle) !== record) return;
    this.parts.world.trace.note(this.parts.name, `record ${record.handle} lapses`);
    this.#close(record);
  }

  #dialLater(life: number, ms: number): void {
    this.parts.world.after(ms, () => {
      if (this.life !== life || this.role !== "active") return;
      if (this.isDialing) this.dial();
      this.#dialLater(life, this.#random.between(0.3, 1.7) * this.pace);
    });
  }

  /** Takes the next record, unless the validator cannot be reached. */
  dial(): void {
    if (this.speaker.isPaused) return;
    const handle = this.#next;
    // Announcements overtake each other by less than the handle window, which is what the gateway is told to expect.
    const { window, contiguous, registered } = this.parts;
    const step = contiguous
      ? 1
      : this.speaker.unheard.size === 0 && this.#random.chance(0.25)
        ? 20 + this.#random.below(80)
        : 1 + this.#random.below(3);
    if (handle + step - Math.min(handle, ...this.speaker.unheard.values()) > window - 1) return;
    this.#next += step;
    this.highest = handle;
    // Where both of the pair are active, a registrar's PUT cannot say whose handle it means: a limit of the product
    // that the manual states.
    const isRegistered = this.#random.chance(registered) && this.parts.isAlone();
    this.#retrieve(
      handle,
      this.#random.pick(TENANTS.filter(({ records }) => (records === "registered") === isRegistered)),
      1,
    );
  }

  #retrieve(handle: number, tenant: SimTenant, attempt: number, isContradicted = false): void {
    const { world, name } = this.parts;
    const record: OcsRecord = {
      handle,
      ocs: this,
      life: this.life,
      tenant,
      attempt: `${name}-${this.life}-${handle}-${attempt}`,
      counter: this.highest,
      wasAnnounced: false,
      isOpen: false,
      wasDialed: false,
      isContradicted,
      isAmbiguous: false,
      ownedAt: undefined,
    };
    this.records.set(handle, record);
    if (tenant.records === "registered") return this.#open(record);
    this.speaker.unheard.set(record, record.counter);
    // OCS posts over several connections: announcements may overtake each other, and one may come twice.
    world.after(this.#random.latency(1, 120), () => this.speaker.announce(record));
    if (this.#random.chance(0.1)) world.after(this.#random.between(0, 2500), () => this.speaker.announce(record));
  }

  /**
   * A rejected record may be dialed again at once: the same handle, another attempt. What contradicted itself stays
   * disputed in this life.
   */
  #redial(record: OcsRecord): void {
    const { handle, tenant, attempt } = record;
    if (tenant.records === "registered" || !this.isDialing || !this.#random.chance(0.5)) return;
    const next = Number(attempt.split("-").at(-1)) + 1;
    this.parts.world.after(this.#random.latency(3, 200), () => {
      if (this.role === "active" && this.records.get(handle) === record)
        this.#retrieve(handle, tenant, next, record.isContradicted);
    });
  }

  /** The gateway has heard that the record has ended: its handle may get another record, often another tenant's. */
  recycle(record: OcsRecord): void {
    const { recycles, world } = this.parts;
    const isLast = this.records.get(record.handle) === record;
    if (!recycles || !isLast || this.role !== "active" || !this.isDialing || record.tenant.records !== "pre-dial")
      return;
    if (record.isOpen || record.isContradicted || !this.#random.chance(0.5)) return;
    const tenant = this.#random.pick(TENANTS.filter(({ records }) => records === "pre-dial"));
    const next = Number(record.attempt.split("-").at(-1)) + 1;
    world.after(this.#random.latency(3, 200), () => {
      if (this.role === "active" && this.records.get(record.handle) === record)
        this.#retrieve(record.handle, tenant, next);
    });
  }

  #open(record: OcsRecord): void {
    if (record.wasDialed || this.records.get(record.handle) !== record || this.role !== "active") return;
    record.isOpen = record.wasDialed = true;
    this.parts.opened(record);
    if (this.#random.chance(0.1)) this.parts.world.after(this.#random.between(500, 8000), () => this.lapse(record));
  }
}
