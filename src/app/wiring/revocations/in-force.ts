/**
 * The revocations in force: applies them to credentials and writes them to the journal, which is the source of truth.
 * Remembers those that the journal may lack because it failed, and writes them when it works again.
 */
import { events } from "../../../common/log/events.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { Revocations } from "../../../identity/credentials.ts";
import type { Config } from "../../../journal/entry.ts";
import type { Journal } from "../../../journal/journal.ts";
import { endOf, type Revoked } from "../../../journal/revocations/revoked-set.ts";
import { nameOf, standingOf, type Decision } from "../../../settings/files/revocations-file.ts";

export type InForceParts = {
  readonly revocations: Revocations;
  readonly journal: Pick<Journal, "append" | "status" | "revoked">;
  /** Hash of the config in force. */
  readonly configHash: () => string;
};

export class RevocationsInForce {
  readonly #parts: InForceParts;
  readonly #byName: Map<string, Revoked>;
  /** Names of revocations that the journal may not have as they are in force, because it failed at that moment. */
  readonly #unsettled = new Set<string>();

  /** Starts with the journal's revocations. */
  constructor(parts: InForceParts) {
    this.#parts = parts;
    this.#byName = new Map(parts.journal.revoked.all().map((each) => [nameOf(each), each]));
    this.#apply();
  }

  all(): readonly Revoked[] {
    return [...this.#byName.values()];
  }

  has(decision: Decision): boolean {
    return this.#byName.has(nameOf(decision));
  }

  get(decision: Decision): Revoked | undefined {
    return this.#byName.get(nameOf(decision));
  }

  /** Whether the journal has every revocation as it is in force. */
  get isSettled(): boolean {
    return this.#unsettled.size === 0;
  }

  /** Whether the decision reinstates the credential, or revokes it for a shorter time than now. */
  isReduction(decision: Decision): boolean {
    const before = this.#byName.get(nameOf(decision));
    return decision.lifted || endOf(decision) < (before ? endOf(before) : Number.NEGATIVE_INFINITY);
  }

  revoke(decision: Decision): void {
    this.#byName.set(nameOf(decision), revokedOf(decision));
    this.#apply();
  }

  /** Revokes if that revokes more than before. Returns whether it did. */
  extend(decision: Decision): boolean {
    const isMore = this.#extend(decision);
    if (isMore) this.#apply();
    return isMore;
  }

  /** Applies all these decisions in one step. Returns how many credentials were not revoked before. */
  merge(lifted: readonly Decision[], revoked: readonly Decision[]): number {
    for (const each of lifted) this.#byName.delete(nameOf(each));
    const before = this.#byName.size;
    for (const each of revoked) this.#extend(each);
    this.#apply();
    return this.#byName.size - before;
  }

  /** Journals a reduction, then applies and logs it. Resolves to whether it is in force; if not, nothing changes. */
  async reduce(decision: Decision): Promise<boolean> {
    if (this.#parts.journal.status().failed !== undefined) return false;
    const wasRevoked = this.has(decision);
    if (!(await this.#journal(decision))) {
      // The journal may have a part of the failed entry, so it needs the revocation that is still in force.
      if (wasRevoked) this.#unsettled.add(nameOf(decision));
      return false;
    }
    if (decision.lifted) this.#byName.delete(nameOf(decision));
    else this.#byName.set(nameOf(decision), revokedOf(decision));
    this.#apply();
    logDecision(decision);
    return true;
  }

  /** Logs and journals a decision that is in force. Resolves to whether it is on disk. */
  async journal(decision: Decision): Promise<boolean> {
    logDecision(decision);
    return this.#journal(decision);
  }

  /** Resolves to whether it is on disk: with `on_failure: continue` the journal may accept an entry and lose it. */
  async #journal(decision: Decision): Promise<boolean> {
    const { journal, configHash } = this.#parts;
    const isWritten = await this.#write({
      kind: "config",
      config_hash: configHash(),
      change: decision.lifted ? "lifted" : "revoked",
      detail: inWords(decision),
      revocation: revokedOf(decision),
      // The first entry has all revocations, so that from then on the journal alone is enough.
      ...(!journal.revoked.isComplete && { revocations: this.#allWith(decision) }),
    });
    if (isWritten) this.#unsettled.delete(nameOf(decision));
    else if (!decision.lifted) this.#unsettled.add(nameOf(decision));
    return isWritten;
  }

  /** Journals all revocations in one entry. Resolves to whether it is on disk. */
  async journalAll(detail: string): Promise<boolean> {
    const config_hash = this.#parts.configHash();
    return this.#write({ kind: "config", config_hash, change: "revocations", detail, revocations: this.all() });
  }

  /**
   * Journals what it may lack, once it works again and has written its buffered entries. Resolves to whether there was
   * anything to settle.
   */
  async settle(): Promise<boolean> {
    const { journal } = this.#parts;
    const { failed, buffered } = journal.status();
    if (this.isSettled || failed !== undefined || buffered > 0) return false;
    for (const name of this.#unsettled) {
      const each = this.#byName.get(name);
      const known = each && journal.revoked.get(each);
      if (!each || (known && endOf(known) === endOf(each))) this.#unsettled.delete(name);
      else await this.journal({ ...each, lifted: false });
    }
    return true;
  }

  #apply(): void {
    this.#parts.revocations.replaceAll(this.all().map(standingOf));
  }

  #extend(decision: Decision): boolean {
    const before = this.#byName.get(nameOf(decision));
    if (before && endOf(before) >= endOf(decision)) return false;
    this.#byName.set(nameOf(decision), revokedOf(decision));
    return true;
  }

  #allWith(decision: Decision): readonly Revoked[] {
    const all = new Map(this.#byName);
    if (decision.lifted) all.delete(nameOf(decision));
    else all.set(nameOf(decision), revokedOf(decision));
    return [...all.values()];
  }

  async #write(entry: Config): Promise<boolean> {
    const { journal } = this.#parts;
    const { failures } = journal.status();
    try {
      await journal.append(entry);
    } catch (fault) {
      logUnavailable(fault);
      return false;
    }
    const after = journal.status();
    return after.failed === undefined && after.failures === failures;
  }
}

const revokedOf = ({ kind, id, until }: Decision): Revoked => ({ kind, id, until });

/** Logs that the journal or the revocations file could not be read or written. */
export const logUnavailable = (fault: unknown): void =>
  events.revocationsUnavailable({ reason: faultInWords(fault), error: fault });

const logDecision = ({ kind, id, lifted, until }: Decision): void =>
  lifted
    ? events.credentialReinstated({ kind, id })
    : events.credentialRevoked({ kind, id, ...(until !== null && { until }) });

const inWords = ({ kind, id, lifted, until }: Decision): string =>
  `${kind} ${id}${lifted ? " is reinstated" : ` is revoked${until === null ? "" : ` until ${until}`}`}`;
