/**
 * The config file is read again: checked with the code of `check`, compared with what is in force, and switched to, or refused with every
 * reason. One reading after the other. What comes of it is in the log and in the journal.
 */
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import { differences } from "../settings/difference.ts";
import type { FilesRead } from "../settings/load.ts";
import type { Problem } from "../settings/problem.ts";
import type { Standing } from "./changeover.ts";
import { copyKeyChecks } from "./index-keys.ts";
import { readAside, type Checked } from "./reading.ts";
import { faultInWords } from "../system-error.ts";

export type Reloaded =
  | { readonly outcome: "unchanged"; readonly hash: string }
  /** `changes`: a sentence each. */
  | { readonly outcome: "reloaded"; readonly before: string; readonly hash: string; readonly changes: readonly string[]; readonly warnings: readonly Problem[] }
  /** `hash`: of the file that was refused; `before` stays in force. */
  | { readonly outcome: "refused"; readonly before: string; readonly hash: string; readonly problems: readonly Problem[] };

export type Reloading = { readonly file: string; readonly standing: Standing; readonly journal: Journal; /** Called after each switch. */ readonly switched: () => Promise<void> };

/** More than this many sentences are counted and not told in the journal. */
const TOLD = 100;

export class Reloader {
  readonly #parts: Reloading;
  #turn: Promise<unknown> = Promise.resolve();
  #next: Promise<Reloaded> | undefined;
  #refused: string | undefined;
  #files: FilesRead = new Map();
  #closed = false;

  constructor(parts: Reloading) {
    this.#parts = parts;
  }

  /** Why the config file as it was last read is not in force, in words. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** What the last reading named besides the config file, whether it came into force or not: a refused one may want nothing but one of them. */
  get files(): FilesRead {
    return this.#files;
  }

  /** Never rejects. Who asks while one waits for its turn is told what comes of that one. */
  reload(): Promise<Reloaded> {
    if (this.#next) return this.#next;
    const done = this.#turn.then(() => {
      this.#next = undefined;
      return this.#reload();
    });
    this.#turn = this.#next = done;
    return done;
  }

  /** Waits for the one that is under way; those that wait find that it is over. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  async #reload(): Promise<Reloaded> {
    const { file, standing, journal } = this.#parts;
    const generation = standing.generation!;
    if (this.#closed) return { outcome: "unchanged", hash: generation.hash };
    const { listeners, upstreams, audit, admin, tenants } = generation.settings;
    const loaded = await readAside({ file, before: { listeners, upstreams, audit, admin, tenants }, keyChecks: journal.keys.all() }).catch((error: Error): Checked => ({ ok: false, hash: "", files: new Map(), problems: [cannot(file, error)] }));
    this.#files = loaded.files;
    if (!loaded.ok) return this.#refuse(loaded, loaded.problems);
    if (isSame(loaded, generation)) return this.#unchanged(loaded);
    try {
      await standing.changeTo(loaded);
    } catch (error) {
      return this.#refuse(loaded, [cannot(file, error as Error)]);
    }
    // In the turn of the switch: no entry of the new generation comes before the check values of its keys.
    journal.keys.use(loaded.settings.audit.index_key, loaded.hash);
    const hasNewKeys = journal.keys.owes;
    const changes = differences(generation, loaded);
    journal.note({ kind: "config", config_hash: loaded.hash, change: "reloaded", previous_hash: generation.hash, file, changes: shortened(changes) });
    this.#refused = undefined;
    await this.#parts.switched();
    if (hasNewKeys) await journal.head().then(() => copyKeyChecks(journal)).catch(events.keyChecksNotCopied);
    events.configReloaded(generation.hash, loaded.hash, changes);
    return { outcome: "reloaded", before: generation.hash, hash: loaded.hash, changes, warnings: loaded.warnings };
  }

  /** The file in force is on disk again, whatever stood there meanwhile. */
  #unchanged({ hash }: Checked): Reloaded {
    this.#refused = undefined;
    return { outcome: "unchanged", hash };
  }

  #refuse({ hash }: Checked, problems: readonly Problem[]): Reloaded {
    const { file, standing, journal } = this.#parts;
    const before = standing.generation!.hash;
    const { line, column } = problems[0]!;
    const where = `${file}:${line}:${column}`;
    const why = outspoken(problems[0]!);
    const more = problems.length - 1;
    const detail = `${where}: ${why}${more > 0 ? ` (and ${more} more)` : ""}`;
    this.#refused = `the config file was refused and an earlier one is in force: ${detail}`;
    events.configRefused(where, why, more);
    journal.note({ kind: "config", config_hash: hash, change: "refused", previous_hash: before, file, detail });
    return { outcome: "refused", before, hash, problems };
  }
}

type Read = Pick<Checked, "hash" | "files">;

const isSame = (one: Read, other: Read): boolean =>
  one.hash === other.hash && one.files.size === other.files.size && [...one.files].every(([path, hash]) => other.files.get(path) === hash);

const cannot = (file: string, error: Error): Problem => ({ severity: "error", code: "OCSGW-6282", file, line: 1, column: 1, path: "", message: `it cannot be switched to: ${faultInWords(error)}` });

/** For log, journal and probes. An example of the policy is not quoted there: numbers of people may stand in it. */
const outspoken = ({ code, path, message }: Problem): string => `${code} ${/^tests\b/.test(path) ? `${path} does not hold, or is malformed: ocsgw check shows it` : message}`;

const shortened = (changes: readonly string[]): readonly string[] =>
  changes.length <= TOLD ? changes : [...changes.slice(0, TOLD), `and ${changes.length - TOLD} more`];
