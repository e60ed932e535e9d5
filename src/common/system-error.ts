/**
 * Translates errors of the system, of TLS and of SQLite to sentences: what happened, where and, if known, what to do.
 * Users see no platform codes (ENOENT, EADDRINUSE, "database or disk is full").
 */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { getSystemErrorMap } from "node:util";

const user = (): string => (process.geteuid ? `uid ${process.geteuid()}` : "this user");

const WORDS: Readonly<Record<string, string | (() => string)>> = {
  ENOENT: "there is no such file",
  EACCES: () => `not permitted for ${user()}`,
  EPERM: () => `not permitted for ${user()}`,
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the disk",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than the system allows",
  EIO: "the disk reports an input/output error",
  EISDIR: "it is a directory",
  ENOTDIR: "part of the path is not a directory",
  ELOOP: "its symbolic links form a loop",
  EEXIST: "it exists already",
  ENOTEMPTY: "the directory is not empty",
  EBUSY: "it is in use",
  EXDEV: "the two places are on different file systems",
  ENAMETOOLONG: "the name is too long",
  ENXIO: "it is a socket, a FIFO without a reader, or a device without a driver",
  ENODEV: "the device does not exist",
  ESTALE: "the network file system no longer knows it: mount it again",
  EMFILE: "this process has too many files open: raise its limit (LimitNOFILE= in a unit, ulimit -n)",
  ENFILE: "this machine has too many files open",
  ENOMEM: "not enough memory",
  EADDRINUSE: "the address is in use by another process",
  EADDRNOTAVAIL: "this machine has no such address",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset",
  ECONNABORTED: "the connection was aborted",
  EPIPE: "the other side has closed the connection",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "no route to that host",
  ENETUNREACH: "no route to that network",
  ENOTFOUND: "no such host name",
  EAI_AGAIN: "the name server does not answer",
};

/** By primary result code, the low byte of an extended one (sqlite.org/rescode.html). */
const SQLITE: Readonly<Record<number, string | (() => string)>> = {
  5: "another process uses it",
  6: "another process uses it",
  8: () => `not writable for ${user()}`,
  10: "the disk reports an input/output error",
  11: "the database is damaged",
  13: "no space is left on the disk",
  14: () => `it cannot be opened by ${user()}`,
  26: "it is not a database",
};

/** By the code of an error of TLS or of `fetch`; about the server that was asked. */
const SERVER: readonly (readonly [code: RegExp, words: string])[] = [
  [/SELF_SIGNED_CERT|^UNABLE_TO_(?:GET_ISSUER|VERIFY)/, "its certificate was not issued by a trusted CA"],
  [/^CERT_HAS_EXPIRED$/, "its certificate, or one of its CA's, has expired"],
  [/^CERT_NOT_YET_VALID$/, "its certificate is not valid yet: compare the clocks"],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, "its certificate is for another host name"],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, "it does not speak TLS: is that its http port?"],
  [
    /^ERR_SSL_.*(?:PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE)/,
    "no TLS version or cipher suite in common",
  ],
  [/^UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT$/, "no answer in time"],
  [/^UND_ERR_SOCKET$/, "it closed the connection without an answer"],
];

type SystemFault = Error & {
  readonly code: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
  readonly dest?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
};

/** Error codes that libuv does not name: Node's code is `Unknown system error -122`. */
const UNNAMED: ReadonlyMap<string, string> = new Map(
  ["EDQUOT", "ESTALE"].flatMap((name): [string, string][] => {
    const number = (constants.errno as Readonly<Record<string, number | undefined>>)[name];
    return number === undefined ? [] : [[`Unknown system error -${number}`, name]];
  }),
);

const CODES: ReadonlySet<string> = new Set([
  ...[...getSystemErrorMap().values()].map(([code]) => code),
  "ENOTFOUND",
  "EAI_AGAIN",
  ...UNNAMED.keys(),
]);

export const isSystemError = (error: unknown): error is SystemFault =>
  error instanceof Error && "code" in error && CODES.has(String(error.code));

const sqliteWords = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  const words = SQLITE[error.errcode & 0xff];
  return typeof words === "function" ? words() : words;
};

const serverWords = (error: unknown): string | undefined => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return SERVER.find(([known]) => known.test(code))?.[1];
};

/** The reason without a path; undefined when it is not an error of the system, of TLS or of SQLite. */
const wordsOf = (error: unknown): string | undefined => {
  if (!isSystemError(error)) return sqliteWords(error) ?? serverWords(error);
  const words = WORDS[UNNAMED.get(error.code) ?? error.code];
  if (words !== undefined) return typeof words === "function" ? words() : words;
  return [...getSystemErrorMap().values()].find(([code]) => code === error.code)?.[1] ?? "the system refuses it";
};

/** Why it failed, without a path. For other errors, their message. */
export const reason = (error: unknown): string => {
  const server = serverWords(error);
  if (server !== undefined) return server;
  if (error instanceof Error && "reason" in error && typeof error.reason === "string") return error.reason;
  return wordsOf(error) ?? (error instanceof Error ? error.message : String(error));
};

/** ENOENT: the file does not exist (yet). */
export const isGone = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

const TRIED: Readonly<Record<string, string>> = {
  open: "open",
  read: "read",
  write: "write to",
  fsync: "write to",
  fdatasync: "write to",
  ftruncate: "write to",
  mkdir: "make",
  rename: "rename",
  unlink: "delete",
  rm: "delete",
  rmdir: "delete",
  scandir: "list",
  stat: "look at",
  lstat: "look at",
  realpath: "look at",
  access: "use",
  chown: "change the owner of",
  lchown: "change the owner of",
  chmod: "change the mode of",
  link: "make",
};

/** A sentence that names the file or the address. For other errors, their message. */
export const faultInWords = (error: unknown): string => {
  const why = wordsOf(error);
  if (why === undefined) return error instanceof Error ? error.message : String(error);
  if (!isSystemError(error)) return why;
  const { syscall = "", path, address, port, hostname } = error;
  // The path of the process's current directory is unknown.
  if (syscall === "uv_cwd")
    return `the current directory was removed or cannot be accessed (${why}): change to another directory`;
  const at =
    address === undefined
      ? hostname
      : port === undefined
        ? address
        : `${address.includes(":") ? `[${address}]` : address}:${port}`;
  if (syscall === "listen" || syscall === "bind")
    return `cannot listen on ${at ?? path ?? "the address"}: ${whyNotListening(error, why)}`;
  if (path !== undefined && address === undefined)
    return `cannot ${TRIED[syscall] ?? "use"} ${path}: ${folderGone(error) ?? why}`;
  return at === undefined ? why : `no connection to ${at}: ${why}`;
};

/** ENOENT for a new file means that its directory does not exist. */
const folderGone = ({ code, path = "" }: SystemFault): string | undefined =>
  code === "ENOENT" && !existsSync(dirname(path)) ? `there is no directory ${dirname(path)}` : undefined;

const whyNotListening = ({ code, port }: SystemFault, why: string): string => {
  if (code === "EADDRINUSE") return `${why}; stop that one, or choose another address`;
  return code === "EACCES" && port !== undefined && port < 1024
    ? `${why}; ports below 1024 need CAP_NET_BIND_SERVICE (AmbientCapabilities= in a unit), or choose another port`
    : why;
};
