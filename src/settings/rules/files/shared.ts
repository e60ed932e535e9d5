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

export const sharedRules: readonly Rule[] = [
  nodeIsUsed,
  plaintextIsIntended,
  certificateWithKey,
  serversDiffer,
  onePassword,
];
