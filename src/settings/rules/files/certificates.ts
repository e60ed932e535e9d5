/** Rules about certificates and private keys: readable, matching, not expired, and keys not readable by other users. */
import type { X509Certificate } from "node:crypto";
import { certificatesIn, keyIn, lifeOf, whyRejected } from "../../files/certificates.ts";
import { callbacksIn, destinationsIn, type ParsedParts } from "../parsed-parts.ts";
import type { Files } from "../../interpolate.ts";
import type { Finding, Path } from "../../problems/problem.ts";
import { inShell } from "../../../common/shell-word.ts";

/** `isReadAtStart`: a running gateway does not load a new file. */
export type Named = { readonly path: Path; readonly file: string; readonly isReadAtStart?: true };

/** What the gateway does with a new file. */
export const renewal = ({ isReadAtStart }: Pick<Named, "isReadAtStart">): string =>
  isReadAtStart
    ? "then restart the gateway, which reads this file only when it starts"
    : "a running gateway loads it, unless config.watch is none: then run ocsgw reload";

const usersOf = ({ path }: Named): string => (path.includes("timestamp") ? "timestamps" : "connections");

const renew = (named: Named): string => `replace the file with a new certificate; ${renewal(named)}`;

const PROBLEMS = {
  otherKey: (key: string, cert: string) => ({
    code: "OCSGW-6263",
    message: `the private key ${key} does not belong to the certificate ${cert}`,
    help:
      "use the certificate and the key that were made together; in the file the server's own certificate comes " +
      "first, and the authorities that signed it follow",
  }),
  rejectedPair: (cert: string, key: string, why: string) => ({
    code: "OCSGW-6264",
    message: `OpenSSL rejects the certificate ${cert} with the key ${key}: ${why}`,
    help: "make a new certificate with RSA of 2048 bits or more, or an EC key such as P-256, signed with SHA-256",
  }),
  expired: (named: Named, to: Date) => ({
    code: "OCSGW-6265",
    message: `${named.file}: the certificate expired on ${day(to)}; ${usersOf(named)} that need it fail`,
    help: renew(named),
  }),
  allExpired: (named: Named, to: Date) => ({
    code: "OCSGW-6265",
    message:
      `${named.file}: all certificates in it have expired, the first on ${day(to)}; ${usersOf(named)} that need them ` +
      "fail",
    help: renew(named),
  }),
  notYetValid: ({ file }: Named, from: Date) => ({
    code: "OCSGW-6265",
    message: `${file}: the certificate is not valid before ${day(from)}; until then connections that need it fail`,
    help: "use a certificate that is valid now, or check this machine's clock",
  }),
  expiresSoon: (named: Named, to: Date) => ({
    code: "OCSGW-6311",
    severity: "warning" as const,
    message: `${named.file}: the certificate expires soon, on ${day(to)}; then connections that need it fail`,
    help: renew(named),
  }),
  expiredIssuer: (named: Named, subject: string, to: Date) => ({
    code: "OCSGW-6312",
    severity: "warning" as const,
    message: `${named.file}: ${subject}, an authority in this chain, expired on ${day(to)}; peers may reject the chain`,
    help: `replace the file with one that holds the current chain; ${renewal(named)}`,
  }),
  oneExpired: (named: Named, subject: string, to: Date, more: number) => ({
    code: "OCSGW-6312",
    severity: "warning" as const,
    message:
      `${named.file}: the certificate of ${subject} expired on ${day(to)}${more > 0 ? `, and ${more} more` : ""}; ` +
      `${usersOf(named)} that need it fail`,
    help: "add this authority's new certificate if it is still needed, then remove the expired one; " + renewal(named),
  }),
  openKeyInContainer: (message: string) => ({
    code: "OCSGW-6340",
    severity: "warning" as const,
    message,
    help:
      "set mode 0440 where the container's group must read it (Kubernetes: defaultMode: 0440 with fsGroup; Docker " +
      "secret: mode: 0440 and gid), otherwise 0400",
  }),
  openKey: (file: string, message: string, isRoots: boolean) => ({
    code: "OCSGW-6266",
    message,
    help: isRoots
      ? `chmod 640 ${inShell(file)} and chgrp it to the group of the gateway's user, or chown it to that user and ` +
        `chmod 600 ${inShell(file)}`
      : `chmod 600 ${inShell(file)}`,
  }),
} as const;

const openKey = (what: string, file: string, mode: string): string =>
  `other users can read or change ${what} ${file}: its mode is ${mode}`;

type Pair = { readonly cert: Named; readonly key: Named };

export const findCertificateProblems = (
  parts: ParsedParts,
  files: Files,
  now: number = Date.now(),
): readonly Finding[] => [
  ...pairsIn(parts).flatMap((pair) => pairProblems(pair, files, now)),
  ...authoritiesIn(parts).flatMap((authority) => authorityProblems(authority, files, now)),
];

const pairsIn = (parts: ParsedParts): readonly Pair[] => {
  const { listeners, upstreams, admin, shared } = parts;
  const pair = (path: Path, { cert, key }: { readonly cert: string | null; readonly key: string | null }): Pair[] =>
    cert === null || key === null
      ? []
      : [{ cert: { path: [...path, "tls", "cert"], file: cert }, key: { path: [...path, "tls", "key"], file: key } }];
  return [
    ...[...listeners, ...callbacksIn(parts)].flatMap(({ path, value: { tls } }) =>
      tls === "none" ? [] : pair(path, tls),
    ),
    ...(admin && admin.value.tls !== "none" ? pair(admin.path, admin.value.tls) : []),
    ...(shared && shared.value.tls !== "none" ? pair(shared.path, shared.value.tls) : []),
    ...(shared?.value.peers ? pair([...shared.path, "peers"], shared.value.peers.tls) : []),
    ...upstreams.flatMap(({ path, value: { tls } }) => pair(path, tls)),
    ...destinationsIn(parts).flatMap(({ path, value: { tls } }) => (tls ? pair(path, tls) : [])),
  ];
};

const authoritiesIn = (parts: ParsedParts): readonly Named[] => [
  ...[...parts.listeners, ...callbacksIn(parts)].flatMap(({ path, value: { tls } }) =>
    tls === "none" || tls.client_ca === null ? [] : [{ path: [...path, "tls", "client_ca"], file: tls.client_ca }],
  ),
  ...parts.upstreams.flatMap(({ path, value: { tls } }) =>
    tls.ca === null ? [] : [{ path: [...path, "tls", "ca"], file: tls.ca }],
  ),
  ...callbacksIn(parts).flatMap(({ path, value: { validator_ca: ca } }) =>
    ca === null ? [] : [{ path: [...path, "validator_ca"], file: ca, isReadAtStart: true as const }],
  ),
  ...timestampAuthorities(parts),
  ...providerAuthorities(parts),
  ...databaseAuthorities(parts),
  ...peerAuthorities(parts),
  ...((parts.telemetry?.value.otlp?.ca ?? null) === null
    ? []
    : [{ path: ["telemetry", "otlp", "ca"], file: parts.telemetry!.value.otlp!.ca!, isReadAtStart: true as const }]),
  ...destinationsIn(parts).flatMap(({ path, value: { tls } }) =>
    (tls?.ca ?? null) === null ? [] : [{ path: [...path, "tls", "ca"], file: tls!.ca! }],
  ),
];

const providerAuthorities = ({ admin }: ParsedParts): readonly Named[] => {
  const ca = admin?.value.oidc?.ca ?? null;
  return admin && ca !== null ? [{ path: [...admin.path, "oidc", "ca"], file: ca }] : [];
};

const databaseAuthorities = ({ shared }: ParsedParts): readonly Named[] =>
  !shared || shared.value.tls === "none" || shared.value.tls.ca === null
    ? []
    : [{ path: [...shared.path, "tls", "ca"], file: shared.value.tls.ca }];

const peerAuthorities = ({ shared }: ParsedParts): readonly Named[] => {
  const ca = shared?.value.peers?.tls.ca ?? null;
  return shared && ca !== null ? [{ path: [...shared.path, "peers", "tls", "ca"], file: ca }] : [];
};

const timestampAuthorities = ({ audit }: ParsedParts): readonly Named[] => {
  const timestamp = audit?.value.checkpoint.timestamp;
  if (!audit || !timestamp) return [];
  return [{ path: [...audit.path, "checkpoint", "timestamp", "ca"], file: timestamp.ca, isReadAtStart: true }];
};

/** The file's text; undefined if it is unreadable, which `files.ts` reports. */
const textOf = ({ file }: Named, { readFile }: Files): string | undefined => {
  try {
    return readFile(file);
  } catch {
    return undefined;
  }
};

const pairProblems = ({ cert, key }: Pair, files: Files, now: number): readonly Finding[] => {
  const [certText, keyText] = [textOf(cert, files), textOf(key, files)];
  const chain = certText === undefined ? undefined : certificatesIn(certText);
  const secret = keyText === undefined ? undefined : keyIn(keyText);
  const single = [
    ...(typeof chain === "string"
      ? [unsuitable(CERTIFICATES, cert, chain)]
      : chain
        ? lifeProblems(cert, chain, now)
        : []),
    ...(typeof secret === "string" ? [unsuitable(KEY, key, secret)] : []),
    ...(keyText === undefined ? [] : readableByOthers(key, files)),
  ];
  if (typeof chain !== "object" || typeof secret !== "object") return single;
  if (!chain[0]!.checkPrivateKey(secret)) {
    return [
      ...single,
      {
        ...PROBLEMS.otherKey(key.file, cert.file),
        path: key.path,
        also: { path: cert.path, message: "this certificate" },
      },
    ];
  }
  const why = whyRejected(certText!, keyText!);
  return why === undefined
    ? single
    : [...single, { ...PROBLEMS.rejectedPair(cert.file, key.file, why), path: cert.path }];
};

/** What a file must have, and the code of the problem if it has something else. */
type Wanted = { readonly code: string; readonly wanted: string };

export const CERTIFICATES: Wanted = {
  code: "OCSGW-6261",
  wanted: "certificates in PEM, each from -----BEGIN CERTIFICATE----- to its END line",
};
const KEY: Wanted = { code: "OCSGW-6262", wanted: "a private key in PEM, without a passphrase" };

export const unsuitable = ({ code, wanted }: Wanted, { path, file }: Named, why: string): Finding => ({
  code,
  path,
  message: `${file}: ${why}`,
  help: `name a file with ${wanted}`,
});

/** Expiry is an error for the first certificate only: clients may have a newer certificate of an expired CA. */
const lifeProblems = (named: Named, [own, ...others]: readonly X509Certificate[], now: number): readonly Finding[] => {
  const { path } = named;
  const { state, from, to } = lifeOf(own!, now);
  if (state === "expired") return [{ ...PROBLEMS.expired(named, to), path }];
  if (state === "not yet valid") return [{ ...PROBLEMS.notYetValid(named, from), path }];
  const old = others.find((each) => lifeOf(each, now).state === "expired");
  return [
    ...(state === "expires soon" ? [{ ...PROBLEMS.expiresSoon(named, to), path }] : []),
    ...(old ? [{ ...PROBLEMS.expiredIssuer(named, subjectOf(old), old.validToDate), path }] : []),
  ];
};

/** A CA bundle may have expired certificates, but needs a valid one: otherwise all clients are rejected. */
const authorityProblems = (authority: Named, files: Files, now: number): readonly Finding[] => {
  const { path } = authority;
  const text = textOf(authority, files);
  if (text === undefined) return [];
  const found = certificatesIn(text);
  if (typeof found === "string") return [unsuitable(CERTIFICATES, authority, found)];
  const expired = found.filter((each) => lifeOf(each, now).state === "expired");
  const [first] = expired;
  if (!first) return [];
  const to = first.validToDate;
  if (expired.length < found.length)
    return [{ ...PROBLEMS.oneExpired(authority, subjectOf(first), to, expired.length - 1), path }];
  const problem = found.length === 1 ? PROBLEMS.expired : PROBLEMS.allExpired;
  return [{ ...problem(authority, to), path }];
};

/**
 * PostgreSQL's rule for key files: only the owner may read the file, or root owns it and the service's group may read
 * it (ssl-cert, a Kubernetes Secret with fsGroup). In a container it is only a warning: there are no other users, a
 * Docker secret has mode 0444, and Kubernetes gives the group access to all files of a volume.
 */
export const readableByOthers = (
  { path, file }: Named,
  { rightsOf, isContainer }: Files,
  what: string = "the private key",
): readonly Finding[] => {
  const rights = rightsOf?.(file);
  if (!rights || (rights.mode & (rights.uid === 0 ? 0o037 : 0o077)) === 0) return [];
  const mode = (rights.mode & 0o777).toString(8).padStart(4, "0");
  const problem =
    isContainer === true
      ? PROBLEMS.openKeyInContainer(openKey(what, file, mode))
      : PROBLEMS.openKey(file, openKey(what, file, mode), rights.uid === 0);
  return [{ ...problem, path }];
};

/** In one line; Node writes one part of the name to a line. */
const subjectOf = ({ subject }: X509Certificate): string => subject.replaceAll("\n", ", ");

const day = (date: Date): string => date.toISOString().slice(0, 10);
