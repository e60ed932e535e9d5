/**
 * Records logins and logouts as entries of kind `access`. No attacker can fill the journal with failed logins, and
 * every failed login is recorded: up to a rate each is an entry, and those beyond it are counted by address and reason
 * for a minute. Logins that the throttle turned away are always counted.
 */
import type { Access } from "../../journal/entry.ts";
import { accountName, type SessionOperation } from "../../journal/access.ts";
import { EntryBudgets } from "../../journal/write/refusal-sampling/entry-budgets.ts";

export type LoginFailure =
  | "wrong password"
  | "unknown user"
  | "disabled user"
  | "invalid link"
  | "throttled"
  // Of a login through the OpenID provider:
  | "unknown login"
  | "refused by provider"
  | "provider unavailable"
  | "invalid provider answer"
  | "claims give no access";

/** How a user logged in. */
export type LoginWay = "password" | "link" | "oidc";

const OPERATION = {
  password: "login",
  link: "login-by-link",
  oidc: "login-by-oidc",
} as const satisfies Readonly<Record<LoginWay, SessionOperation>>;

type Person = { readonly user: string; readonly roles: readonly string[]; readonly source: string };
/** `user`: undefined for a name that is no user's; it could be a password in the wrong field. */
type Failed = { readonly user: string | undefined; readonly source: string; readonly reason: LoginFailure };

export type SessionJournal = {
  /** Resolves when the entry is on disk. Rejects while the journal cannot be written. */
  readonly login: (person: Person, how: LoginWay) => Promise<void>;
  /** Never rejects: a session ends even if that cannot be recorded. */
  readonly logout: (person: Person, everywhere: boolean) => Promise<void>;
  /** Never rejects; resolves when the entry is on disk, or at once if the login is only counted. */
  readonly failed: (failed: Failed) => Promise<void>;
  /** Writes the counts so far. */
  readonly flush: () => Promise<void>;
};

type Options = {
  readonly append: (entry: Access) => Promise<unknown>;
  /** Called for failed logins and logouts that could not be recorded. */
  readonly onLost?: (error: unknown, count: number) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly windowMs?: number;
};

const UNKNOWN_USER = "(unknown user)";
const SEVERAL = "*";
/** Entries of failed logins: this many at once, then one in twenty seconds. */
const ENTRIES = { most: 100, perSecond: 0.05 } as const;
const WINDOW_MS = 60_000;
/** Addresses beyond this number are counted together. */
const MOST_COUNTED = 20;

export const createSessionJournal = ({
  append,
  onLost = () => undefined,
  now = () => performance.now(),
  windowMs = WINDOW_MS,
}: Options): SessionJournal => {
  const budget = new EntryBudgets({ ...ENTRIES, steady: now });
  const counts = new Map<string, Failed & { count: number }>();
  let timer: NodeJS.Timeout | undefined;
  const write = async (operation: SessionOperation, { user, roles, source }: Person): Promise<void> =>
    void (await append({ kind: "access", user: accountName(user), role: roles.join(","), operation, source }));
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const counted = [...counts.values()];
    counts.clear();
    for (const { count, ...failed } of counted)
      await append({ ...failedEntry(failed), count }).catch((error: unknown) => onLost(error, count));
  };
  const count = (failed: Failed): void => {
    const isOwn = counts.has(keyOf(failed)) || counts.size < MOST_COUNTED;
    const about = isOwn ? failed : { user: undefined, source: SEVERAL, reason: failed.reason };
    const counted = counts.get(keyOf(about)) ?? { ...about, count: 0 };
    counted.count++;
    counts.set(keyOf(about), counted);
    timer ??= setTimeout(() => void flush(), windowMs).unref();
  };
  return {
    login: (person, how) => write(OPERATION[how], person),
    logout: (person, everywhere) =>
      write(everywhere ? "logout-everywhere" : "logout", person).catch((error: unknown) => onLost(error, 1)),
    failed: async (failed) => {
      if (failed.reason === "throttled" || !budget.take("")) return count(failed);
      await append(failedEntry(failed)).catch((error: unknown) => onLost(error, 1));
    },
    flush,
  };
};

const keyOf = ({ user, source, reason }: Failed): string => JSON.stringify([user, source, reason]);

const failedEntry = ({ user, source, reason }: Failed): Access => ({
  kind: "access",
  user: user === undefined ? UNKNOWN_USER : accountName(user),
  operation: "login-failed" satisfies SessionOperation,
  source,
  reason,
});
