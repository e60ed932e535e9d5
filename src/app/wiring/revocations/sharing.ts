/**
 * Revocations over several gateways. Each change has a number in the shared database, and that is its order on all
 * gateways. A revocation is in force at once where it was decided, and is written to the database as soon as that
 * answers. A reinstatement, or an earlier end, is in force only after the database has it, so that no two gateways
 * disagree. Every gateway journals what it applies, with the gateway that decided it and the number.
 */
import {
  PAGE,
  type RevocationChange,
  type RevocationRow,
  type RevocationRows,
} from "../../../cluster/revocation-rows.ts";
import { events } from "../../../common/log/events.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";
import { faultInWords } from "../../../common/system-error.ts";
import { endOf, type Revoked, type SharedDecision } from "../../../journal/revocations/revoked-set.ts";
import { nameOf, type Decision } from "../../../settings/files/revocations-file.ts";
import type { RevocationsInForce } from "./in-force.ts";

/** `waiting`: it lives, and has not said that it applied it. `dead`, `stopped`: it applies it when it starts. */
export type NodeReach = { readonly node: string; readonly state: "applied" | "waiting" | "dead" | "stopped" };

export type SharingParts = {
  readonly node: string;
  readonly rows: Pick<RevocationRows, "put" | "read" | "listen">;
  /** Tells other gateways that this one has applied all changes up to this number. */
  readonly tell: (applied: number) => void;
  /** How far the change with this number has come on the other gateways, after at most a second. */
  readonly reached: (seq: number) => Promise<readonly NodeReach[]>;
};

/** What the keeper does with changes, each within its queue. */
export type Applying = {
  readonly inForce: RevocationsInForce;
  readonly queue: SerialQueue;
  readonly revoke: (revoked: readonly Shared[]) => Promise<void>;
  /** Resolves to false if it could not be journaled, and is not in force. */
  readonly reduce: (decision: Decision, shared: SharedDecision) => Promise<boolean>;
};

export type Shared = { readonly decision: Decision; readonly shared: SharedDecision };

/** A revocation that expired longer ago is not applied; a clock that is wrong by less loses none. */
const FORGET_MS = 7 * 86_400_000;

export class RevocationSharing {
  readonly parts: SharingParts;
  readonly #to: Applying;
  readonly #queue = new SerialQueue();
  #waiting: Promise<void> | undefined;
  /** All changes up to this number are applied. */
  #applied = 0;
  /** After a connect the database may be another, or an older copy: then all rows are compared. */
  #readsAll = true;
  #trouble: string | undefined;
  /** Names whose journal entry the keeper is about to write. */
  readonly held = new Set<string>();

  constructor(parts: SharingParts, to: Applying) {
    this.parts = parts;
    this.#to = to;
  }

  /** Why other gateways may lack revocations, or this gateway theirs. */
  troubles(): readonly string[] {
    if (this.#trouble === undefined) return [];
    const own = this.#unshared().length;
    return [
      `revocations are not shared: ${this.#trouble}; the last known ones stay in force` +
        (own > 0 ? `, and other gateways lack ${own} that are in force here` : ""),
    ];
  }

  /** Resolves when the work so far has ended. */
  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  /** Reads from the next `sync` on all rows. */
  readAll(): void {
    this.#readsAll = true;
  }

  /** Applies the changes of others and writes own ones that the database lacks. Rejects with DatabaseUnavailable. */
  sync(): Promise<void> {
    this.#waiting ??= this.#queue.run(async () => {
      this.#waiting = undefined;
      try {
        await this.#sync();
        if (this.#trouble !== undefined) events.revocationsSharedAgain();
        this.#trouble = undefined;
      } catch (error) {
        const reason = faultInWords(error);
        if (this.#trouble === undefined) events.revocationsNotShared({ reason });
        this.#trouble = reason;
        throw error;
      }
    });
    return this.#waiting;
  }

  /** Writes a reinstatement or an earlier end. Resolves to its number. */
  async reduce(decision: Decision): Promise<SharedDecision> {
    const [row] = await this.parts.rows.put(this.parts.node, [{ ...decision, reduces: true }]);
    return sharedOf(row!);
  }

  async #sync(): Promise<void> {
    let [isBlocked, isPushed] = [await this.#pull(), await this.#push()];
    if (isBlocked && isPushed) isBlocked = await this.#pull();
    this.parts.tell(this.#applied);
  }

  /** Resolves to true if a row waits for an own change of the same credential, or for the journal. */
  async #pull(): Promise<boolean> {
    const isWhole = this.#readsAll;
    const { head, rows } = await this.#readFrom(isWhole ? 0 : this.#applied);
    if (!isWhole && head < this.#applied) {
      this.#readsAll = true;
      return this.#pull();
    }
    const { inForce, queue } = this.#to;
    return queue.run(async () => {
      const known = isWhole ? new Map(rows.map((row) => [nameOf(row as Decision), row])) : undefined;
      // An older copy of the database lacks them, or has an earlier state.
      for (const each of known ? inForce.all() : [])
        if (each.shared && (known!.get(nameOf(each))?.seq ?? -1) < each.shared.seq)
          inForce.confirm({ ...each, lifted: false }, undefined);
      const blocked = await this.#apply(rows);
      this.#applied = Math.min(head, ...blocked.map(({ seq }) => seq - 1));
      this.#readsAll = false;
      return blocked.length > 0;
    });
  }

  async #readFrom(start: number): Promise<{ readonly head: number; readonly rows: readonly RevocationRow[] }> {
    const rows: RevocationRow[] = [];
    for (;;) {
      const page = await this.parts.rows.read(rows.at(-1)?.seq ?? start);
      rows.push(...page.rows);
      if (page.rows.length < PAGE) return { head: page.head, rows };
    }
  }

  /** Revocations first: a reinstatement that the journal does not take delays none. Resolves to what must wait. */
  async #apply(rows: readonly RevocationRow[]): Promise<readonly RevocationRow[]> {
    const { inForce, revoke, reduce } = this.#to;
    const now = Date.now();
    const [more, less, blocked]: [RevocationRow[], RevocationRow[], RevocationRow[]] = [[], [], []];
    for (const row of rows) {
      const own = inForce.get(decisionIn(row));
      if (own && own.shared === undefined && endOf(own) > now) blocked.push(row);
      else if (own?.shared && own.shared.seq >= row.seq) continue;
      else if (row.lifted || (own && endOf(row) < endOf(own))) less.push(row);
      else if (own && endOf(row) === endOf(own)) inForce.confirm(decisionIn(row), sharedOf(row));
      else if (endOf(row) > now - FORGET_MS) more.push(row);
    }
    if (more.length > 0) await revoke(more.map((row) => ({ decision: decisionIn(row), shared: sharedOf(row) })));
    for (const row of less)
      if (inForce.has(decisionIn(row)) && !(await reduce(decisionIn(row), sharedOf(row)))) blocked.push(row);
    return blocked;
  }

  #unshared(): readonly Revoked[] {
    const now = Date.now();
    return this.#to.inForce.unshared().filter((each) => endOf(each) > now);
  }

  /** Resolves to whether the database has got anything. */
  async #push(): Promise<boolean> {
    const changes = this.#unshared().map(({ kind, id, until }): RevocationChange & Decision => ({
      kind,
      id,
      until,
      lifted: false,
      reduces: false,
    }));
    for (let at = 0; at < changes.length; at += PAGE) {
      const rows = await this.parts.rows.put(this.parts.node, changes.slice(at, at + PAGE));
      await this.#to.queue.run(() => this.#confirm(rows));
    }
    return changes.length > 0;
  }

  async #confirm(rows: readonly RevocationRow[]): Promise<void> {
    const { inForce } = this.#to;
    const journalled: Revoked[] = [];
    for (const row of rows) {
      const [decision, shared] = [decisionIn(row), sharedOf(row)];
      const own = inForce.get(decision);
      // A still longer revocation was decided meanwhile: it is written next.
      if (!own || own.shared !== undefined || endOf(own) > endOf(row)) continue;
      inForce.confirm(decision, shared);
      if (!this.held.has(nameOf(decision))) journalled.push({ ...decision, shared });
    }
    await inForce.journalShared(journalled.map(({ kind, id, until, shared }) => ({ kind, id, until, shared })));
  }
}

/** Rows of a later version may have other kinds; no credential here has one. */
const decisionIn = ({ kind, id, lifted, until }: RevocationRow): Decision => ({
  kind: kind as Decision["kind"],
  id,
  lifted,
  until,
});

const sharedOf = ({ node, seq }: RevocationRow): SharedDecision => ({ node, seq });
