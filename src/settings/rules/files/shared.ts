/** Rules about `shared` and `node`. */
import { parseDatabaseAddress } from "../../../cluster/database-address.ts";
import { isLoopback } from "../../schema/units.ts";
import type { Finding } from "../../problems/problem.ts";
import type { ParsedParts, Rule } from "../parsed-parts.ts";

const PROBLEMS = {
  nodeAlone: {
    code: "OCSGW-6381",
    message: "`node` has no effect: it names a gateway among those that share a database, and there is no `shared`",
    help: "add shared, or remove node",
  },
  plaintext: {
    code: "OCSGW-6382",
    message:
      "tls: none to a database on another host: others on the network could read its password and phone numbers, and " +
      "change who owns a record",
    help: "set tls to a map (ca names the server's CA), or allow_plaintext: true if tls: none is intended",
  },
  halfPair: (present: string, missing: string) => ({
    code: "OCSGW-6383",
    message: `\`${present}\` is set, but \`${missing}\` is missing`,
    help: `set both, or remove ${present}`,
  }),
  sameServer: {
    code: "OCSGW-6384",
    message: "the address names one server twice",
    help: "name each server once: the database's server and its standbys",
  },
  twoPasswords: {
    code: "OCSGW-6385",
    message: "the password is set twice: here and in the address",
    help: "remove one of them",
  },
  noCredential: {
    code: "OCSGW-6386",
    message: "nodes cannot know each other: `shared.peers` has neither a common key nor a client certificate",
    help: "set common_key to the same key on all nodes, or tls.ca, tls.cert and tls.key",
  },
  noAuthority: {
    code: "OCSGW-6387",
    message: "client certificates of other nodes cannot be verified: `tls.ca` is missing",
    help: "set tls.ca to the file of the CA that signed the certificates of the nodes",
  },
  noAdmin: {
    code: "OCSGW-6388",
    message: "other nodes cannot ask this one: `shared.peers` is set, and there is no admin listener",
    help: "add admin, with an address that the other nodes reach and tls",
  },
  noAddress: {
    code: "OCSGW-6388",
    message: "other nodes cannot reach this one: the address of its admin listener is valid on this machine only",
    help: "set shared.peers.address to the address of the admin API as the other nodes reach it",
  },
  plaintextPeers: {
    code: "OCSGW-6389",
    message: "http to another host: others on the network could read what nodes answer each other",
    help: "use https, with tls in admin; http is for nodes on one machine",
  },
  noClientCertificates: {
    code: "OCSGW-6390",
    message: "no node could show its client certificate: the admin listener has tls: none",
    help: "set tls in admin, or use shared.peers.common_key alone",
  },
} as const;

const addressOf = ({
  shared,
}: ParsedParts): Exclude<ReturnType<typeof parseDatabaseAddress>, { fault: string }> | undefined => {
  const parsed = shared && parseDatabaseAddress(shared.value.postgres);
  return parsed === undefined || "fault" in parsed ? undefined : parsed;
};

const nodeIsUsed: Rule = ({ states }) =>
  states(["node"]) && !states(["shared"]) ? [{ ...PROBLEMS.nodeAlone, path: ["node"], atKey: true }] : [];

const plaintextIsIntended: Rule = (parts) => {
  const { shared } = parts;
  if (!shared || shared.value.tls !== "none" || shared.value.allow_plaintext) return [];
  const isLocal = addressOf(parts)?.hosts.every(({ host }) => isLoopback(host)) ?? true;
  return isLocal ? [] : [{ ...PROBLEMS.plaintext, path: [...shared.path, "tls"] }];
};

const certificateWithKey: Rule = ({ shared }): readonly Finding[] => {
  if (!shared || shared.value.tls === "none") return [];
  const { tls } = shared.value;
  if ((tls.cert === null) === (tls.key === null)) return [];
  const [present, missing] = tls.cert === null ? (["key", "cert"] as const) : (["cert", "key"] as const);
  return [{ ...PROBLEMS.halfPair(present, missing), path: [...shared.path, "tls", present] }];
};

const serversDiffer: Rule = (parts) => {
  const hosts = addressOf(parts)?.hosts.map(({ host, port }) => `${host.toLowerCase()} ${port}`) ?? [];
  return new Set(hosts).size === hosts.length
    ? []
    : [{ ...PROBLEMS.sameServer, path: [...parts.shared!.path, "postgres"] }];
};

const onePassword: Rule = (parts) =>
  parts.shared?.value.password == null || addressOf(parts)?.password === undefined
    ? []
    : [{ ...PROBLEMS.twoPasswords, path: [...parts.shared.path, "password"] }];

const peersKnowEachOther: Rule = ({ shared }): readonly Finding[] => {
  const peers = shared?.value.peers;
  if (!peers) return [];
  const path = [...shared.path, "peers"];
  const { common_key: key, tls } = peers;
  if ((tls.cert === null) !== (tls.key === null)) {
    const [present, missing] = tls.cert === null ? (["key", "cert"] as const) : (["cert", "key"] as const);
    return [{ ...PROBLEMS.halfPair(present, missing), path: [...path, "tls", present] }];
  }
  if (tls.cert !== null && tls.ca === null) return [{ ...PROBLEMS.noAuthority, path: [...path, "tls"] }];
  return key === null && tls.cert === null ? [{ ...PROBLEMS.noCredential, path }] : [];
};

const peersReachEachOther: Rule = ({ shared, admin }): readonly Finding[] => {
  const peers = shared?.value.peers;
  if (!peers) return [];
  const path = [...shared.path, "peers"];
  if (!admin) return [{ ...PROBLEMS.noAdmin, path }];
  if (peers.tls.cert !== null && admin.value.tls === "none")
    return [{ ...PROBLEMS.noClientCertificates, path: [...path, "tls", "cert"] }];
  if (peers.address === null) {
    const { host } = admin.value.bind;
    return isLoopback(host) || host === "0.0.0.0" || host === "::" ? [{ ...PROBLEMS.noAddress, path }] : [];
  }
  const { protocol, hostname } = new URL(peers.address);
  return protocol === "http:" && !isLoopback(hostname)
    ? [{ ...PROBLEMS.plaintextPeers, path: [...path, "address"] }]
    : [];
};

export const sharedRules: readonly Rule[] = [
  peersKnowEachOther,
  peersReachEachOther,
  nodeIsUsed,
  plaintextIsIntended,
  certificateWithKey,
  serversDiffer,
  onePassword,
];
