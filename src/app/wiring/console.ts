/** The console's users, their sessions and the limits of logins. */
import { createPasswordChecks } from "../../admin/people/password-check.ts";
import { createPeople, type Person } from "../../admin/people/people.ts";
import type { OidcSettings } from "../../admin/oidc/settings.ts";
import type { AdminDeps } from "../../admin/routes.ts";
import { bySession } from "../../admin/sessions/by-session.ts";
import { createSessionJournal } from "../../admin/sessions/session-journal.ts";
import { SessionStore } from "../../admin/sessions/session-store.ts";
import { Sessions } from "../../admin/sessions/sessions.ts";
import { byToken } from "../../admin/viewer.ts";
import { events } from "../../common/log/events.ts";
import { LoggableError } from "../../common/log/loggable-error.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { createLoginThrottle } from "../../identity/login-throttle.ts";
import type { Journal } from "../../journal/journal.ts";
import { readAdmins, type AdminRecord } from "../../settings/files/admins-file.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import type { Reading } from "../config/reading.ts";
import type { ShutdownSteps } from "../shutdown.ts";

export type Console = Pick<AdminDeps, "sessions" | "whoAsks" | "isGuarded"> & {
  /** To be called when another reading is in force: ends the sessions that it no longer allows. */
  readonly refresh: () => void;
  /** Undefined where the settings name no users. */
  readonly users: () => readonly Person[] | undefined;
};

type ConsoleDeps = {
  readonly journal: Journal;
  readonly reading: () => Reading;
  /** The admin token. */
  readonly token: string;
  /** The URL of the admin listener; undefined before it is open. */
  readonly url: () => string | undefined;
};

/** Rejects if the file of users is invalid. */
export const createConsole = async (
  { journal, reading, token, url }: ConsoleDeps,
  stops: ShutdownSteps,
): Promise<Console> => {
  let users = usersOf(reading().settings, reading().admins ?? (await storedUsers(reading().settings)));
  let people = users && createPeople(users);
  let oidc = oidcOf(reading().settings);
  const entries = createSessionJournal({
    append: async (entry) => {
      // With `on_failure: continue` the journal loses entries without an error; an access entry must not be lost.
      const { failed } = journal.status();
      if (failed !== undefined) throw new LoggableError(failed);
      await journal.append(entry);
    },
    onLost: (error, count) => events.loginsNotRecorded({ count, error }),
  });
  const store = new SessionStore({ times: () => reading().settings.admin?.session ?? NO_TIME });
  stops.push(async () => {
    store.close();
    await entries.flush();
  });
  const sessions = new Sessions({
    people: () => people,
    store,
    checks: createPasswordChecks(),
    throttle: createLoginThrottle(),
    journal: entries,
    oidc: { settings: () => oidc, readFile: readSmallFile },
    port: () => portOf(url()),
    isTls: () => (reading().settings.admin?.tls ?? "none") !== "none",
  });
  return {
    sessions,
    whoAsks: bySession(sessions, byToken({ token, auditDir: journal.dir })),
    isGuarded: () => {
      const { users: file = null, oidc = null } = reading().settings.admin ?? {};
      return file !== null || oidc !== null;
    },
    refresh: () => {
      users = usersOf(reading().settings, reading().admins ?? []);
      people = users && createPeople(users);
      oidc = oidcOf(reading().settings);
      sessions.recheck();
    },
    users: () => users,
  };
};

/** Undefined where the settings name no provider. */
const oidcOf = ({ admin, tenants }: Settings): OidcSettings | undefined =>
  admin?.oidc ? { ...admin.oidc, tenants } : undefined;

const NO_TIME = { idle: 0, longest: 0 };

const portOf = (url: string | undefined): number => {
  if (url === undefined) return 0;
  const { port, protocol } = new URL(url);
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
};

/** Undefined where the settings name no users. */
const usersOf = ({ admin, tenants }: Settings, records: readonly AdminRecord[]): readonly Person[] | undefined =>
  admin?.users ? records.map((record) => personOf(record, tenants)) : undefined;

const personOf = (
  { name, roles, tenants: listed, hash, disabled }: AdminRecord,
  tenants: Settings["tenants"],
): Person => ({
  name,
  roles,
  tenants:
    listed === null
      ? "all"
      : tenants
          .filter((each) => listed.includes(each.name) || listed.includes(String(each.dbid)))
          .map(({ dbid }) => dbid),
  hash,
  disabled: disabled === true,
});

/** Empty where the file does not exist: the first new user creates it. */
const storedUsers = async ({ admin }: Settings): Promise<readonly AdminRecord[]> => {
  if (!admin?.users) return [];
  const { file } = admin.users;
  const text = await readSmallFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return [];
  const read = readAdmins(text, file);
  if (!read.ok) throw new Error(`${file}: ${read.problems.map(({ message }) => message).join("; ")}`);
  return read.admins;
};
