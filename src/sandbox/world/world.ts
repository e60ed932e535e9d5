/** The sandbox's state: the database, the clock, and two delays that are options in OCS. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ASSUMED } from "../assumptions.ts";
import { createClock, secondsOf, type Clock } from "./clock.ts";
import { Database } from "./database.ts";
import { seedDatabase } from "./seed-database.ts";
import { seedData, type WorldData } from "./seed.ts";
import { SCHEMA, SCHEMA_VERSION, TABLES } from "./schema.ts";

export type World = {
  readonly db: Database;
  readonly clock: Clock;
  /** Milliseconds after which an open handle goes stale. */
  readonly staleTimeout: number;
  /** Milliseconds that a group stays in UnloadInProgress. */
  readonly unloadDelay: number;
  /** Restores the seed, and resets the clock. */
  readonly reset: () => void;
  readonly close: () => void;
};

export type WorldOptions = {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** The directory of sandbox.sqlite, whose data is kept; without it the world is in memory. */
  readonly stateDir?: string;
  readonly seed?: number;
  /** What OCS has at first; the sandbox's own data when absent. */
  readonly data?: WorldData;
  readonly staleTimeout?: number;
  readonly unloadDelay?: number;
};

export const createWorld = (options: WorldOptions = {}): World => {
  const db = new Database(options.stateDir === undefined ? ":memory:" : fileIn(options.stateDir));
  const clock = createClock(options.now);
  const seed = options.seed ?? 1;
  const data = options.data ?? seedData(seed);
  const fresh = db.get("SELECT 1 FROM sqlite_schema WHERE name = 'record'") === undefined;
  if (fresh)
    db.transaction(() => {
      db.script(SCHEMA);
      seedDatabase(db, data, { seed, now: secondsOf(clock) });
    });
  else refuseOtherVersion(db, options.stateDir);
  return {
    db,
    clock,
    staleTimeout: options.staleTimeout ?? ASSUMED.staleTimeout.value,
    unloadDelay: options.unloadDelay ?? ASSUMED.unloadDelay.value,
    reset: () => {
      clock.reset();
      refill(db, data, { seed, now: secondsOf(clock) });
    },
    close: () => {
      db.close();
    },
  };
};

const fileIn = (directory: string): string => {
  mkdirSync(directory, { recursive: true });
  return join(directory, "sandbox.sqlite");
};

const refuseOtherVersion = (db: Database, directory = ""): void => {
  if (db.get<{ user_version: number }>("PRAGMA user_version")!.user_version === SCHEMA_VERSION) return;
  db.close();
  throw new Error(
    `${join(directory, "sandbox.sqlite")} was made by another version of the sandbox: remove it, or name another ` +
      "directory",
  );
};

const refill = (db: Database, data: WorldData, when: { seed: number; now: number }): void => {
  db.transaction(() => {
    for (const table of TABLES) db.run(`DELETE FROM ${table}`);
    db.run("DELETE FROM sqlite_sequence WHERE name <> 'event'");
    seedDatabase(db, data, when);
  });
};

export type Counter = "seed" | "run" | "next_handle" | "groups_changed_at";

export const valueOf = ({ db }: Pick<World, "db">, counter: Counter): number =>
  db.get<{ value: number }>("SELECT value FROM counter WHERE name = ?", counter)!.value;

export const setCounter = ({ db }: Pick<World, "db">, counter: Counter, value: number): void => {
  db.run("UPDATE counter SET value = ? WHERE name = ?", value, counter);
};
