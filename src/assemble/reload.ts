/**
 * The config file is read again: checked with the code of `check`, compared with what is in force, and switched to, or refused with every
 * reason. One reading after the other. What comes of it is in the log and in the journal.
 */
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import { holdToExamples } from "../rehearsal/policy-tests.ts";
import { differences } from "../settings/difference.ts";
import { loadSettings, type Loaded } from "../settings/load.ts";
import { pathText, type Finding, type Problem } from "../settings/problem.ts";
import { needsRestart } from "../settings/restart.ts";
import type { Standing } from "./changeover.ts";

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
  #refused: string | undefined;
  #closed = false;

  constructor(parts: Reloading) {
    this.#parts = parts;
  }

  /** Why the config file as it was last read is not in force, in words. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** Never rejects. */
  reload(): Promise<Reloaded> {
    const done = this.#turn.then(() => this.#reload());
    this.#turn = done;
    return done;
  }

  /** Waits for the one that is under way; those that wait find that it is over. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  async #reload(): Promise<Reloaded> {
    const { file, standing } = this.#parts;
    const generation = standing.generation!;
    if (this.#closed) return { outcome: "unchanged", hash: generation.hash };
    const loaded = await holdToExamples(await loadSettings(file), file);
    if (!loaded.ok) return this.#refuse(loaded, loaded.problems.filter(({ severity }) => severity === "error"));
    if (isSame(loaded, generation)) return this.#unchanged(loaded);
    const fixed = needsRestart(generation.settings, loaded.settings);
    if (fixed.length > 0) return this.#refuse(loaded, fixed.map((finding) => problemAt(file, loaded, finding)));
    try {
      // Without the file's text and tree, which would stay as long as the generation does.
      await standing.changeTo({ settings: loaded.settings, hash: loaded.hash, files: loaded.files });
    } catch (error) {
      return this.#refuse(loaded, [problemAt(file, loaded, { code: "OCSGW-6282", path: [], message: `it cannot be switched to: ${(error as Error).message}` })]);
    }
    const changes = differences(generation, loaded);
    this.#refused = undefined;
    await this.#parts.switched();
    events.configReloaded(generation.hash, loaded.hash, changes);
    this.#parts.journal.note({ kind: "config", config_hash: loaded.hash, change: "reloaded", previous_hash: generation.hash, file, changes: shortened(changes) });
    return { outcome: "reloaded", before: generation.hash, hash: loaded.hash, changes, warnings: loaded.warnings };
  }

  /** The file in force is on disk again, whatever stood there meanwhile. */
  #unchanged({ hash }: Loaded): Reloaded {
    this.#refused = undefined;
    return { outcome: "unchanged", hash };
  }

  #refuse({ hash }: Loaded, problems: readonly Problem[]): Reloaded {
    const { file, standing, journal } = this.#parts;
    const before = standing.generation!.hash;
    const { line, column, code, message } = problems[0]!;
    const where = `${file}:${line}:${column}`;
    const more = problems.length - 1;
    this.#refused = `the config file was refused and an earlier one is in force: ${where}: ${code} ${message}${more > 0 ? ` (and ${more} more)` : ""}`;
    events.configRefused(where, `${code} ${message}`, more);
    journal.note({ kind: "config", config_hash: hash, change: "refused", previous_hash: before, file, detail: `${where}: ${code} ${message}${more > 0 ? ` (and ${more} more)` : ""}` });
    return { outcome: "refused", before, hash, problems };
  }
}

const isSame = (one: Pick<Loaded, "hash" | "files">, other: Pick<Loaded, "hash" | "files">): boolean =>
  one.hash === other.hash && one.files.size === other.files.size && [...one.files].every(([path, hash]) => other.files.get(path) === hash);

const problemAt = (file: string, { locate }: Extract<Loaded, { ok: true }>, { code, path, message, help }: Finding): Problem =>
  ({ severity: "error", code, file, ...locate(path), path: pathText(path), message, ...(help !== undefined && { help }) });

const shortened = (changes: readonly string[]): readonly string[] =>
  changes.length <= TOLD ? changes : [...changes.slice(0, TOLD), `and ${changes.length - TOLD} more`];
