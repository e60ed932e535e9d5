/** Revocations as they stand in their file: in force within a moment of being written there, by whomever, and told in the journal. */
import { access, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import { addDecision, addJournalled, BrokenLine, readDecision, readRevocations, standingOf, type Decision } from "../settings/revocations-file.ts";
import type { Revocations } from "../tenants/credential.ts";
import { watchFiles } from "./watch.ts";

export type KeeperParts = { readonly file: string; readonly revocations: Revocations; readonly journal: Pick<Journal, "append">; /** Of the config in force. */ readonly configHash: () => string };

/** `kept`: on disk, so that it outlasts the process. */
export type Decided = Decision & { readonly kept: boolean; readonly journalled: boolean };

export class RevocationKeeper {
  readonly #parts: KeeperParts;
  #turn: Promise<unknown> = Promise.resolve();
  /** Once there was a file, its absence is a fault: a directory that vanishes lifts nothing. */
  #wasThere = false;
  #stopWatching: () => Promise<void> = () => Promise.resolve();

  private constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Rejects when the file cannot be read: without it nobody knows who must not be let in. */
  static async open(parts: KeeperParts): Promise<RevocationKeeper> {
    const keeper = new RevocationKeeper(parts);
    await mkdir(dirname(parts.file), { recursive: true });
    await keeper.#read();
    keeper.#stopWatching = await watchFiles({ files: () => new Map([[parts.file, undefined]]), changed: () => keeper.#inTurn(() => keeper.#read()).catch(tellUnusable) });
    return keeper;
  }

  /** Resolves when it is in force, to how far it got besides; to a text when it is no decision. Never rejects. */
  async decide(said: unknown): Promise<Decided | string> {
    const decision = readDecision(said);
    if (typeof decision === "string") return decision;
    return this.#inTurn(async () => {
      const kept = await this.#keep(decision).then(() => true, (fault: unknown) => (tellUnusable(fault), false));
      // Whatever stands in the file besides; and better for as long as the process lives than not at all.
      if (kept || !decision.lifted) this.#parts.revocations.add({ ...standingOf(decision), ...(decision.lifted && { until: 0 }) });
      const journalled = kept && await this.#read().then(() => true, (fault: unknown) => (tellUnusable(fault), false));
      return { ...decision, kept, journalled };
    });
  }

  /** A file that is gone is not made anew: it would say that nobody else is revoked. */
  async #keep(decision: Decision): Promise<void> {
    if (this.#wasThere) await access(this.#parts.file);
    await addDecision(this.#parts.file, decision);
  }

  async close(): Promise<void> {
    await this.#stopWatching();
    await this.#turn;
  }

  #inTurn<Done>(work: () => Promise<Done>): Promise<Done> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** What is in force does not wait for the journal: what could not be told is told the next time. */
  async #read(): Promise<void> {
    const { file, revocations, journal, configHash } = this.#parts;
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" && !this.#wasThere) return "";
      throw error;
    });
    this.#wasThere ||= text !== "";
    const { standing, unjournalled } = readRevocations(text);
    revocations.put(standing);
    if (unjournalled.length === 0) return;
    for (const decision of unjournalled) {
      events.revoked(inWords(decision));
      await journal.append({ kind: "config", config_hash: configHash(), change: decision.lifted ? "lifted" : "revoked", detail: inWords(decision) });
    }
    await addJournalled(file);
  }
}

const tellUnusable = (fault: unknown): void => events.revocationsUnusable(fault, fault instanceof BrokenLine ? fault.message : undefined);

const inWords = ({ kind, id, lifted, until }: Decision): string => `${kind} ${id}${lifted ? " counts again" : ` is revoked${until === null ? "" : ` until ${until}`}`}`;
