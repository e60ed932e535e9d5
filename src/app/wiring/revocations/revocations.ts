/**
 * Decides revocations, and applies those of the revocations file. The journal is the source of truth. The file beside
 * it is a copy, and the place where a command leaves a revocation when it cannot reach the gateway. So the file can add
 * a revocation but never end one: the gateway restores from the journal what the file loses, and raises an alarm.
 */
import type { Journal } from "../../../journal/journal.ts";
import { nameOf, readDecision, type Decision } from "../../../settings/files/revocations-file.ts";
import { watchFiles } from "../../config/file-watcher.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";
import { withTimeout } from "../../../common/timeout.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { SharedDecision } from "../../../journal/revocations/revoked-set.ts";
import { RevocationsCopy, type FileRead } from "./file-copy.ts";
import { logUnavailable, RevocationsInForce, type InForceParts } from "./in-force.ts";
import { RevocationSharing, type NodeReach, type Shared, type SharingParts } from "./sharing.ts";

export type KeeperParts = InForceParts & {
  readonly file: string;
  readonly journal: Pick<Journal, "append" | "note" | "status" | "revoked">;
  /** Milliseconds, monotonic. */
  readonly steady?: () => number;
  /** If several gateways share a database. */
  readonly sharing?: SharingParts | undefined;
};

/**
 * `kept`: on disk, so that it outlasts the process. `journalled`: in the journal. `shared`: on the other gateways, if
 * there are any; `trouble`: why the database does not have it.
 */
export type Decided = Decision & {
  readonly kept: boolean;
  readonly journalled: boolean;
  readonly shared?: { readonly trouble: string | null; readonly nodes: readonly NodeReach[] };
};

const CHECK_MS = 1000;
/** A local revocation waits so long for its number in the shared database before it is journaled without one. */
const SHARE_MS = 1000;
/** More are journaled in one entry. */
const MOST_ENTRIES = 20;

export class RevocationKeeper {
  readonly #file: string;
  readonly #isComplete: () => boolean;
  readonly #inForce: RevocationsInForce;
  readonly #copy: RevocationsCopy;
  readonly #queue = new SerialQueue();
  readonly #sharing: RevocationSharing | undefined;
  #unlisten: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopWatching: () => Promise<void> = () => Promise.resolve();

  private constructor(parts: KeeperParts) {
    const { file, journal, steady = () => performance.now() } = parts;
    this.#file = file;
    this.#isComplete = () => journal.revoked.isComplete;
    this.#inForce = new RevocationsInForce(parts);
    this.#copy = new RevocationsCopy(file, journal, steady);
    this.#sharing =
      parts.sharing &&
      new RevocationSharing(parts.sharing, {
        inForce: this.#inForce,
        queue: this.#queue,
        revoke: (revoked) => this.#revokeShared(revoked),
        reduce: async (decision, shared) => (await this.#reduce(decision, shared)).kept,
      });
  }

  /**
   * Applies the revocations of journal and file. Rejects when the file cannot be read or has a damaged line, and the
   * journal does not have all revocations: the gateway then does not know which credentials to reject. Rejects with
   * DatabaseUnavailable when the revocations of other gateways cannot be read and `mustShare`.
   */
  static async open(
    parts: KeeperParts,
    { watch = true, mustShare = true }: { readonly watch?: boolean; readonly mustShare?: boolean } = {},
  ): Promise<RevocationKeeper> {
    const keeper = new RevocationKeeper(parts);
    await keeper.#syncFile();
    await keeper.share().catch((error: unknown) => {
      if (mustShare) throw error;
    });
    if (watch) await keeper.#watch();
    return keeper;
  }

  /** A warning while a repair of the file, or a rejected line in it, is less than a day old. */
  troubles(): readonly string[] {
    return [...this.#copy.troubles(), ...(this.#sharing?.troubles() ?? [])];
  }

  /** Resolves once the decision is in force, with where it is stored; to a text for an invalid one. Never rejects. */
  async decide(said: unknown): Promise<Decided | string> {
    const decision = readDecision(said);
    if (typeof decision === "string") return decision;
    if (this.#sharing) return this.#decideShared(decision, this.#sharing);
    return this.#queue.run(async () => {
      // A reduction is in force once the journal has it, anything else at once.
      const isReduction = this.#inForce.isReduction(decision);
      return { ...decision, ...(isReduction ? await this.#reduce(decision) : await this.#revoke([{ decision }])) };
    });
  }

  /** Applies the changes of other gateways now, and writes own ones that the shared database lacks. */
  async share(): Promise<void> {
    await this.#sharing?.sync();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#unlisten();
    await this.#stopWatching();
    await this.#sharing?.idle();
    await this.#queue.idle();
  }

  /** The timer finds changes between two checks of the watcher, and a journal that works again. */
  async #watch(): Promise<void> {
    const inTurn = (work: () => Promise<void>): Promise<void> => this.#queue.run(work).catch(logUnavailable);
    this.#stopWatching = await watchFiles({
      files: () => new Map([[this.#file, undefined]]),
      changed: () => inTurn(() => this.#syncFile()),
    });
    const share = (): void => void this.share().catch(() => undefined);
    this.#unlisten =
      this.#sharing?.parts.rows.listen(share, () => {
        this.#sharing!.readAll();
        share();
      }) ?? (() => undefined);
    const check = async (): Promise<void> => {
      // After a settlement, the file's lines of those revocations are marked as journaled, or applied again.
      if (await this.#inForce.settle()) await this.#syncFile();
      if (await this.#copy.isDue()) await this.#syncFile();
    };
    this.#timer = setInterval(() => {
      void inTurn(check);
      share();
    }, CHECK_MS).unref();
  }

  async #decideShared(decision: Decision, sharing: RevocationSharing): Promise<Decided> {
    const isReduction = await this.#queue.run(() => this.#inForce.isReduction(decision));
    const { seq, trouble, ...done } = isReduction
      ? await this.#reduceOnAll(decision, sharing)
      : await this.#revokeOnAll(decision, sharing);
    const nodes = seq === undefined ? [] : await sharing.parts.reached(seq);
    return { ...decision, ...done, shared: { trouble: trouble ?? null, nodes } };
  }

  /** In force at once; in the file before the database is asked, and in the journal with its number if possible. */
  async #revokeOnAll(decision: Decision, sharing: RevocationSharing): Promise<OnAll> {
    const isInFile = await this.#queue.run(async () => {
      this.#inForce.revoke({ decision });
      this.#inForce.expectJournal(decision);
      sharing.held.add(nameOf(decision));
      return this.#copy.add({ decisions: [decision] });
    });
    const trouble = await withTimeout(SHARE_MS, sharing.sync(), "the shared database").then(
      () => undefined,
      (error: unknown) => faultInWords(error),
    );
    return this.#queue.run(async () => {
      sharing.held.delete(nameOf(decision));
      const { shared, until } = this.#inForce.get(decision) ?? {};
      // Undefined: it was reinstated meanwhile, and the journal has that.
      const journalled = until === undefined || (await this.#inForce.journal({ ...decision, until }, shared));
      if (isInFile && journalled) await this.#copy.add({ journalled: [decision] });
      return { kept: isInFile || journalled, journalled, seq: shared?.seq, trouble: shared ? undefined : trouble };
    });
  }

  /** The database first: its order is the order on all gateways. */
  async #reduceOnAll(decision: Decision, sharing: RevocationSharing): Promise<OnAll> {
    if (this.#inForce.journalFault !== undefined) return { kept: false, journalled: false };
    const wasRevoked = this.#inForce.has(decision);
    try {
      const shared = await sharing.reduce(decision);
      await sharing.sync();
      const isDone = await this.#queue.run(async () => {
        // Nothing was revoked here: the journal states the reinstatement all the same.
        if (!wasRevoked) return (await this.#reduce(decision, shared)).kept;
        const own = this.#inForce.get(decision);
        return own === undefined || (own.shared !== undefined && own.shared.seq >= shared.seq);
      });
      return { kept: isDone, journalled: isDone, seq: shared.seq };
    } catch (error) {
      return { kept: false, journalled: false, trouble: faultInWords(error) };
    }
  }

  async #revokeShared(revoked: readonly Shared[]): Promise<void> {
    if (revoked.length <= MOST_ENTRIES) return void (await this.#revoke(revoked));
    this.#inForce.revoke(...revoked);
    const decisions = revoked.map(({ decision }) => decision);
    const isInFile = await this.#copy.add({ decisions });
    const isJournalled = await this.#inForce.journalAll(`${revoked.length} revocations came from other gateways`);
    if (isInFile && isJournalled) await this.#copy.add({ journalled: decisions });
  }

  async #revoke(
    revoked: readonly { readonly decision: Decision; readonly shared?: SharedDecision }[],
  ): Promise<Pick<Decided, "kept" | "journalled">> {
    this.#inForce.revoke(...revoked);
    // First the file: after a crash between the two, the next start journals the file's revocation.
    const decisions = revoked.map(({ decision }) => decision);
    const isInFile = await this.#copy.add({ decisions });
    const written = await Promise.all(revoked.map(({ decision, shared }) => this.#inForce.journal(decision, shared)));
    const isJournalled = written.every(Boolean);
    if (isInFile && isJournalled) await this.#copy.add({ journalled: decisions });
    return { kept: isInFile || isJournalled, journalled: isJournalled };
  }

  async #reduce(decision: Decision, shared?: SharedDecision): Promise<Pick<Decided, "kept" | "journalled">> {
    const before = this.#inForce.get(decision);
    if (!(await this.#inForce.reduce(decision, shared))) return { kept: false, journalled: false };
    // Also marks the revocation as journaled: the journal has it, even if no line of the file says so.
    const until = decision.lifted ? null : (before?.until ?? null);
    await this.#copy.add({ decisions: [decision], journalled: [{ ...decision, lifted: false, until }, decision] });
    return { kept: true, journalled: true };
  }

  /** Applies what the file adds, and restores what it lost. */
  async #syncFile(): Promise<void> {
    const found = await this.#copy.read();
    if (this.#isComplete()) await this.#applyFresh(found);
    else await this.#takeOver(found);
    await this.#copy.restore(found, this.#inForce.all());
    if (this.#isComplete() && this.#inForce.isSettled) await this.#copy.compact(found, this.#inForce.all());
  }

  /** For a journal of format 1, or a new one: the file may have revocations that the journal lacks. */
  async #takeOver({ last, fresh, fault, isThere }: FileRead): Promise<void> {
    if (fault !== undefined && isThere)
      throw new Error(
        `${this.#file}: ${fault}, and the journal does not have every revocation: correct the file, or delete the ` +
          "damaged line if you know what it revoked",
      );
    const lifted = fresh.filter((decision) => last.get(nameOf(decision))!.lifted);
    const added = this.#inForce.merge(
      lifted,
      [...last.values()].filter((decision) => !decision.lifted),
    );
    const count = this.#inForce.all().length;
    if (count === 0 && lifted.length === 0) return;
    const detail = `${count} revocations are in force; ${added} of them were only in ${this.#file}`;
    // If the journal fails, the file's lines stay unmarked, and the next start journals them.
    if ((await this.#inForce.journalAll(detail)) && isThere) await this.#copy.add({ journalled: fresh });
  }

  async #applyFresh({ fresh }: FileRead): Promise<void> {
    const isJournalled: boolean[] = [];
    for (const decision of fresh) {
      if (decision.lifted || !this.#inForce.extend(decision)) continue;
      isJournalled.push(await this.#inForce.journal(decision));
    }
    const lifts = fresh.filter((decision) => decision.lifted && this.#inForce.has(decision));
    if (lifts.length > 0) this.#copy.rejectReinstatements(lifts);
    if (fresh.length > 0 && isJournalled.every(Boolean) && this.#inForce.isSettled)
      await this.#copy.add({ journalled: fresh });
  }
}

type OnAll = Pick<Decided, "kept" | "journalled"> & {
  readonly seq?: number | undefined;
  readonly trouble?: string | undefined;
};
