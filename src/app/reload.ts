/**
 * Reloads the config: reads it with the code of `check`, compares it with the config in force, and switches to it or
 * rejects it with every problem. Reloads run one at a time. The outcome is logged and journaled.
 */
import { resolve } from "node:path";
import { events } from "../common/log/events.ts";
import type { Journal } from "../journal/journal.ts";
import { differences } from "../settings/diff/diff.ts";
import { withoutFilled } from "../settings/view/filled-texts.ts";
import type { FilesRead } from "../settings/load.ts";
import type { Problem } from "../settings/problems/problem.ts";
import { fixedOf } from "../settings/diff/needs-restart.ts";
import type { ActiveGeneration } from "./switch-generation.ts";
import type { Generation } from "./generation.ts";
import { copyKeyChecks } from "./wiring/journal/index-keys.ts";
import type { FilesOfReading, ValidConfig } from "./config/load-config.ts";
import { endIdle, readOnThread, type ThreadReading } from "./config/config-thread.ts";
import { removalsIn } from "./config/removals.ts";
import { SerialQueue } from "../common/serial-queue.ts";
import {
  stoppingProblem,
  loggable,
  notAppliedProblem,
  firstChanges,
  type Applied,
  type Reloaded,
  type ReloadOptions,
} from "./reload-outcome.ts";

export type ReloaderDeps = {
  readonly file: string;
  readonly active: ActiveGeneration;
  readonly journal: Journal;
  /** Called after each switch. */
  readonly switched: () => Promise<void>;
  /** How long files must stay unchanged before a change that removes something comes into force; 3 s when left out. */
  readonly stableMs?: number | undefined;
  /** Wraps each reload that is not a dry run; returns what the reload returns. */
  readonly reloading?: (<Value>(read: () => Promise<Value>) => Promise<Value>) | undefined;
};

const STABLE_MS = 3000;

/** `files`: the reload reads only the files that the config in force names. */
type Scope = "all" | "files";
type Refusal = { readonly scope: Scope; readonly says: string };
type ScopedOptions = ReloadOptions & { readonly scope: Scope };

export class Reloader {
  readonly #deps: ReloaderDeps;
  readonly #queue = new SerialQueue();
  /** Reloads that have not begun, by their options. */
  readonly #queued = new Map<string, Promise<Reloaded>>();
  #refused: Refusal | undefined;
  #applied: Applied | undefined;
  #read: Pick<FilesOfReading, "files" | "config"> = { files: new Map(), config: new Map() };
  /** A reload that waits until the files have not changed for long enough. */
  #waiting: { readonly content: string; readonly since: number; readonly timer: NodeJS.Timeout } | undefined;
  readonly #closing = new AbortController();

  constructor(deps: ReloaderDeps) {
    this.#deps = deps;
  }

  /** Why the config on disk was rejected, in words; undefined when it is in force. */
  get refused(): string | undefined {
    return this.#refused?.says;
  }

  /** The files that the last reading named, even a rejected one: correcting one of these files may be enough. */
  get files(): FilesRead {
    return this.#read.files;
  }

  /** The files of the config itself, as last read; empty before the first reload. */
  get config(): FilesRead {
    return this.#read.config;
  }

  /** Never rejects. A second call with the same options, before the first has begun, gets the first one's outcome. */
  reload(options: ReloadOptions = {}): Promise<Reloaded> {
    const key = JSON.stringify(options, Object.keys(options).toSorted());
    const same = this.#queued.get(key);
    if (same) return same;
    const done = this.#queue.run(() => {
      this.#queued.delete(key);
      const read = (): Promise<Reloaded> => this.#reload(options);
      const { reloading } = this.#deps;
      return reloading && options.dryRun !== true ? reloading(read) : read();
    });
    this.#queued.set(key, done);
    return done;
  }

  /** Ends the reading in progress and rejects queued reloads; a switch that has begun is finished first. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopWaiting();
    await this.#queue.idle();
    this.#stopWaiting();
    endIdle();
  }

  async #reload(given: ReloadOptions): Promise<Reloaded> {
    const { active } = this.#deps;
    const generation = active.generation!;
    const { dryRun = false, by = "reload" } = given;
    const { watch } = generation.settings.config;
    const nothing: Reloaded = {
      outcome: "unchanged",
      hash: generation.hash,
      ...(this.#applied && { applied: this.#applied }),
    };
    if (this.#isOver) return this.#notRead(generation);
    // The mode may have changed since the watcher saw the change.
    if (by === "watcher" && watch === "none") return nothing;
    const options: ScopedOptions = { ...given, scope: by === "watcher" && watch !== "all" ? "files" : "all" };
    const loaded = await this.#readAgain(generation, options);
    if (this.#isOver) return this.#notRead(generation);
    if (dryRun) return this.#tryOut(loaded, generation) ?? nothing;
    this.#read = loaded;
    if (!loaded.ok) return this.#refuse(loaded, loaded.problems, options);
    if (isSame(loaded, generation)) return this.#unchanged(loaded, options);
    const removes =
      by === "watcher" && !this.#isWhole(loaded, options)
        ? removalsIn(generation, loaded).map(withoutFilled(generation, loaded))
        : [];
    if (removes.length > 0 && !this.#hasStayed(loaded)) return this.#wait(loaded, removes, options);
    this.#stopWaiting();
    return this.#switch(loaded, generation, options);
  }

  get #isOver(): boolean {
    return this.#closing.signal.aborted;
  }

  /** The files were not read, so "unchanged" would be a guess. */
  #notRead({ hash }: Generation): Reloaded {
    return { outcome: "refused", before: hash, hash: "", problems: [stoppingProblem(this.#deps.file)] };
  }

  /** The outcome of a dry run; undefined when nothing has changed. */
  #tryOut(loaded: ThreadReading, generation: Generation): Reloaded | undefined {
    const { file, active } = this.#deps;
    const [{ hash }, before] = [loaded, generation.hash];
    if (!loaded.ok) return { outcome: "refused", before, hash, problems: loaded.problems };
    if (isSame(loaded, generation)) return undefined;
    const why = active.problemWith(loaded);
    if (why !== undefined)
      return { outcome: "refused", before, hash, problems: [notAppliedProblem(file, new Error(why))] };
    return { outcome: "valid", before, hash, changes: changesIn(generation, loaded), warnings: loaded.warnings };
  }

  #readAgain(generation: Generation, { scope }: ScopedOptions): Promise<ThreadReading> {
    const { file, journal } = this.#deps;
    const { settings, keys, kept } = generation;
    return readOnThread(
      { file, before: fixedOf(settings), keyChecks: journal.keys.all(), kept, scope },
      { tenants: settings.tenants, keys },
      this.#closing.signal,
    ).catch((error: Error): ThreadReading => ({
      ok: false,
      hash: "",
      files: new Map(),
      config: new Map(),
      problems: [notAppliedProblem(file, error)],
    }));
  }

  async #switch(loaded: ValidConfig, generation: Generation, options: ScopedOptions): Promise<Reloaded> {
    const { file, active, journal } = this.#deps;
    const { by = "reload", user } = options;
    try {
      await active.switchTo(loaded);
    } catch (error) {
      return this.#refuse(loaded, [notAppliedProblem(file, error as Error)], options);
    }
    // In the same turn as the switch, so that the journal has the check values of new keys before an entry made with
    // them.
    journal.keys.use(loaded.settings.audit.index_key, loaded.hash);
    const hasNewKeys = journal.keys.hasUnstated;
    const changes = changesIn(generation, loaded);
    const at = new Date().toISOString();
    journal.note({
      kind: "config",
      config_hash: loaded.hash,
      change: "reloaded",
      previous_hash: generation.hash,
      file,
      changes: firstChanges(changes),
      by,
      ...(user !== undefined && { user }),
    });
    this.#accept(options);
    this.#applied = { at, by, before: generation.hash, hash: loaded.hash, changes: firstChanges(changes) };
    await this.#deps.switched();
    if (hasNewKeys)
      await journal
        .head()
        .then(() => copyKeyChecks(journal))
        .catch((error: unknown) => events.indexKeyChecksNotCopied({ error }));
    const isConfigSame = loaded.hash === generation.hash;
    events[isConfigSame ? "filesReloaded" : "configReloaded"]({
      before: generation.hash,
      after: loaded.hash,
      changes: firstChanges(changes),
    });
    return { outcome: "reloaded", ...this.#applied, warnings: loaded.warnings };
  }

  /** The config in force is on disk again. */
  #unchanged({ hash }: ValidConfig, options: ScopedOptions): Reloaded {
    this.#stopWaiting();
    this.#accept(options);
    return { outcome: "unchanged", hash, ...(this.#applied && { applied: this.#applied }) };
  }

  /** A reload of the named files alone does not clear the rejection of a config file. */
  #accept({ scope }: ScopedOptions): void {
    if (scope === "all" || this.#refused?.scope === "files") this.#refused = undefined;
  }

  /**
   * Whether every changed file was renamed into place. A file that is still being written must not be taken for
   * complete because a certificate was renamed into place at the same time.
   */
  #isWhole(loaded: FilesOfReading, { whole = [] }: ScopedOptions): boolean {
    const { active, file } = this.#deps;
    const { files, hash, config = new Map([[resolve(file), hash]]) } = active.generation!;
    const before = new Map([...config, ...files]);
    const now = [...loaded.config, ...loaded.files];
    return now.every(([path, read]) => !before.has(path) || before.get(path) === read || whole.includes(path));
  }

  #hasStayed(loaded: FilesOfReading): boolean {
    const { stableMs = STABLE_MS } = this.#deps;
    return this.#waiting?.content === contentOf(loaded) && performance.now() - this.#waiting.since >= stableMs;
  }

  #wait(loaded: ValidConfig, removes: readonly string[], options: ReloadOptions): Reloaded {
    const { active, stableMs = STABLE_MS } = this.#deps;
    const content = contentOf(loaded);
    const before = this.#waiting?.content === content ? this.#waiting.since : undefined;
    const since = before ?? performance.now();
    this.#stopWaiting();
    const ms = Math.max(1, since + stableMs - performance.now());
    this.#waiting = { content, since, timer: setTimeout(() => void this.reload(options), ms).unref() };
    if (before === undefined) events.reloadDelayed({ removes: firstChanges(removes), ms: stableMs });
    return { outcome: "waiting", before: active.generation!.hash, hash: loaded.hash, removes: firstChanges(removes) };
  }

  #stopWaiting(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
  }

  #refuse({ hash }: FilesOfReading, problems: readonly Problem[], options: ScopedOptions): Reloaded {
    const { scope, by = "reload", user } = options;
    const { active, journal, file: own } = this.#deps;
    this.#stopWaiting();
    const before = active.generation!.hash;
    const { file, line, column } = problems[0]!;
    const where = `${file}:${line}:${column}`;
    const why = loggable(problems[0]!);
    const more = problems.length - 1;
    const detail = `${where}: ${why}${more > 0 ? ` (and ${more} more)` : ""}`;
    this.#refused = { scope, says: `the config file was rejected and an earlier config is in force: ${detail}` };
    events.configRejected({ where, problem: why, more });
    journal.note({
      kind: "config",
      config_hash: hash,
      change: "refused",
      previous_hash: before,
      file: own,
      detail,
      by,
      ...(user !== undefined && { user }),
    });
    return { outcome: "refused", before, hash, problems };
  }
}

/** With many texts from elsewhere only the first sentences are looked at: each is searched for each text. */
const MOST_FILLED = 500;

const changesIn = (before: Generation, after: ValidConfig): readonly string[] => {
  const all = differences(before, after);
  const isMuch = (before.filled?.length ?? 0) + after.filled.length > MOST_FILLED;
  return (isMuch ? firstChanges(all) : all).map(withoutFilled(before, after));
};

type Read = Pick<FilesOfReading, "hash" | "files">;

const isSame = (one: Read, other: Read): boolean =>
  one.hash === other.hash &&
  one.files.size === other.files.size &&
  [...one.files].every(([path, hash]) => other.files.get(path) === hash);

const contentOf = ({ hash, files }: Read): string => JSON.stringify([hash, ...files]);
