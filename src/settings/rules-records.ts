/** What tells whose a record handle is: callbacks for `pre-dial`, registrars for `registered`, and who may speak there. */
import { callbacksIn, mayMiss, type At, type Facts, type TenantAt } from "./facts.ts";
import { suggest } from "./nearest.ts";
import type { Finding } from "./problem.ts";
import type { Rule } from "./rules.ts";
import type { CallbacksSettings } from "./schema.ts";
import { isLoopback } from "./units.ts";

type Registrar = At<CallbacksSettings["registrars"][number]> & { readonly upstream: string };

const registrarsIn = (facts: Facts): readonly Registrar[] =>
  callbacksIn(facts).flatMap(({ path, value, upstream }) =>
    value.registrars.map((registrar, at) => ({ path: [...path, "registrars", at], value: registrar, upstream })),
  );

/** Those whose upstream is well formed: of the others nothing is known. */
const tenantsWith = (facts: Facts, records: string): readonly TenantAt[] =>
  facts.tenants.filter(
    (tenant) =>
      tenant.value.records === records &&
      !mayMiss(tenant, "records") &&
      facts.upstreams.some(({ name }) => name === tenant.value.upstream),
  );

const preDialHearsOcs: Rule = (facts) =>
  tenantsWith(facts, "pre-dial")
    .filter(({ value }) => !callbacksIn(facts).some(({ upstream }) => upstream === value.upstream))
    .map(({ path, value }): Finding => {
      const upstream = facts.upstreams.find(({ name }) => name === value.upstream)!;
      const stated = facts.states([...path, "records"]);
      return {
        code: stated ? "OCSGW-6291" : "OCSGW-6321",
        severity: stated ? "error" : "warning",
        path: stated ? [...path, "records"] : path,
        message: `${stated ? "" : "by default "}records: pre-dial, but nothing listens for what ${value.upstream} announces: every request of ${JSON.stringify(value.name)} to /records would be refused`,
        also: { path: upstream.path, message: "no callbacks here" },
        help: "add callbacks with bind and allow_from, and point OCS's validation-uri at it; on an OCS of the tenant's own, dedicated needs none",
      };
    });

const registeredHasRegistrar: Rule = (facts) =>
  tenantsWith(facts, "registered")
    .filter(
      ({ value: tenant }) =>
        !registrarsIn(facts).some(
          ({ upstream, value }) => upstream === tenant.upstream && value.tenants.includes(tenant.name),
        ),
    )
    .map(({ path, value }): Finding => ({
      code: "OCSGW-6292",
      path: [...path, "records"],
      message: `records: registered, but no registrar of ${value.upstream} may name ${JSON.stringify(value.name)}: every request of it to /records would be refused`,
      help: `add it to the tenants of a client under upstreams.${value.upstream}.callbacks.registrars`,
    }));

const registrarsNameTenants: Rule = (facts) =>
  registrarsIn(facts).flatMap(({ path, value, upstream }) =>
    value.tenants.flatMap((tenant, at): Finding | [] => {
      const known = facts.tenants
        .filter(({ value: each }) => each.upstream === upstream)
        .map(({ value: each }) => each.name);
      const help = suggest(tenant, known);
      return known.includes(tenant) || !facts.tenantsWhole
        ? []
        : {
            code: "OCSGW-6293",
            path: [...path, "tenants", at],
            message: `${upstream} has no tenant ${JSON.stringify(tenant)}`,
            ...(help !== undefined && { help }),
          };
    }),
  );

/** Whoever says whose a record is must gain nothing by saying it wrongly. */
const registrarIsNoClient: Rule = (facts) =>
  registrarsIn(facts).flatMap(({ path, value: { client } }): Finding | [] => {
    const tenant = facts.tenants.find(({ value }) => Object.hasOwn(value.clients, client));
    return tenant === undefined
      ? []
      : {
          code: "OCSGW-6294",
          path: [...path, "client"],
          message: `${client} would name the tenants of handles, and is itself a client of ${JSON.stringify(tenant.value.name)}`,
          also: { path: [...tenant.path, "clients", client], message: "here" },
          help: "give the registrar a client name and a key of its own",
        };
  });

const registrarOnce: Rule = (facts) =>
  callbacksIn(facts).flatMap(({ path, value }) =>
    value.registrars.flatMap(({ client }, at): Finding | [] => {
      const first = value.registrars.findIndex((other) => other.client === client);
      return first === at
        ? []
        : {
            code: "OCSGW-6295",
            path: [...path, "registrars", at, "client"],
            message: `the registrar ${client} stands twice`,
            also: { path: [...path, "registrars", first, "client"], message: "first here" },
          };
    }),
  );

const notEveryoneAnnounces: Rule = (facts) =>
  callbacksIn(facts).flatMap(({ path, value: { allow_from, tls } }) =>
    allow_from.flatMap((network, at): Finding | [] => {
      const demands = tls !== "none" && tls.client_ca !== null;
      return !network.endsWith("/0") || demands
        ? []
        : {
            code: "OCSGW-6296",
            path: [...path, "allow_from", at],
            message: "everyone may announce records: whoever does decides whose they are",
            help: "name the OCS hosts, or demand a client certificate with tls.client_ca",
          };
    }),
  );

const keysInClear: Rule = (facts) =>
  callbacksIn(facts).flatMap(({ path, value: { bind, tls, registrars } }): Finding | [] =>
    tls !== "none" || isLoopback(bind.host) || registrars.length === 0
      ? []
      : {
          code: "OCSGW-6322",
          severity: "warning",
          path: [...path, "registrars"],
          message: "registrars show their keys without TLS: whoever reads one can name the tenants of handles",
          help: "give callbacks.tls a certificate and a key",
        },
  );

const validatorInClear: Rule = (facts) =>
  callbacksIn(facts).flatMap(({ path, value: { validator } }): Finding | [] =>
    validator === null || validator.startsWith("https:") || isLoopback(new URL(validator).hostname)
      ? []
      : {
          code: "OCSGW-6323",
          severity: "warning",
          path: [...path, "validator"],
          message: "records go to the validator over http: names and numbers cross the network readable",
          help: "use https",
        },
  );

export const recordsRules: readonly Rule[] = [
  preDialHearsOcs,
  registeredHasRegistrar,
  registrarsNameTenants,
  registrarIsNoClient,
  registrarOnce,
  notEveryoneAnnounces,
  keysInClear,
  validatorInClear,
];
