/** The files that the config names: each can be read, holds what it should, and the keys file lets the clients in. */
import { isAlgorithm } from "../tenants/credential/jwk.ts";
import { readKeySet } from "../tenants/credential/jwks.ts";
import { clientsAt, type Facts } from "./facts.ts";
import { isGone, reason } from "../system-error.ts";
import type { Files } from "./fill.ts";
import { isLive, readKeys } from "./keys-file.ts";
import type { Finding, Path } from "./problem.ts";
import type { CallbacksSettings } from "./schema.ts";

type Named = { readonly path: Path; readonly file: string | null };

/** Certificates, their keys and key sets: without them nothing starts. */
const neededFiles = ({ listeners, upstreams, identity, admin, audit }: Facts): readonly Named[] => [
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
  ...(admin && admin.value.tls !== "none"
    ? [
        { path: [...admin.path, "tls", "cert"], file: admin.value.tls.cert },
        { path: [...admin.path, "tls", "key"], file: admin.value.tls.key },
      ]
    : []),
];

const filesOfCallbacks = (path: Path, { tls, validator_ca: ca }: CallbacksSettings): readonly Named[] => [
  ...(tls === "none"
    ? []
    : (["cert", "key", "client_ca", "client_crl"] as const).map((key) => ({
        path: [...path, "tls", key],
        file: tls[key],
      }))),
  { path: [...path, "validator_ca"], file: ca },
];

const contents = (
  file: string,
  { readFile }: Files,
): { readonly text: string } | { readonly why: string; readonly gone: boolean } => {
  try {
    return { text: readFile(file) };
  } catch (error) {
    return { why: reason(error), gone: isGone(error) };
  }
};

export const findFileProblems = (facts: Facts, files: Files, now: number = Date.now()): readonly Finding[] => [
  ...neededFiles(facts).flatMap(({ path, file }): Finding | [] => {
    const found = file === null ? { text: "" } : contents(file, files);
    return "why" in found ? unreadable(path, file!, found.why) : [];
  }),
  ...keysFile(facts, files, now),
  ...keySets(facts, files),
];

const unreadable = (path: Path, file: string, why: string): Finding => ({
  code: "OCSGW-6252",
  path,
  message: `cannot read the file ${file}: ${why}`,
});

const keysFile = (facts: Facts, files: Files, now: number): readonly Finding[] => {
  const keys = facts.identity?.value.keys;
  if (!keys) return [];
  const path = ["identity", "keys", "file"];
  const found = contents(keys.file, files);
  if ("why" in found) {
    if (!found.gone) return [unreadable(path, keys.file, found.why)];
    return [
      {
        code: "OCSGW-6304",
        severity: "warning",
        path,
        message: `no key is accepted: cannot read the file ${keys.file}: ${found.why}`,
        help: "ocsgw keys create --client NAME makes it",
      },
    ];
  }
  const read = (files.readKeys ?? readKeys)(found.text, keys.file);
  if (!read.ok)
    return read.problems.map(({ line, column, message }) => ({
      code: "OCSGW-6253",
      path,
      message: `${keys.file}:${line}:${column}: ${message}`,
    }));
  const holders = new Set(read.keys.filter((key) => isLive(key, now)).map(({ client }) => client));
  for (const { client } of facts.identity?.value.mtls ?? []) holders.add(client);
  return facts.identity?.value.jwt.length === 0 ? lockedOut(facts, path, holders) : [];
};

/** Without tokens a client without a key or a certificate cannot come in at all. */
const lockedOut = (facts: Facts, path: Path, holders: ReadonlySet<string>): readonly Finding[] => {
  const clients = [...clientsAt(facts)].filter((client) => !holders.has(client));
  if (clients.length === 0) return [];
  const named =
    clients.length > 8 ? `${clients.slice(0, 8).join(", ")} and ${clients.length - 8} more` : clients.join(", ");
  return [
    {
      code: "OCSGW-6305",
      severity: "warning",
      path,
      message: `no key in force for ${named}`,
      help: `ocsgw keys create --client ${clients[0]}`,
    },
  ];
};

/** Read with the code that reads it at start. */
const keySets = ({ identity }: Facts, files: Files): readonly Finding[] =>
  (identity?.value.jwt ?? []).flatMap(({ jwks_file: file, algorithms }, at): Finding | [] => {
    const found = file === null ? undefined : contents(file, files);
    if (!found || "why" in found) return [];
    try {
      readKeySet(JSON.parse(found.text), algorithms.filter(isAlgorithm));
      return [];
    } catch (error) {
      // What JSON.parse says quotes the file, and the file may hold a private key by mistake.
      return {
        code: "OCSGW-6267",
        path: ["identity", "jwt", at, "jwks_file"],
        message: `${file}: ${error instanceof SyntaxError ? "it is not JSON" : reason(error)}`,
      };
    }
  });
