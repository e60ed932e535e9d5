/** The files of a new config: the config itself, secrets, and certificates for development where they are wanted. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createKey } from "../../settings/files/api-key.ts";
import { newKeysFile } from "../../settings/files/keys-file.ts";
import type { KeyRecord } from "../../settings/files/keys-rows.ts";
import { ownCertificate } from "../../sandbox/server/own-certificate.ts";
import { hostOf, type Answers } from "./answers.ts";
import { configText, PLACES } from "./config-text.ts";
import type { NewFile } from "./write-files.ts";

export type CreatedKey = { readonly client: string; readonly id: string; readonly key: string; readonly hash: string };

export const keysOf = ({ clients }: Answers): readonly CreatedKey[] =>
  clients.map(({ name }) => ({ client: name, ...createKey() }));

/** In the order in which they are put in place: the config last. */
export const filesOf = (answers: Answers, keys: readonly CreatedKey[]): readonly NewFile[] => [
  { path: PLACES.indexKey, text: `${randomBytes(32).toString("hex")}\n`, isSecret: true },
  { path: PLACES.checkpointKey, text: newSigningKey(), isSecret: true },
  ...certificatesOf(answers),
  { path: PLACES.keys, text: newKeysFile(keys.map(rowOf)), isSecret: true },
  { path: PLACES.config, text: configText(answers), isSecret: false },
];

const rowOf = ({ client, id, hash }: CreatedKey): Omit<KeyRecord, "revoked"> => ({
  id,
  client,
  hash,
  created: Date.now(),
  expires: null,
  tenants: null,
});

const newSigningKey = (): string =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** Addresses that stand for all of a machine's. */
const ANY = new Set(["0.0.0.0", "[::]"]);

/** A CA whose key is kept nowhere, and a certificate for the listener's names. */
const certificatesOf = ({ tls, names, bind }: Answers): readonly NewFile[] => {
  if (tls.kind !== "development") return [];
  const bound = hostOf(bind);
  const hosts = [...names, ...(ANY.has(bound) ? [] : [bound.replaceAll(/[[\]]/g, "")])];
  const { ca, tls: made } = ownCertificate("ocs-gateway development CA", ...hosts);
  return [
    { path: PLACES.ca, text: ca, isSecret: false },
    { path: PLACES.cert, text: made.cert, isSecret: false },
    { path: PLACES.key, text: made.key, isSecret: true },
  ];
};
