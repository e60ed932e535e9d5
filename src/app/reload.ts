/**
 * The config file is read again: checked with the code of `check`, compared with what is in force, and switched to, or refused with every
 * reason. One reading after the other. What comes of it is in the log and in the journal.
 */
import { resolve } from "node:path";
import { events } from "../events.ts";
import type { Journal } from "../journal/append.ts";
import { differences } from "../settings/difference.ts";
import type { FilesRead } from "../settings/load.ts";
import type { Problem } from "../settings/problem.ts";
import { fixedOf } from "../settings/restart.ts";
import { faultInWords } from "../system-error.ts";
import type { Standing } from "./changeover.ts";
import type { Generation } from "./generation.ts";
import { copyKeyChecks } from "./index-keys.ts";
import type { FilesOfReading, Valid } from "./reading.ts";
import { endIdle, readAside, type Aside } from "./reading-thread.ts";
import { takesAway } from "./takes-away.ts";

/** Who wants it: `ocsgw reload` or the admin API, a signal, or other content of a file. */
export type By = "reload" | "SIGHUP" | "watcher";

/** `whole`: files that a watcher has seen renamed into their places. `dryRun`: nothing is switched to. */
export type ReloadOptions = {
  readonly by?: By;
  readonly whole?: readonly string[];
  readonly dryRun?: boolean;
};

/** `at`: RFC 3339 in UTC. `changes`: a sentence each. */
export type Applied = {
  readonly at: string;
  readonly by: By;
  readonly before: string;
  readonly hash: string;
  readonly changes: readonly string[];
};

export type Reloaded =
  /** `applied`: what came into force last, where anything did since the start. */
  | { readonly outcome: "unchanged"; readonly hash: string; readonly applied?: Applied }
  | ({ readonly outcome: "reloaded"; readonly warnings: readonly Problem[] } & Applied)
  /** Of a dry run: it would come into force. */
  | {
      readonly outcome: "valid";
      readonly before: string;
      readonly hash: string;
      readonly changes: readonly string[];
      readonly warnings: readonly Problem[];
    }
  /** Something goes, and the files may not be whole yet: it comes into force when they have not changed for a while. */
  | { readonly outcome: "waiting"; readonly before: string; readonly hash: string; readonly removes: readonly string[] }
  /** `hash`: of the file that was refused; `before` stays in force. */
  | {
      readonly outcome: "refused";
      readonly before: string;
      readonly hash: string;
      readonly problems: readonly Problem[];
    };

export type Reloading = {
  readonly file: string;
  readonly standing: Standing;
  readonly journal: Journal;
  /** Called after each switch. */
  readonly switched: () => Promise<void>;
  /** For so long files must be the same before a watcher takes something away; 3 s when left out. */
  readonly stableMs?: number | undefined;
  /** Called with each reading that may be switched to; its result is that of the reading. */
  readonly reloading?: (<Value>(read: () => Promise<Value>) => Promise<Value>) | undefined;
};

/** More than this many sentences are counted and not told in the journal. */
const TOLD = 100;
const STABLE_MS = 3000;

/** Of `files`: the config stays the one in force, and only the files that it names are read again. */
type Scope = "all" | "files";
type Refusal = { readonly scope: Scope; readonly says: string };
type Wanted = ReloadOptions & { readonly scope: Scope };

export class Reloader {
  readonly #parts: Reloading;
  #turn: Promise<unknown> = Promise.resolve();
  /** Those that have not begun, by what is asked. */
  readonly #next = new Map<string, Promise<Reloaded>>();
  #refused: Refusal | undefined;
  #applied: Applied | undefined;
  #read: Pick<FilesOfReading, "files" | "config"> = { files: new Map(), config: new Map() };
  /** What waits until it has been the same for long enough. */
  #waiting: { readonly content: string; readonly since: number; readonly timer: NodeJS.Timeout } | undefined;
  readonly #over = new AbortController();

  constructor(parts: Reloading) {
    this.#parts = parts;
  }

  /** Why the config file as it was last read is not in force, in words. */
  get refused(): string | undefined {
    return this.#refused?.says;
  }

  /** What the last reading named besides the config file, whether it came into force or not: a refused one may want nothing but one of them. */
  get files(): FilesRead {
    return this.#read.files;
  }

  /** The files of the config itself, as they were last read; empty before the first reload. */
  get config(): FilesRead {
    return this.#read.config;
  }

  /** Never rejects. Who asks the same while one waits for its turn is told what comes of that one. */
  reload(options: ReloadOptions = {}): Promise<Reloaded> {
    const asked = JSON.stringify(options, Object.keys(options).toSorted());
    const same = this.#next.get(asked);
    if (same) return same;
    const done = this.#turn.then(() => {
      this.#next.delete(asked);
      const read = (): Promise<Reloaded> => this.#reload(options);
      const { reloading } = this.#parts;
      return reloading && options.dryRun !== true ? reloading(read) : read();
    });
    this.#turn = done;
    this.#next.set(asked, done);
    return done;
  }

  /** Who reads is told that it is over, and so are those that wait; a switch that has begun ends first. */
  async close(): Promise<void> {
    this.#over.abort();
    this.#stopWaiting();
    await this.#turn;
    this.#stopWaiting();
    endIdle();
  }

  async #reload(given: ReloadOptions): Promise<Reloaded> {
    const { standing } = this.#parts;
    const generation = standing.generation!;
    const { dryRun = false, by = "reload" } = given;
    const { watch } = generation.settings.config;
    const nothing: Reloaded = {
      outcome: "unchanged",
      hash: generation.hash,
      ...(this.#applied && { applied: this.#applied }),
    };
    if (this.#isOver) return this.#notRead(generation);
    // The mode may have changed since the watcher saw something.
    if (by === "watcher" && watch === "none") return nothing;
    const options: Wanted = { ...given, scope: by === "watcher" && watch !== "all" ? "files" : "all" };
    const loaded = await this.#readAgain(generation, options);
    if (this.#isOver) return this.#notRead(generation);
    if (dryRun) return this.#tryOut(loaded, generation) ?? nothing;
    this.#read = loaded;
    if (!loaded.ok) return this.#refuse(loaded, loaded.problems, options);
    if (isSame(loaded, generation)) return this.#unchanged(loaded, options);
    const removes = by === "watcher" && !this.#isWhole(loaded, options) ? takesAway(generation, loaded) : [];
    if (removes.length > 0 && !this.#hasStayed(loaded)) return this.#wait(loaded, removes, options);
    this.#stopWaiting();
    return this.#switch(loaded, generation, options);
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Nobody knows what stands in the files: that nothing has changed would be a guess. */
  #notRead({ hash }: Generation): Reloaded {
    return { outcome: "refused", before: hash, hash: "", problems: [stopping(this.#parts.file)] };
  }

  /** Undefined where nothing has changed. */
  #tryOut(loaded: Aside, generation: Generation): Reloaded | undefined {
    const { file, standing } = this.#parts;
    const [{ hash }, before] = [loaded, generation.hash];
    if (!loaded.ok) return { outcome: "refused", before, hash, problems: loaded.problems };
    if (isSame(loaded, generation)) return undefined;
    const why = standing.whyNot(loaded);
    if (why !== undefined) return { outcome: "refused", before, hash, problems: [cannot(file, new Error(why))] };
    return { outcome: "valid", before, hash, changes: differences(generation, loaded), warnings: loaded.warnings };
  }

  #readAgain(generation: Generation, { scope }: Wanted): Promise<Aside> {
    const { file, journal } = this.#parts;
    const { settings, keys, kept } = generation;
    return readAside(
      { file, before: fixedOf(settings), keyChecks: journal.keys.all(), kept, scope },
      { tenants: settings.tenants, keys },
      this.#over.signal,
    ).catch((error: Error): Aside => ({
      ok: false,
      hash: "",
      files: new Map(),
      config: new Map(),
      problems: [cannot(file, error)],
    }));
  }

  async #switch(loaded: Valid, generation: Generation, options: Wanted): Promise<Reloaded> {
    const { file, standing, journal } = this.#parts;
    const { by = "reload" } = options;
    try {
      await standing.changeTo(loaded);
    } catch (error) {
      return this.#refuse(loaded, [cannot(file, error as Error)], options);
    }
    // In the turn of the switch: no entry of the new generation comes before the check values of its keys.
    journal.keys.use(loaded.settings.audit.index_key, loaded.hash);
    const hasNewKeys = journal.keys.owes;
    const changes = differences(generation, loaded);
    const at = new Date().toISOString();
    journal.note({
      kind: "config",
      config_hash: loaded.hash,
      change: "reloaded",
      previous_hash: generation.hash,
      file,
      changes: shortened(changes),
    });
    this.#accept(options);
    this.#applied = { at, by, before: generation.hash, hash: loaded.hash, changes: shortened(changes) };
    await this.#parts.switched();
    if (hasNewKeys)
      await journal
        .head()
        .then(() => copyKeyChecks(journal))
        .catch(events.keyChecksNotCopied);
    events.configReloaded(generation.hash, loaded.hash, shortened(changes));
    return { outcome: "reloaded", ...this.#applied, warnings: loaded.warnings };
  }

  /** What is in force is on disk again, whatever stood there meanwhile. */
  #unchanged({ hash }: Valid, options: Wanted): Reloaded {
    this.#stopWaiting();
    this.#accept(options);
    return { outcome: "unchanged", hash, ...(this.#applied && { applied: this.#applied }) };
  }

  /** A reading of the named files alone says nothing of a config file that was refused. */
  #accept({ scope }: Wanted): void {
    if (scope === "all" || this.#refused?.scope === "files") this.#refused = undefined;
  }

  /**
   * Nothing that is read for another file's sake may be there in part: one that waits, or is being written, while a
   * certificate is renamed into its place.
   */
  #isWhole(loaded: FilesOfReading, { whole = [] }: Wanted): boolean {
    const { standing, file } = this.#parts;
    const { files, hash, config = new Map([[resolve(file), hash]]) } = standing.generation!;
    const before = new Map([...config, ...files]);
    const now = [...loaded.config, ...loaded.files];
    return now.every(([path, read]) => !before.has(path) || before.get(path) === read || whole.includes(path));
  }

  #hasStayed(loaded: FilesOfReading): boolean {
    const { stableMs = STABLE_MS } = this.#parts;
    return this.#waiting?.content === contentOf(loaded) && performance.now() - this.#waiting.since >= stableMs;
  }

  #wait(loaded: Valid, removes: readonly string[], options: ReloadOptions): Reloaded {
    const { standing, stableMs = STABLE_MS } = this.#parts;
    const content = contentOf(loaded);
    const before = this.#waiting?.content === content ? this.#waiting.since : undefined;
    const since = before ?? performance.now();
    this.#stopWaiting();
    const ms = Math.max(1, since + stableMs - performance.now());
    this.#waiting = { content, since, timer: setTimeout(() => void this.reload(options), ms).unref() };
    if (before === undefined) events.configWaits(shortened(removes), stableMs);
    return { outcome: "waiting", before: standing.generation!.hash, hash: loaded.hash, removes: shortened(removes) };
  }

  #stopWaiting(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
  }

  #refuse({ hash }: FilesOfReading, problems: readonly Problem[], { scope }: Wanted): Reloaded {
    const { standing, journal, file: own } = this.#parts;
    this.#stopWaiting();
    const before = standing.generation!.hash;
    const { file, line, column } = problems[0]!;
    const where = `${file}:${line}:${column}`;
    const why = outspoken(problems[0]!);
    const more = problems.length - 1;
    const detail = `${where}: ${why}${more > 0 ? ` (and ${more} more)` : ""}`;
    this.#refused = { scope, says: `the config file was refused and an earlier one is in force: ${detail}` };
    events.configRefused(where, why, more);
    journal.note({ kind: "config", config_hash: hash, change: "refused", previous_hash: before, file: own, detail });
    return { outcome: "refused", before, hash, problems };
  }
}

type Read = Pick<FilesOfReading, "hash" | "files">;

const isSame = (one: Read, other: Read): boolean =>
  one.hash === other.hash &&
  one.files.size === other.files.size &&
  [...one.files].every(([path, hash]) => other.files.get(path) === hash);

const contentOf = ({ hash, files }: Read): string => JSON.stringify([hash, ...files]);

const cannot = (file: string, error: Error): Problem => ({
  severity: "error",
  code: "OCSGW-6282",
  file,
  line: 1,
  column: 1,
  path: "",
  message: `it cannot be switched to: ${faultInWords(error)}`,
});

const stopping = (file: string): Problem => ({
  severity: "error",
  code: "OCSGW-6331",
  file,
  line: 1,
  column: 1,
  path: "",
  message: "the gateway stops, and reads no file any more",
  help: "the next start reads all files; to refuse a credential until then, ocsgw revoke",
});

/** For log, journal and probes. An example of the policy is not quoted there: numbers of people may stand in it. */
const outspoken = ({ code, path, message }: Problem): string =>
  `${code} ${/^tests\b/.test(path) ? `${path} does not hold, or is malformed: ocsgw check shows it` : message}`;

const shortened = (changes: readonly string[]): readonly string[] =>
  changes.length <= TOLD ? changes : [...changes.slice(0, TOLD), `and ${changes.length - TOLD} more`];
