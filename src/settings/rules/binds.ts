/** What listens: each address once, and without TLS only where nobody else can listen in. */
import type { Facts } from "./facts.ts";
import type { Finding, Path } from "./problem.ts";
import type { Rule } from "./rules.ts";
import { isLoopback, type Bind } from "./units.ts";
import { repeats } from "./compare.ts";

type Bound = { readonly path: Path; readonly bind: Bind };

const bounds = ({ listeners, upstreams, admin }: Facts): readonly Bound[] => [
  ...listeners.map(({ path, value }) => ({ path: [...path, "bind"], bind: value.bind })),
  ...upstreams.flatMap(({ path, value }) =>
    value.callbacks ? { path: [...path, "callbacks", "bind"], bind: value.callbacks.bind } : [],
  ),
  ...(admin ? [{ path: [...admin.path, "bind"], bind: admin.value.bind }] : []),
  ...(admin?.value.probes ? [{ path: [...admin.path, "probes", "bind"], bind: admin.value.probes.bind }] : []),
];

const isAny = (host: string): boolean => host === "0.0.0.0" || /^[0:]+$/.test(host);

const clash = (one: Bind, other: Bind): boolean =>
  one.port === other.port &&
  one.port !== 0 &&
  (one.host === other.host ||
    isAny(one.host) ||
    isAny(other.host) ||
    isLocalhost(one, other) ||
    isLocalhost(other, one));

/** The name is one of the two, by this machine's own table. */
const isLocalhost = (one: Bind, other: Bind): boolean =>
  one.host === "localhost" && (other.host === "127.0.0.1" || other.host === "::1");

const boundOnce: Rule = (facts) => {
  const all = bounds(facts);
  return all.flatMap(({ path, bind }, at): Finding | [] => {
    const first = all.slice(0, at).find((other) => clash(other.bind, bind));
    return first
      ? {
          code: "OCSGW-6231",
          path,
          message: `port ${bind.port} is already taken at this address`,
          also: { path: first.path, message: "by this one" },
        }
      : [];
  });
};

/** As log, journal and metrics call it. */
const ADMIN = "admin";

const namedOnce: Rule = ({ listeners, admin }) => [
  ...repeats(listeners, ({ value }) => value.name).map(({ first, again }): Finding => ({
    code: "OCSGW-6232",
    path: [...again.path, "name"],
    message: `two listeners are named ${JSON.stringify(again.value.name)}`,
    also: { path: [...first.path, "name"], message: "first here" },
  })),
  ...listeners
    .filter(({ value }) => admin !== undefined && value.name === ADMIN)
    .map(({ path }): Finding => ({
      code: "OCSGW-6232",
      path: [...path, "name"],
      message: `two listeners are named "${ADMIN}": the admin listener has that name in the log and in the metrics`,
      also: { path: [...admin!.path, "bind"], message: "the admin listener" },
      help: "give this one another name",
    })),
];

/** A network of everyone names nobody. */
const namesSome = (networks: readonly string[] | null): boolean =>
  networks !== null && !networks.some((network) => network.endsWith("/0"));

const proxiesAreSome: Rule = ({ listeners }) =>
  listeners.flatMap(({ path, value }) =>
    value.trusted_proxies.flatMap(({ from }, at): Finding | [] =>
      namesSome(from)
        ? []
        : {
            code: "OCSGW-6237",
            path: [...path, "trusted_proxies", at, "from"],
            message: "everyone would be a trusted proxy, and could name any address as its own",
            help: "list the addresses of your proxies",
          },
    ),
  );

const plainListener: Rule = ({ listeners }) =>
  listeners.flatMap(({ path, value }): Finding | [] =>
    value.tls !== "none" || isLoopback(value.bind.host) || namesSome(value.allow_from)
      ? []
      : {
          code: "OCSGW-6233",
          path: [...path, "tls"],
          message: "tls: none, and the whole network may connect: credentials and numbers would be readable",
          also: { path: [...path, "bind"], message: "not a loopback address" },
          help: "give a certificate and a key, bind to 127.0.0.1, or state with allow_from which proxy ends TLS in front",
        },
  );

const plainAdmin: Rule = ({ admin }) =>
  admin && admin.value.tls === "none" && !isLoopback(admin.value.bind.host)
    ? [
        {
          code: "OCSGW-6234",
          path: [...admin.path, "bind"],
          message: "the admin listener is without TLS and not on loopback",
          also: { path: [...admin.path, "tls"], message: "no certificate here" },
          help: "give a certificate and a key, or bind to 127.0.0.1",
        },
      ]
    : [];

/** No credentials cross it, but the metrics name tenants and upstreams. */
const openProbes: Rule = ({ admin }) => {
  const probes = admin?.value.probes;
  if (!admin || !probes || isLoopback(probes.bind.host) || namesSome(probes.allow_from)) return [];
  return [
    {
      code: "OCSGW-6236",
      severity: "warning",
      path: [...admin.path, "probes", "bind"],
      message: "the whole network may read /metrics there, which names tenants and upstreams",
      help: "state with allow_from who probes and scrapes",
    },
  ];
};

const demandHasCa: Rule = ({ listeners }) =>
  listeners.flatMap(({ path, value: { tls } }): Finding | [] =>
    tls === "none" || tls.client_ca !== null || tls.client_certificates !== "require"
      ? []
      : {
          code: "OCSGW-6235",
          path: [...path, "tls", "client_certificates"],
          message: "client certificates are demanded, and there is no client_ca to judge them by",
          help: "add client_ca",
        },
  );

export const bindRules: readonly Rule[] = [
  proxiesAreSome,
  boundOnce,
  namedOnce,
  plainListener,
  plainAdmin,
  openProbes,
  demandHasCa,
];
