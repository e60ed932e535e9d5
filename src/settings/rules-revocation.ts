/** Revocation lists that the config names, and which of several authorities may speak for whom. */
import { readRevocationList, type RevocationList } from "../x509/certificate.ts";
import { listsOf, PemFault } from "../x509/pem.ts";
import { certificatesIn } from "./certificates.ts";
import { callbacksIn, type Facts } from "./facts.ts";
import type { Files } from "./fill.ts";
import type { Finding, Path } from "./problem.ts";

type Named = { readonly path: Path; readonly file: string };

export const findRevocationProblems = (facts: Facts, files: Files, now: number = Date.now()): readonly Finding[] => [
  ...listsIn(facts).flatMap((list) => listProblems(list, files, now)),
  ...authoritiesOfRules(facts, files),
  ...unpinned(facts, files),
];

const listsIn = (facts: Facts): readonly Named[] => [
  ...[...facts.listeners, ...callbacksIn(facts)].flatMap(({ path, value: { tls } }) =>
    tls === "none" || tls.client_crl === null ? [] : [{ path: [...path, "tls", "client_crl"], file: tls.client_crl }],
  ),
  ...facts.upstreams.flatMap(({ path, value: { tls } }) =>
    tls.crl === null ? [] : [{ path: [...path, "tls", "crl"], file: tls.crl }],
  ),
];

/** Undefined where it cannot be read: that is told elsewhere. */
const textOf = (file: string, { readFile }: Files): string | undefined => {
  try {
    return readFile(file);
  } catch {
    return undefined;
  }
};

/** A day is what it takes to notice and to have another made. */
const SOON_MS = 86_400_000;

const listProblems = ({ path, file }: Named, files: Files, now: number): readonly Finding[] => {
  const text = textOf(file, files);
  if (text === undefined) return [];
  const lists = readLists(text);
  if (typeof lists === "string") return [{ code: "OCSGW-6271", path, message: `${file}: ${lists}` }];
  const end = Math.min(...lists.map(({ nextUpdate }) => nextUpdate));
  if (now >= end)
    return [
      {
        code: "OCSGW-6315",
        severity: "warning",
        path,
        message: `${file}: a revocation list has ended: no certificate counts that it is about`,
      },
    ];
  return end - now > SOON_MS
    ? []
    : [
        {
          code: "OCSGW-6315",
          severity: "warning",
          path,
          message: `${file}: a revocation list ends within a day: from then on no certificate counts that it is about`,
          help: "put a new one in its place; a running gateway notices",
        },
      ];
};

/** In words why there are none. */
const readLists = (text: string): readonly RevocationList[] | string => {
  const none = "it holds no revocation list in PEM that can be read";
  try {
    const lists = listsOf(text).map(readRevocationList);
    return lists.length > 0 ? lists : none;
  } catch (error) {
    return error instanceof PemFault ? error.message : none;
  }
};

const authoritiesOfRules = ({ identity }: Facts, files: Files): readonly Finding[] =>
  (identity?.value.mtls ?? []).flatMap(({ ca: file }, at): Finding | [] => {
    const text = file === null ? undefined : textOf(file, files);
    const found = text === undefined ? [] : certificatesIn(text);
    return typeof found === "string"
      ? { code: "OCSGW-6261", path: ["identity", "mtls", at, "ca"], message: `${file}: ${found}` }
      : [];
  });

/** Of several roots each could issue every client's certificate, where a rule does not say whose it must be. */
const unpinned = ({ identity, listeners }: Facts, files: Files): readonly Finding[] => {
  const roots = new Set(
    listeners.flatMap(({ value: { tls } }) =>
      tls === "none" || tls.client_ca === null ? [] : rootsIn(textOf(tls.client_ca, files) ?? ""),
    ),
  );
  if (roots.size < 2) return [];
  return (identity?.value.mtls ?? []).flatMap(({ name, ca }, at): Finding | [] =>
    ca !== null
      ? []
      : {
          code: "OCSGW-6308",
          severity: "warning",
          path: ["identity", "mtls", at],
          message: `each of ${roots.size} authorities may issue certificates for ${name}`,
          help: "say with ca which one does",
        },
  );
};

const rootsIn = (pem: string): readonly string[] => {
  const found = certificatesIn(pem);
  return typeof found === "string"
    ? []
    : found.filter((each) => each.checkIssued(each)).map(({ fingerprint256 }) => fingerprint256);
};
