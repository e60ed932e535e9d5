/** Sessions of the console without a gateway: users, a clock and entries of the test. */
import { readFile } from "node:fs/promises";
import { stringify } from "yaml";
import { createPasswordChecks } from "../../src/admin/people/password-check.ts";
import { createPeople, type Person } from "../../src/admin/people/people.ts";
import { createSessionJournal } from "../../src/admin/sessions/session-journal.ts";
import { SessionStore } from "../../src/admin/sessions/session-store.ts";
import type { OidcSettings } from "../../src/admin/oidc/settings.ts";
import { Sessions } from "../../src/admin/sessions/sessions.ts";
import { hashArgon2id } from "../../src/common/argon2id.ts";
import { createLoginThrottle } from "../../src/identity/login-throttle.ts";
import type { Access } from "../../src/journal/entry.ts";

/** Quick to verify. */
export const cheapHash = (password: string): Promise<string> =>
  hashArgon2id(password, { memory: 8, passes: 1, lanes: 1 });

export const PASSWORD = "three yellow ducks";
const HASH = await cheapHash(PASSWORD);

/** With PASSWORD. */
export const aPerson = (name: string, over: Partial<Person> = {}): Person => ({
  name,
  roles: ["viewer"],
  tenants: "all",
  hash: HASH,
  disabled: false,
  ...over,
});

/** The text of a file for `admin.users`. */
export const usersFile = (...people: readonly Person[]): string =>
  stringify({
    version: 1,
    admins: people.map(({ name, roles, hash }) => ({ name, role: roles, hash, created: "2026-01-01T00:00:00Z" })),
  });

export type TestSessions = {
  readonly sessions: Sessions;
  readonly store: SessionStore;
  readonly entries: readonly Access[];
  readonly setPeople: (...people: readonly Person[]) => void;
  readonly setOidc: (settings: OidcSettings | undefined) => void;
  /** Milliseconds. */
  readonly pass: (ms: number) => void;
  readonly breakJournal: (isBroken: boolean) => void;
  /** Counted failed logins become entries. */
  readonly flush: () => Promise<void>;
};

export const TIMES = { idle: 30 * 60_000, longest: 12 * 3_600_000 };

/** `isTls`: of the listener, whose port is 9640. */
export const testSessions = (given: readonly Person[] | undefined, isTls = false): TestSessions => {
  let people = given && createPeople(given);
  let oidc: OidcSettings | undefined;
  let [at, isBroken] = [0, false];
  const now = (): number => at;
  const entries: Access[] = [];
  const journal = createSessionJournal({
    append: (entry) => (isBroken ? Promise.reject(new Error("disk full")) : Promise.resolve(entries.push(entry))),
    now,
  });
  const store = new SessionStore({ times: () => TIMES, now });
  const sessions = new Sessions({
    people: () => people,
    store,
    checks: createPasswordChecks(),
    throttle: createLoginThrottle({ now }),
    journal,
    oidc: { settings: () => oidc, readFile: (file) => readFile(file, "utf8") },
    port: () => 9640,
    isTls: () => isTls,
    now,
  });
  return {
    sessions,
    store,
    entries,
    setOidc: (next) => void (oidc = next),
    setPeople: (...next) => void (people = createPeople(next)),
    pass: (ms) => void (at += ms),
    breakJournal: (is) => void (isBroken = is),
    flush: journal.flush,
  };
};

/** For tests in which nobody logs in. */
export const noSessions = (): Sessions => testSessions(undefined).sessions;
