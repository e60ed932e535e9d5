/**
 * Keeps in force what is revoked. The journal is the source of truth; the file beside it is a copy, and the place where
 * a command leaves a revocation for a gateway that it cannot ask. So the file can add a revocation and never lift one:
 * what it loses is restored from the journal and reported.
 */
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import type { Config } from "../journal/entry.ts";
import { endOf, type Revoked } from "../journal/revoked.ts";
import { addToFile, nameOf, readDecision, standingOf, type Decision } from "../settings/revocations-file.ts";
import type { Revocations } from "../tenants/credential.ts";
import { named, readFileAt, restoreFile, stampOf, type FileRead } from "./revocations-copy.ts";
import { watchFiles } from "./watch.ts";
import { faultInWords } from "../system-error.ts";

export type KeeperParts = {
  readonly file: string;
  readonly revocations: Revocations;
  readonly journal: Pick<Journal, "append" | "note" | "status" | "revoked">;
  /** Of the config in force. */
  readonly configHash: () => string;
  /** Milliseconds, monotonic. */
  readonly steady?: () => number;
};

/** `kept`: on disk, so that it outlasts the process. `journalled`: in the journal. */
export type Decided = Decision & { readonly kept: boolean; readonly journalled: boolean };

const LOOK_MS = 1000;
const RETRY_MS = 60_000;
/** For so long the status speaks of a file that was repaired. */
const REMEMBERED_MS = 24 * 3_600_000;
const RESTORED = "the revocations file had lost revocations and was restored from the journal";
const IGNORED = "the revocations file lifts what the journal revokes: it stays revoked";

export class RevocationKeeper {
  readonly #parts: KeeperParts;
  readonly #inForce = new Map<string, Revoked>();
  /** Names of revocations that the journal may not have as they are in force, because it failed at that moment. */
  readonly #unsettled = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();
  #trouble: { readonly at: number; readonly says: string } | undefined;
  /** The file as the last look found it; empty when it was written since. */
  #seen = "";
  /** When a repair that failed is tried again. */
  #retryAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #stopWatching: () => Promise<void> = () => Promise.resolve();

  private constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /**
   * Rejects when the file cannot be read, or has a damaged line, and the journal does not state what was revoked: then
   * nobody knows who must not be let in.
   */
  static async open(
    parts: KeeperParts,
    { watch = true }: { readonly watch?: boolean } = {},
  ): Promise<RevocationKeeper> {
    const keeper = new RevocationKeeper(parts);
    for (const each of parts.journal.revoked.all()) keeper.#inForce.set(nameOf(each), each);
    keeper.#put();
    await keeper.#look();
    if (watch) await keeper.#watch();
    return keeper;
  }

  /** In words, when the file was repaired lately. */
  troubles(): readonly string[] {
    return this.#trouble && this.#now() - this.#trouble.at < REMEMBERED_MS ? [this.#trouble.says] : [];
  }

  /** Resolves when it is in force, to how far it got besides; to a text when it is no decision. Never rejects. */
  async decide(said: unknown): Promise<Decided | string> {
    const decision = readDecision(said);
    if (typeof decision === "string") return decision;
    const before = (): Revoked | undefined => this.#inForce.get(nameOf(decision));
    return this.#inTurn(async () => {
      // What revokes less than before is in force once the journal has it, anything else at once.
      const isLess = decision.lifted || endOf(decision) < (before() ? endOf(before()!) : Number.NEGATIVE_INFINITY);
      return { ...decision, ...(isLess ? await this.#lessen(decision, before()) : await this.#revoke(decision)) };
    });
  }

  /** A change between two looks of the watcher is not seen by it, and a journal that works again does not say so. */
  async #watch(): Promise<void> {
    const { file } = this.#parts;
    const look = (): Promise<void> => this.#inTurn(() => this.#look()).catch(tellUnusable);
    this.#stopWatching = await watchFiles({ files: () => new Map([[file, undefined]]), changed: look });
    this.#timer = setInterval(
      () =>
        void this.#inTurn(async () => {
          await this.#settle();
          if (this.#now() >= this.#retryAt || (await stampOf(file)) !== this.#seen) await this.#look();
        }).catch(tellUnusable),
      LOOK_MS,
    ).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#stopWatching();
    await this.#turn;
  }

  #inTurn<Done>(work: () => Promise<Done>): Promise<Done> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #now(): number {
    return (this.#parts.steady ?? (() => performance.now()))();
  }

  #put(): void {
    this.#parts.revocations.put([...this.#inForce.values()].map(standingOf));
  }

  async #revoke(decision: Decision): Promise<Pick<Decided, "kept" | "journalled">> {
    this.#inForce.set(nameOf(decision), revokedOf(decision));
    this.#put();
    // First the file: a crash between the two leaves a revocation that the next start takes into the journal.
    const isInFile = await this.#copy([decision], false);
    const journalled = await this.#append(decision);
    if (isInFile && journalled) await this.#copy([], true);
    return { kept: isInFile || journalled, journalled };
  }

  async #lessen(decision: Decision, before: Revoked | undefined): Promise<Pick<Decided, "kept" | "journalled">> {
    if (this.#parts.journal.status().failed !== undefined) return { kept: false, journalled: false };
    if (!(await this.#append(decision))) {
      // Part of what failed may be on disk: when the journal works again it is told what is in force.
      if (before) this.#unsettled.add(nameOf(decision));
      return { kept: false, journalled: false };
    }
    if (decision.lifted) this.#inForce.delete(nameOf(decision));
    else this.#inForce.set(nameOf(decision), revokedOf(decision));
    this.#put();
    await this.#copy([decision], true);
    return { kept: true, journalled: true };
  }

  async #copy(decisions: readonly Decision[], journalled: boolean): Promise<boolean> {
    this.#seen = "";
    try {
      await addToFile(this.#parts.file, { decisions, journalled });
      return true;
    } catch (fault) {
      tellUnusable(fault);
      return false;
    }
  }

  /** Whether it is on disk. With `on_failure: continue` an entry may be taken and lost: that does not count. */
  async #append(decision: Decision): Promise<boolean> {
    const { journal, configHash } = this.#parts;
    events.revoked(inWords(decision));
    const entry: Config = {
      kind: "config",
      config_hash: configHash(),
      change: decision.lifted ? "lifted" : "revoked",
      detail: inWords(decision),
      revocation: revokedOf(decision),
      // The first one states all, so that from then on the journal alone is enough.
      ...(!journal.revoked.isComplete && { revocations: this.#allWith(decision) }),
    };
    const isWritten = await this.#write(entry);
    if (isWritten) this.#unsettled.delete(nameOf(decision));
    else if (!decision.lifted) this.#unsettled.add(nameOf(decision));
    return isWritten;
  }

  /** What was in doubt while the journal failed, once it works again and has written what it owed. */
  async #settle(): Promise<void> {
    const { journal } = this.#parts;
    const { failed, owed } = journal.status();
    if (this.#unsettled.size === 0 || failed !== undefined || owed > 0) return;
    for (const name of this.#unsettled) {
      const each = this.#inForce.get(name);
      const known = each && journal.revoked.get(each);
      if (!each || (known && endOf(known) === endOf(each))) this.#unsettled.delete(name);
      else await this.#append({ ...each, lifted: false });
    }
    // Its lines are marked, or taken again.
    await this.#look();
  }

  #allWith(decision: Decision): readonly Revoked[] {
    const all = new Map(this.#inForce);
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
      tellUnusable(fault);
      return false;
    }
    const after = journal.status();
    return after.failed === undefined && after.failures === failures;
  }

  /** Takes what the file adds, and restores what it lost. */
  async #look(): Promise<void> {
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#seen = await stampOf(this.#parts.file);
    const found = await readFileAt(this.#parts.file);
    if (this.#parts.journal.revoked.isComplete) await this.#takeFresh(found);
    else await this.#takeOver(found);
    await this.#restore(found);
  }

  /** Of a journal of format 1, or of a new one: the file may know more than it. */
  async #takeOver({ last, fresh, fault, isThere }: FileRead): Promise<void> {
    const { file, configHash } = this.#parts;
    if (fault !== undefined && isThere)
      throw new Error(
        `${file}: ${fault}, and the journal does not state everything that is revoked: put it right, ` +
          "or take the line away when you know what it revoked",
      );
    const lifted = fresh.filter((decision) => last.get(nameOf(decision))!.lifted);
    for (const each of lifted) this.#inForce.delete(nameOf(each));
    const before = this.#inForce.size;
    for (const decision of last.values()) if (!decision.lifted) this.#extend(decision);
    this.#put();
    if (this.#inForce.size === 0 && lifted.length === 0) return;
    const revocations = [...this.#inForce.values()];
    const added = revocations.length - before;
    const detail = `${revocations.length} revocations stand: ${added} of them were in ${file} alone`;
    // What it could not be told is told at the next start: until then the file's lines stay fresh.
    if (
      (await this.#write({ kind: "config", config_hash: configHash(), change: "revocations", detail, revocations })) &&
      isThere
    )
      await this.#copy([], true);
  }

  async #takeFresh({ fresh }: FileRead): Promise<void> {
    const taken: boolean[] = [];
    for (const decision of fresh) {
      if (decision.lifted || !this.#extend(decision)) continue;
      this.#put();
      taken.push(await this.#append(decision));
    }
    const lifts = fresh.filter((decision) => decision.lifted && this.#inForce.has(nameOf(decision)));
    if (lifts.length > 0)
      this.#report(
        IGNORED,
        `${named(lifts)}; ocsgw revoke --lift asks the gateway, or the journal of one that does not run`,
      );
    if (fresh.length > 0 && taken.every(Boolean) && this.#unsettled.size === 0) await this.#copy([], true);
  }

  /** Whether that revokes more than before. */
  #extend(decision: Decision): boolean {
    const before = this.#inForce.get(nameOf(decision));
    if (before && endOf(before) >= endOf(decision)) return false;
    this.#inForce.set(nameOf(decision), revokedOf(decision));
    return true;
  }

  async #restore(found: FileRead): Promise<void> {
    const { file } = this.#parts;
    try {
      const restored = await restoreFile(file, found, [...this.#inForce.values()]);
      if (restored === undefined) return;
      this.#seen = "";
      this.#report(RESTORED, restored);
    } catch (error) {
      tellUnusable(error);
      const says = `${file} lost revocations and cannot be restored; the journal has what is revoked`;
      this.#trouble = { at: this.#now(), says };
      this.#retryAt = this.#now() + RETRY_MS;
    }
  }

  #report(reason: string, detail: string): void {
    const { journal } = this.#parts;
    events.revocationsRepaired(reason, detail);
    journal.note({ kind: "alarm", reason, detail });
    this.#trouble = {
      at: this.#now(),
      says: `${reason} (${new Date().toISOString()}): find out who wrote to ${this.#parts.file}`,
    };
  }
}

const revokedOf = ({ kind, id, until }: Decision): Revoked => ({ kind, id, until });

const tellUnusable = (fault: unknown): void => events.revocationsUnusable(fault, faultInWords(fault));

const inWords = ({ kind, id, lifted, until }: Decision): string =>
  `${kind} ${id}${lifted ? " counts again" : ` is revoked${until === null ? "" : ` until ${until}`}`}`;
