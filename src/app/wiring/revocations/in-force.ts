/**
 * The revocations in force: applies them to credentials and writes them to the journal, which is the source of truth.
 * Remembers those that the journal may lack because it failed, and writes them when it works again.
 */
import { events } from "../../../common/log/events.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { Revocations } from "../../../identity/credentials.ts";
import type { Config } from "../../../journal/entry.ts";
import type { Journal } from "../../../journal/journal.ts";
import { endOf, type Revoked, type SharedDecision } from "../../../journal/revocations/revoked-set.ts";
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

  revoke(...all: readonly { readonly decision: Decision; readonly shared?: SharedDecision }[]): void {
    for (const { decision, shared } of all) this.#byName.set(nameOf(decision), revokedOf(decision, shared));
    this.#apply();
  }

  /** Why nothing can be journaled now; undefined while it can. */
  get journalFault(): string | undefined {
    return this.#parts.journal.status().failed;
  }

  /** Revocations that the shared database does not have, as far as known. */
  unshared(): readonly Revoked[] {
    return this.all().filter(({ shared }) => shared === undefined);
  }

  /** To be journaled soon; until then the revocations file's line is needed. */
  expectJournal(decision: Decision): void {
    this.#unsettled.add(nameOf(decision));
  }

  /** Notes the state in the shared database, which may last longer. Journals nothing. */
  confirm(decision: Decision, shared: SharedDecision | undefined): void {
    this.#byName.set(nameOf(decision), revokedOf(decision, shared));
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
  async reduce(decision: Decision, shared?: SharedDecision): Promise<boolean> {
    if (this.journalFault !== undefined) return false;
    const wasRevoked = this.has(decision);
    if (!(await this.#journal(decision, shared))) {
      // The journal may have a part of the failed entry, so it needs the revocation that is still in force.
      if (wasRevoked) this.#unsettled.add(nameOf(decision));
      return false;
    }
    if (decision.lifted) this.#byName.delete(nameOf(decision));
    else this.#byName.set(nameOf(decision), revokedOf(decision, shared));
    this.#apply();
    logDecision(decision, shared);
    return true;
  }

  /** Logs and journals a decision that is in force. Resolves to whether it is on disk. */
  async journal(decision: Decision, shared?: SharedDecision): Promise<boolean> {
    logDecision(decision, shared);
    return this.#journal(decision, shared);
  }

  /** Journals that the shared database has these revocations, which the journal knows. Resolves as `journal`. */
  async journalShared(revoked: readonly Revoked[]): Promise<void> {
    if (revoked.length > MOST_ENTRIES)
      return void (await this.journalAll(`the shared database has ${revoked.length} more of these revocations`));
    for (const { shared, ...each } of revoked) await this.#journal({ ...each, lifted: false }, shared);
  }

  /** Resolves to whether it is on disk: with `on_failure: continue` the journal may accept an entry and lose it. */
  async #journal(decision: Decision, shared?: SharedDecision): Promise<boolean> {
    const { journal, configHash } = this.#parts;
    const isWritten = await this.#write({
      kind: "config",
      config_hash: configHash(),
      change: decision.lifted ? "lifted" : "revoked",
      detail: `${inWords(decision)}${shared ? ` (change ${shared.seq}, decided at ${shared.node})` : ""}`,
      revocation: revokedOf(decision, shared),
      // The first entry has all revocations, so that from then on the journal alone is enough.
      ...(!journal.revoked.isComplete && { revocations: this.#allWith(decision, shared) }),
    });
    if (isWritten) this.#unsettled.delete(nameOf(decision));
    else if (!decision.lifted) this.#unsettled.add(nameOf(decision));
    return isWritten;
  }

  /** Journals all revocations in one entry. Resolves to whether it is on disk. */
  async journalAll(detail: string): Promise<boolean> {
    const config_hash = this.#parts.configHash();
    const revocations = this.all();
    const isWritten = await this.#write({ kind: "config", config_hash, change: "revocations", detail, revocations });
    for (const each of revocations)
      if (isWritten) this.#unsettled.delete(nameOf(each));
      else this.#unsettled.add(nameOf(each));
    return isWritten;
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
      else await this.journal(decisionOf(each), each.shared);
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

  #allWith(decision: Decision, shared: SharedDecision | undefined): readonly Revoked[] {
    const all = new Map(this.#byName);
    if (decision.lifted) all.delete(nameOf(decision));
    else all.set(nameOf(decision), revokedOf(decision, shared));
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

/** More are journaled in one entry. */
const MOST_ENTRIES = 20;

const revokedOf = ({ kind, id, until }: Decision, shared?: SharedDecision): Revoked => ({
  kind,
  id,
  until,
  ...(shared && { shared }),
});

export const decisionOf = ({ kind, id, until }: Revoked): Decision => ({ kind, id, until, lifted: false });

/** Logs that the journal or the revocations file could not be read or written. */
export const logUnavailable = (fault: unknown): void =>
  events.revocationsUnavailable({ reason: faultInWords(fault), error: fault });

const logDecision = ({ kind, id, lifted, until }: Decision, shared?: SharedDecision): void => {
  const by = shared && { node: shared.node };
  if (lifted) events.credentialReinstated({ kind, id, ...by });
  else events.credentialRevoked({ kind, id, ...(until !== null && { until }), ...by });
};

const inWords = ({ kind, id, lifted, until }: Decision): string =>
  `${kind} ${id}${lifted ? " is reinstated" : ` is revoked${until === null ? "" : ` until ${until}`}`}`;
