/**
 * Decides revocations, and applies those of the revocations file. The journal is the source of truth. The file beside
 * it is a copy, and the place where a command leaves a revocation when it cannot reach the gateway. So the file can add
 * a revocation but never end one: the gateway restores from the journal what the file loses, and raises an alarm.
 */
import type { Journal } from "../../../journal/journal.ts";
import { nameOf, readDecision, type Decision } from "../../../settings/files/revocations-file.ts";
import { watchFiles } from "../../config/file-watcher.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";
import { RevocationsCopy, type FileRead } from "./file-copy.ts";
import { logUnavailable, RevocationsInForce, type InForceParts } from "./in-force.ts";

export type KeeperParts = InForceParts & {
  readonly file: string;
  readonly journal: Pick<Journal, "append" | "note" | "status" | "revoked">;
  /** Milliseconds, monotonic. */
  readonly steady?: () => number;
};

/** `kept`: on disk, so that it outlasts the process. `journalled`: in the journal. */
export type Decided = Decision & { readonly kept: boolean; readonly journalled: boolean };

const CHECK_MS = 1000;

export class RevocationKeeper {
  readonly #file: string;
  readonly #isComplete: () => boolean;
  readonly #inForce: RevocationsInForce;
  readonly #copy: RevocationsCopy;
  readonly #queue = new SerialQueue();
  #timer: NodeJS.Timeout | undefined;
  #stopWatching: () => Promise<void> = () => Promise.resolve();

  private constructor(parts: KeeperParts) {
    const { file, journal, steady = () => performance.now() } = parts;
    this.#file = file;
    this.#isComplete = () => journal.revoked.isComplete;
    this.#inForce = new RevocationsInForce(parts);
    this.#copy = new RevocationsCopy(file, journal, steady);
  }

  /**
   * Applies the revocations of journal and file. Rejects when the file cannot be read or has a damaged line, and the
   * journal does not have all revocations: the gateway then does not know which credentials to reject.
   */
  static async open(
    parts: KeeperParts,
    { watch = true }: { readonly watch?: boolean } = {},
  ): Promise<RevocationKeeper> {
    const keeper = new RevocationKeeper(parts);
    await keeper.#syncFile();
    if (watch) await keeper.#watch();
    return keeper;
  }

  /** A warning while a repair of the file, or a rejected line in it, is less than a day old. */
  troubles(): readonly string[] {
    return this.#copy.troubles();
  }

  /** Resolves once the decision is in force, with where it is stored; to a text for an invalid one. Never rejects. */
  async decide(said: unknown): Promise<Decided | string> {
    const decision = readDecision(said);
    if (typeof decision === "string") return decision;
    return this.#queue.run(async () => {
      // A reduction is in force once the journal has it, anything else at once.
      const isReduction = this.#inForce.isReduction(decision);
      return { ...decision, ...(isReduction ? await this.#reduce(decision) : await this.#revoke(decision)) };
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#stopWatching();
    await this.#queue.idle();
  }

  /** The timer finds changes between two checks of the watcher, and a journal that works again. */
  async #watch(): Promise<void> {
    const inTurn = (work: () => Promise<void>): Promise<void> => this.#queue.run(work).catch(logUnavailable);
    this.#stopWatching = await watchFiles({
      files: () => new Map([[this.#file, undefined]]),
      changed: () => inTurn(() => this.#syncFile()),
    });
    const check = async (): Promise<void> => {
      // After a settlement, the file's lines of those revocations are marked as journaled, or applied again.
      if (await this.#inForce.settle()) await this.#syncFile();
      if (await this.#copy.isDue()) await this.#syncFile();
    };
    this.#timer = setInterval(() => void inTurn(check), CHECK_MS).unref();
  }

  async #revoke(decision: Decision): Promise<Pick<Decided, "kept" | "journalled">> {
    this.#inForce.revoke(decision);
    // First the file: after a crash between the two, the next start journals the file's revocation.
    const isInFile = await this.#copy.add({ decisions: [decision] });
    const journalled = await this.#inForce.journal(decision);
    if (isInFile && journalled) await this.#copy.add({ journalled: [decision] });
    return { kept: isInFile || journalled, journalled };
  }

  async #reduce(decision: Decision): Promise<Pick<Decided, "kept" | "journalled">> {
    const before = this.#inForce.get(decision);
    if (!(await this.#inForce.reduce(decision))) return { kept: false, journalled: false };
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
