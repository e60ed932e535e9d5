/**
 * Who holds the journal's lock, for messages only: the kernel decides who may write, and this file says who that was when it began. It may be
 * gone, or be that of an earlier holder, so nothing is ever decided by it but how long a gateway waits for a command.
 */
import { readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { giveToOwnerNow } from "../../file-owner.ts";
import { readTextNow } from "../../small-file.ts";

/** `gateway` keeps the lock while it runs; `command` keeps it for moments. */
export type Role = "gateway" | "command";

export type Holder = {
  readonly pid: number;
  readonly role: Role;
  /** As in `ocsgw audit search`. */
  readonly command: string;
  readonly host: string;
  /** RFC 3339, UTC. */
  readonly since: string;
  /** Its pid namespace, as Linux names it: the same pid in another one is another process. */
  readonly namespace: string | null;
};

export const ownHolder = (command: string, role: Role): Holder => ({
  pid: process.pid,
  role,
  command,
  host: hostname(),
  since: new Date().toISOString(),
  namespace: ownNamespace(),
});

const ownNamespace = (): string | null => {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
};

export const writeHolder = (path: string, holder: Holder): void => {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify(holder)}\n`, { mode: 0o600, flag: "wx" });
  giveToOwnerNow(temporary);
  renameSync(temporary, path);
};

export const removeHolder = (path: string): void => rmSync(path, { force: true });

const MOST_BYTES = 4096;

/** Undefined when nothing usable stands there. */
export const readHolder = (path: string): Holder | undefined => {
  try {
    const text = readTextNow(path, MOST_BYTES);
    const { pid, role, command, host, since, namespace } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    if (typeof pid !== "number" || !Number.isSafeInteger(pid) || (role !== "gateway" && role !== "command"))
      return undefined;
    if (!isWord(command) || !isWord(host) || !isWord(since) || !(namespace === null || isWord(namespace)))
      return undefined;
    return { pid, role, command, host, since, namespace };
  } catch {
    return undefined;
  }
};

const isWord = (text: unknown): text is string =>
  typeof text === "string" && text.length > 0 && text.length <= 200 && !/\p{Cc}/u.test(text);

/** As in `ocsgw run, pid 4711 on gw-a, since 2026-11-22T12:04:31.218Z`. */
export const holderInWords = (holder: Holder | undefined): string => {
  if (!holder) return "another process, which did not leave its name";
  const { pid, command, host, since, namespace } = holder;
  if (pid === process.pid && namespace === ownNamespace() && host === hostname())
    return `this process itself (${command}, since ${since})`;
  const isElsewhere = namespace !== null && namespace !== ownNamespace();
  return `${command}, pid ${pid} ${isElsewhere ? "of another container or pid namespace, host name" : "on"} ${host}, since ${since}`;
};
