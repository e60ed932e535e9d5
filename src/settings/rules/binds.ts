/** Rules about listeners: each address is used once, and listeners without TLS are not on a shared network. */
import type { ParsedParts } from "./parsed-parts.ts";
import type { Finding, Path } from "../problems/problem.ts";
import type { Rule } from "./parsed-parts.ts";
import { formatValue } from "../format-value.ts";
import { isLoopback, type Bind } from "../schema/units.ts";
import { repeats } from "./compare.ts";

/** The admin listener's name in logs, journal and metrics. */
const ADMIN = "admin";

const PROBLEMS = {
  portTaken: (port: number) => ({
    code: "OCSGW-6231",
    message: `two listeners use port ${port}, and their addresses overlap`,
    help:
      "give one of them another port; 0.0.0.0 includes every IPv4 address of this machine, :: every address, and " +
      "localhost is 127.0.0.1 or ::1. Callbacks, admin and probes are listeners too",
  }),
  duplicateName: (name: string) => ({
    code: "OCSGW-6232",
    message: `two listeners are named ${JSON.stringify(name)}`,
    help: "give one of them another name",
  }),
  reservedName: {
    code: "OCSGW-6232",
    message: `the name "${ADMIN}" is taken: logs and metrics use it for the admin listener`,
    help: "give this listener another name",
  },
  everyoneIsProxy: {
    code: "OCSGW-6237",
    message: "every client would be a trusted proxy, and could claim any client address",
    help: "list only the addresses of your proxies",
  },
  plainListener: {
    code: "OCSGW-6233",
    message: "with tls: none on a network address, others could read credentials and phone numbers",
    help:
      "set tls.cert and tls.key, bind to 127.0.0.1, or list in allow_from nothing but the proxies that terminate TLS " +
      "in front of the gateway",
  },
  plainAdmin: {
    code: "OCSGW-6234",
    message: "the admin listener has no TLS and is not on loopback, so others could read its token and passwords",
    help: "set admin.tls with cert and key, or bind to 127.0.0.1",
  },
  openProbes: {
    code: "OCSGW-6236",
    severity: "warning" as const,
    message: "anybody on the network can read /metrics here, which names tenants and upstreams",
    help: "write admin.probes as { bind, allow_from }, and list in allow_from the hosts that probe and scrape",
  },
  idleTooLong: (idle: string, longest: string) => ({
    code: "OCSGW-6238",
    message: `admin.session.idle (${idle}) has no effect: it is longer than admin.session.longest (${longest})`,
    help: "make idle shorter than longest, or leave it out",
  }),
  noClientCa: {
    code: "OCSGW-6235",
    message: "client certificates are required, but client_ca is missing, so none can be verified",
    help: "set client_ca to the PEM file with their CA, or client_certificates to none",
  },
} as const;

type Bound = { readonly path: Path; readonly bind: Bind };

const bounds = ({ listeners, upstreams, admin }: ParsedParts): readonly Bound[] => [
  ...listeners.map(({ path, value }) => ({ path: [...path, "bind"], bind: value.bind })),
  ...upstreams.flatMap(({ path, value }) =>
    value.callbacks ? { path: [...path, "callbacks", "bind"], bind: value.callbacks.bind } : [],
  ),
  ...(admin ? [{ path: [...admin.path, "bind"], bind: admin.value.bind }] : []),
  ...(admin?.value.probes ? [{ path: [...admin.path, "probes", "bind"], bind: admin.value.probes.bind }] : []),
];

/** `::` accepts IPv4 connections as well; 0.0.0.0 no others. */
const includes = ({ host }: Bind, other: Bind): boolean =>
  /^[0:]+$/.test(host) || (host === "0.0.0.0" && !(other.host.includes(":") && /[1-9a-f]/i.test(other.host)));

const clash = (one: Bind, other: Bind): boolean =>
  one.port === other.port &&
  one.port !== 0 &&
  (one.host === other.host ||
    includes(one, other) ||
    includes(other, one) ||
    isLocalhost(one, other) ||
    isLocalhost(other, one));

/** localhost is 127.0.0.1 or ::1, depending on the machine. */
const isLocalhost = (one: Bind, other: Bind): boolean =>
  one.host === "localhost" && (other.host === "127.0.0.1" || other.host === "::1");

const boundOnce: Rule = (parts) => {
  const all = bounds(parts);
  return all.flatMap(({ path, bind }, at): Finding | [] => {
    const first = all.slice(0, at).find((other) => clash(other.bind, bind));
    return first
      ? {
          ...PROBLEMS.portTaken(bind.port),
          path,
          also: { path: first.path, message: "first used here" },
        }
      : [];
  });
};

const namedOnce: Rule = ({ listeners, admin }) => [
  ...repeats(listeners, ({ value }) => value.name).map(({ first, again }): Finding => ({
    ...PROBLEMS.duplicateName(again.value.name),
    path: [...again.path, "name"],
    also: { path: [...first.path, "name"], message: "first used here" },
  })),
  ...listeners
    .filter(({ value }) => admin !== undefined && value.name === ADMIN)
    .map(({ path }): Finding => ({
      ...PROBLEMS.reservedName,
      path: [...path, "name"],
      also: { path: [...admin!.path, "bind"], message: "the admin listener" },
    })),
];

/** False for a list that covers every address. */
const restricts = (networks: readonly string[] | null): boolean =>
  networks !== null && !networks.some((network) => network.endsWith("/0"));

const proxiesAreListed: Rule = ({ listeners, upstreams }) =>
  [
    ...listeners.map(({ path, value }) => ({ path, proxies: value.trusted_proxies })),
    ...upstreams.map(({ path, value }) => ({
      path: [...path, "callbacks"],
      proxies: value.callbacks?.trusted_proxies ?? [],
    })),
  ].flatMap(({ path, proxies }) =>
    proxies.flatMap(({ from }, at): Finding | [] =>
      restricts(from) ? [] : { ...PROBLEMS.everyoneIsProxy, path: [...path, "trusted_proxies", at, "from"] },
    ),
  );

const plainListener: Rule = ({ listeners }) =>
  listeners.flatMap(({ path, value }): Finding | [] =>
    value.tls !== "none" || isLoopback(value.bind.host) || restricts(value.allow_from)
      ? []
      : {
          ...PROBLEMS.plainListener,
          path: [...path, "tls"],
          also: { path: [...path, "bind"], message: "not a loopback address" },
        },
  );

const plainAdmin: Rule = ({ admin }) =>
  admin && admin.value.tls === "none" && !isLoopback(admin.value.bind.host)
    ? [
        {
          ...PROBLEMS.plainAdmin,
          path: [...admin.path, "bind"],
          also: { path: [...admin.path, "tls"], message: "no certificate is set here" },
        },
      ]
    : [];

/** Only a warning, because clients send no credentials to this listener. */
const openProbes: Rule = ({ admin }) => {
  const probes = admin?.value.probes;
  if (!admin || !probes || isLoopback(probes.bind.host) || restricts(probes.allow_from)) return [];
  return [{ ...PROBLEMS.openProbes, path: [...admin.path, "probes", "bind"] }];
};

const requiredHasCa: Rule = ({ listeners }) =>
  listeners.flatMap(({ path, value: { tls } }): Finding | [] =>
    tls === "none" || tls.client_ca !== null || tls.client_certificates !== "require"
      ? []
      : { ...PROBLEMS.noClientCa, path: [...path, "tls", "client_certificates"] },
  );

/** A default above a short `longest` needs no correction. */
const idleEndsFirst: Rule = ({ admin, states }) => {
  if (!admin) return [];
  const { idle, longest } = admin.value.session;
  if (idle <= longest) return [];
  const path = [...admin.path, "session"];
  if (!states([...path, "idle"])) return [];
  const also = { path: [...path, "longest"], message: "a session ends after this time in any case" };
  const shown = [
    formatValue(["admin", "session", "idle"], idle),
    formatValue(["admin", "session", "longest"], longest),
  ] as const;
  return [{ ...PROBLEMS.idleTooLong(...shown), path: [...path, "idle"], also }];
};

export const bindRules: readonly Rule[] = [
  proxiesAreListed,
  boundOnce,
  namedOnce,
  plainListener,
  plainAdmin,
  openProbes,
  idleEndsFirst,
  requiredHasCa,
];
