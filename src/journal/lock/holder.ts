/**
 * Describes the holder of the journal's lock, for messages only: the kernel decides which process may write, and the
 * holder writes this file when it takes the lock. The file may be missing or stale, so it decides nothing but how long
 * a gateway waits for a command.
 */
import { readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { giveToOwnerNow } from "../../common/file-owner.ts";
import { readTextNow } from "../../common/small-file/small-file.ts";

/** `gateway` keeps the lock while it runs; `command` keeps it briefly. */
export type Role = "gateway" | "command";

export type Holder = {
  readonly pid: number;
  readonly role: Role;
  /** For example `ocsgw audit search`. */
  readonly command: string;
  readonly host: string;
  /** RFC 3339, UTC. */
  readonly since: string;
  /** Its pid namespace, as Linux names it: the same pid in another namespace is another process. */
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

/** Undefined when the file is missing or invalid. */
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

/** For example `ocsgw run, pid 4711 on gw-a, since 2026-11-22T12:04:31.218Z`. */
export const holderInWords = (holder: Holder | undefined): string => {
  if (!holder) return "another process, which did not leave its name";
  const { pid, command, host, since, namespace } = holder;
  if (pid === process.pid && namespace === ownNamespace() && host === hostname())
    return `this process itself (${command}, since ${since})`;
  const isElsewhere = namespace !== null && namespace !== ownNamespace();
  return (
    `${command}, pid ${pid} ${isElsewhere ? "of another container or pid namespace, host name" : "on"} ${host}, ` +
    `since ${since}`
  );
};
