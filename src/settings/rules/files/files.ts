/** Rules about the files that the config names: readable, well formed, and a key in the keys file for every client. */
import { isAlgorithm } from "../../../identity/jwt/jwk.ts";
import { readKeySet } from "../../../identity/jwt/jwks.ts";
import { clientsAt, destinationsIn, type ParsedParts } from "../parsed-parts.ts";
import { inShell } from "../../../common/shell-word.ts";
import { reason } from "../../../common/system-error.ts";
import type { Files } from "../../interpolate.ts";
import { isLive, readKeys } from "../../files/keys-file.ts";
import { withHelp, type Finding, type Path, type Problem } from "../../problems/problem.ts";
import type { CallbacksSettings } from "../../schema/schema.ts";
import { contents, unreadable, type FilesOf, type Unreadable } from "./contents.ts";
import { findUsersProblems } from "./users.ts";

type Named = { readonly path: Path; readonly file: string | null };

const PROBLEMS = {
  noKeysFile: (file: string, { why }: Unreadable, config: string) => ({
    code: "OCSGW-6304",
    severity: "warning" as const,
    message: `no API key is accepted, because the keys file ${file} cannot be read: ${why}`,
    help: `ocsgw keys create -c ${inShell(config)} --client NAME creates the file`,
  }),
  /** As `check` shows a problem of the config, in one line: the place in the keys file, and the other place. */
  invalidKeysFile: (file: string, { line, column, message, help, also }: Problem) =>
    withHelp(
      {
        code: "OCSGW-6253",
        message: `${file}:${line}:${column}: ${message}${also ? `; the first one is in line ${also.line}` : ""}`,
      },
      help ??
        "correct or delete this entry: the file is used as a whole or not at all; ocsgw keys create writes valid ones",
    ),
  noKey: (clients: readonly string[], config: string) => ({
    code: "OCSGW-6305",
    severity: "warning" as const,
    message: `these clients have no valid key and cannot authenticate: ${someOf(clients)}`,
    help: `ocsgw keys create -c ${inShell(config)} --client ${inShell(clients[0]!)}`,
  }),
  invalidKeySet: (file: string | null, why: string) => ({
    code: "OCSGW-6267",
    message: `${file}: ${why}`,
    help:
      "save the issuer's key set (the JSON at its jwks_uri) in this file; algorithms must name the algorithm of at " +
      "least one of its keys",
  }),
} as const;

const SHOWN = 8;
const someOf = (names: readonly string[]): string =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more` : names.join(", ");

/** The certificates, private keys and key sets that the gateway needs to start. */
const neededFiles = ({
  listeners,
  upstreams,
  identity,
  admin,
  audit,
  telemetry,
  shared,
}: ParsedParts): readonly Named[] => [
  ...(shared && shared.value.tls !== "none" ? filesOfDatabase(shared.path, shared.value.tls) : []),
  ...(shared?.value.peers ? filesOfDatabase([...shared.path, "peers"], shared.value.peers.tls) : []),
  ...(telemetry ? [{ path: [...telemetry.path, "otlp", "ca"], file: telemetry.value.otlp?.ca ?? null }] : []),
  ...destinationsIn({ audit }).flatMap(({ path, value: { tls } }) =>
    (["ca", "cert", "key"] as const).map((key) => ({ path: [...path, "tls", key], file: tls?.[key] ?? null })),
  ),
  ...listeners.flatMap(({ path, value: { tls } }) =>
    tls === "none"
      ? []
      : (["cert", "key", "client_ca", "client_crl"] as const).map((key) => ({
          path: [...path, "tls", key],
          file: tls[key],
        })),
  ),
  ...upstreams.flatMap(({ path, value: { tls } }) =>
    (["ca", "crl", "cert", "key"] as const).map((key) => ({ path: [...path, "tls", key], file: tls[key] })),
  ),
  ...upstreams.flatMap(({ path, value: { callbacks } }) =>
    callbacks ? filesOfCallbacks([...path, "callbacks"], callbacks) : [],
  ),
  { path: ["audit", "checkpoint", "timestamp", "ca"], file: audit?.value.checkpoint.timestamp?.ca ?? null },
  ...(identity?.value.jwt ?? []).map(({ jwks_file: file }, at) => ({
    path: ["identity", "jwt", at, "jwks_file"],
    file,
  })),
  ...(identity?.value.mtls ?? []).map(({ ca: file }, at) => ({ path: ["identity", "mtls", at, "ca"], file })),
  ...(admin ? [{ path: [...admin.path, "oidc", "ca"], file: admin.value.oidc?.ca ?? null }] : []),
  ...(admin && admin.value.tls !== "none"
    ? [
        { path: [...admin.path, "tls", "cert"], file: admin.value.tls.cert },
        { path: [...admin.path, "tls", "key"], file: admin.value.tls.key },
      ]
    : []),
];

type DatabaseFiles = Readonly<Record<"ca" | "cert" | "key", string | null>>;

const filesOfDatabase = (path: Path, tls: DatabaseFiles): readonly Named[] =>
  (["ca", "cert", "key"] as const).map((key) => ({ path: [...path, "tls", key], file: tls[key] }));

const filesOfCallbacks = (path: Path, { tls, validator_ca: ca }: CallbacksSettings): readonly Named[] => [
  ...(tls === "none"
    ? []
    : (["cert", "key", "client_ca", "client_crl"] as const).map((key) => ({
        path: [...path, "tls", key],
        file: tls[key],
      }))),
  { path: [...path, "validator_ca"], file: ca },
];

export const findFileProblems = (parts: ParsedParts, files: FilesOf, now: number = Date.now()): readonly Finding[] => [
  ...neededFiles(parts).flatMap(({ path, file }): Finding | [] => {
    const found = file === null ? { text: "" } : contents(file, files);
    return "why" in found ? { ...unreadable(file!, found), path } : [];
  }),
  ...keysFile(parts, files, now),
  ...findUsersProblems(parts, files),
  ...keySets(parts, files),
];

const keysFile = (parts: ParsedParts, files: FilesOf, now: number): readonly Finding[] => {
  const keys = parts.identity?.value.keys;
  if (!keys) return [];
  const path = ["identity", "keys", "file"];
  const found = contents(keys.file, files);
  if ("why" in found) {
    const problem = found.isMissing ? PROBLEMS.noKeysFile : unreadable;
    return [{ ...problem(keys.file, found, files.file), path }];
  }
  const read = (files.readKeys ?? readKeys)(found.text, keys.file);
  if (!read.ok) return read.problems.map((problem) => ({ ...PROBLEMS.invalidKeysFile(keys.file, problem), path }));
  const holders = new Set(read.keys.filter((key) => isLive(key, now)).map(({ client }) => client));
  for (const { client } of parts.identity?.value.mtls ?? []) holders.add(client);
  return parts.identity?.value.jwt.length === 0 ? withoutKey(parts, { path, holders, config: files.file }) : [];
};

/** Clients without a key or a certificate: if no tokens are accepted, they cannot authenticate. */
const withoutKey = (
  parts: ParsedParts,
  { path, holders, config }: { readonly path: Path; readonly holders: ReadonlySet<string>; readonly config: string },
): readonly Finding[] => {
  const clients = [...clientsAt(parts)].filter((client) => !holders.has(client));
  return clients.length === 0 ? [] : [{ ...PROBLEMS.noKey(clients, config), path }];
};

/** Checks key sets with the gateway's own reader. */
const keySets = ({ identity }: ParsedParts, files: Files): readonly Finding[] =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_file: file, algorithms }, at): Finding | [] => {
    const found = file === null ? undefined : contents(file, files);
    if (!found || "why" in found) return [];
    try {
      readKeySet(JSON.parse(found.text), algorithms.filter(isAlgorithm));
      return [];
    } catch (error) {
      // The message of JSON.parse quotes the file, which may contain a private key by mistake.
      const why = error instanceof SyntaxError ? "it is not JSON" : reason(error);
      return { ...PROBLEMS.invalidKeySet(file, why), path: ["identity", "jwt", at, "jwks_file"] };
    }
  });
