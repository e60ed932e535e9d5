/**
 * The user of a command that must be recorded. The account comes from the kernel. The user before `sudo` or `su` is
 * recorded beside it, with its source: the login uid comes from the kernel too, but is unset in most containers; the
 * variables come from sudo, doas and pkexec, and any process can set them.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import type { Behind } from "../../../journal/entry.ts";

export type Asker = { readonly user: string; readonly behind?: Behind };

/** Linux keeps the login uid of each process; UNSET means that there was no login. */
const LOGIN_UID = "/proc/self/loginuid";
const UNSET = "4294967295";

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.@+\\-]{0,63}\$?$/u;

type Source = {
  readonly env: NodeJS.ProcessEnv;
  readonly readLoginUid: () => Promise<string>;
  readonly nameOf: (uid: string) => Promise<string>;
};

/** The account, and the user behind it where one is known. Never rejects. */
export const whoAsks = async (source: Source = OF_THIS_PROCESS): Promise<Asker> => {
  const user = accountName();
  const login = await loginName(source);
  const { SUDO_USER: sudo, DOAS_USER: doas, PKEXEC_UID: pkexec } = source.env;
  const behind: Behind = {
    ...(login !== undefined && login !== user && { login }),
    ...named("sudo", sudo, user),
    ...named("doas", doas, user),
    ...named("pkexec", pkexec === undefined || !/^\d{1,10}$/.test(pkexec) ? pkexec : await source.nameOf(pkexec), user),
  };
  return { user, ...(Object.keys(behind).length > 0 && { behind }) };
};

const named = (from: keyof Behind, name: string | undefined, user: string): Behind => {
  if (name === undefined || name === "" || name === user) return {};
  return { [from]: NAME.test(name) || UID.test(name) ? name : "(not a user name)" };
};

/** The uid if the account has no name. */
const accountName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
};

const UID = /^uid \d{1,10}$/;

const loginName = async ({ readLoginUid, nameOf }: Source): Promise<string | undefined> => {
  const uid = (await readLoginUid().catch(() => "")).trim();
  return /^\d{1,10}$/.test(uid) && uid !== UNSET ? nameOf(uid) : undefined;
};

const GETENT = "/usr/bin/getent";

/** Asks getent, which also knows the accounts of directories such as LDAP. */
const nameOf = async (uid: string): Promise<string> => {
  const asked = await promisify(execFile)(GETENT, ["passwd", uid], { timeout: 2000 }).catch(() => undefined);
  const line =
    asked?.stdout ??
    (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n").find((each) => each.split(":")[2] === uid);
  const name = line?.split(":")[0];
  return name === undefined || name === "" ? `uid ${uid}` : name;
};

const OF_THIS_PROCESS: Source = { env: process.env, readLoginUid: () => readFile(LOGIN_UID, "utf8"), nameOf };

/** `root (login: alice, sudo: alice)` */
export const userInWords = ({ user, behind = {} }: Asker): string => {
  const others = Object.entries(behind).map(([from, name]) => `${from}: ${name}`);
  return others.length === 0 ? user : `${user} (${others.join(", ")})`;
};
