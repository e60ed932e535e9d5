/** Rules about the owners of record handles: callbacks for `pre-dial`, registrars for `registered`. */
import { neighbours } from "./compare.ts";
import { callbacksIn, mayMiss, type At, type ParsedParts, type TenantAt } from "./parsed-parts.ts";
import { suggest } from "../problems/did-you-mean.ts";
import { withHelp, type Finding } from "../problems/problem.ts";
import type { Rule } from "./parsed-parts.ts";
import type { CallbacksSettings } from "../schema/schema.ts";
import { isLoopback } from "../schema/units.ts";

const ADD_CALLBACKS =
  "add callbacks with bind and allow_from to the upstream, and set OCS's validation-uri to that address; if the " +
  "tenant has an OCS of its own, records: dedicated needs no callbacks";

const noCallbacks = (tenant: string, upstream: string): string =>
  `but the upstream ${upstream} has no callbacks listener for OCS's announcements: every request of ` +
  `${JSON.stringify(tenant)} to /records would get 410 OCSGW-2106`;

const PROBLEMS = {
  noCallbacks: (tenant: string, upstream: string) => ({
    code: "OCSGW-6291",
    message: `records is pre-dial, ${noCallbacks(tenant, upstream)}`,
    help: ADD_CALLBACKS,
  }),
  noCallbacksByDefault: (tenant: string, upstream: string) => ({
    code: "OCSGW-6321",
    severity: "warning" as const,
    message: `records is pre-dial by default, ${noCallbacks(tenant, upstream)}`,
    help: ADD_CALLBACKS,
  }),
  noRegistrar: (tenant: string, upstream: string, hasCallbacks: boolean) => ({
    code: "OCSGW-6292",
    message:
      `records is registered, but no registrar of ${upstream} is allowed to name ${JSON.stringify(tenant)}: every ` +
      "request of this tenant to /records would get 410 OCSGW-2106",
    help: hasCallbacks
      ? `add a registrar under upstreams.${upstream}.callbacks.registrars, or add the tenant to one that is there`
      : `add callbacks to the upstream, with bind, allow_from and registrars: [{ client: NAME, tenants: ` +
        `[${JSON.stringify(tenant)}] }]`,
  }),
  unknownTenant: (tenant: string, upstream: string) => ({
    code: "OCSGW-6293",
    message:
      `no tenant of the upstream ${upstream} has the name ${JSON.stringify(tenant)} (only names are accepted here, ` +
      "no DBIDs)",
  }),
  registrarIsClient: (client: string, tenant: string) => ({
    code: "OCSGW-6294",
    message:
      `${client} is a client of ${JSON.stringify(tenant)}, so as a registrar it could assign the records of others ` +
      "to its own tenant",
    help: "give the registrar a client name and a key of its own",
  }),
  duplicateRegistrar: (client: string) => ({
    code: "OCSGW-6295",
    message: `the registrar ${client} is listed twice`,
    help: "merge the two entries: one entry may list several tenants",
  }),
  everyoneAnnounces: {
    code: "OCSGW-6296",
    message: "any host could announce records, and so decide which tenant owns them",
    help: "list only the OCS hosts, or require a client certificate with tls.client_ca",
  },
  plainRegistrar: {
    code: "OCSGW-6322",
    severity: "warning" as const,
    message: "registrars send their keys without TLS: whoever reads a key can assign records to tenants",
    help: "set callbacks.tls with a certificate and a key",
  },
  plainValidator: {
    code: "OCSGW-6323",
    severity: "warning" as const,
    message: "records are sent to the validator over http: others on the network could read names and phone numbers",
    help: "use https, or run the validator on this machine",
  },
} as const;

type Registrar = At<CallbacksSettings["registrars"][number]> & { readonly upstream: string };

const registrarsIn = (parts: ParsedParts): readonly Registrar[] =>
  callbacksIn(parts).flatMap(({ path, value, upstream }) =>
    value.registrars.map((registrar, at) => ({ path: [...path, "registrars", at], value: registrar, upstream })),
  );

/** The tenants with this `records`, except those whose upstream is malformed. */
const tenantsWith = (parts: ParsedParts, records: string): readonly TenantAt[] =>
  parts.tenants.filter(
    (tenant) =>
      tenant.value.records === records &&
      !mayMiss(tenant, "records") &&
      parts.upstreams.some(({ name }) => name === tenant.value.upstream),
  );

const preDialHasCallbacks: Rule = (parts) => {
  const alone = new Set(neighbours(parts).flatMap(({ tenant, other }) => (other ? [] : [tenant])));
  const isStated = ({ path }: TenantAt): boolean => parts.states([...path, "records"]);
  return (
    tenantsWith(parts, "pre-dial")
      // Where tenants share an OCS there is no default: another rule says that `records` is required.
      .filter((tenant) => isStated(tenant) || alone.has(tenant))
      .filter(({ value }) => !callbacksIn(parts).some(({ upstream }) => upstream === value.upstream))
      .map((tenant): Finding => {
        const { path, value } = tenant;
        const upstream = parts.upstreams.find(({ name }) => name === value.upstream)!;
        const problem = isStated(tenant) ? PROBLEMS.noCallbacks : PROBLEMS.noCallbacksByDefault;
        return {
          ...problem(value.name, value.upstream),
          path: isStated(tenant) ? [...path, "records"] : path,
          also: { path: upstream.path, message: "no callbacks here" },
        };
      })
  );
};

const registeredHasRegistrar: Rule = (parts) =>
  tenantsWith(parts, "registered")
    .filter(
      ({ value: tenant }) =>
        !registrarsIn(parts).some(
          ({ upstream, value }) => upstream === tenant.upstream && value.tenants.includes(tenant.name),
        ),
    )
    .map(({ path, value }): Finding => ({
      ...PROBLEMS.noRegistrar(
        value.name,
        value.upstream,
        callbacksIn(parts).some(({ upstream }) => upstream === value.upstream),
      ),
      path: [...path, "records"],
    }));

const registrarsNameTenants: Rule = (parts) =>
  registrarsIn(parts).flatMap(({ path, value, upstream }) =>
    value.tenants.flatMap((tenant, at): Finding | [] => {
      const known = parts.tenants
        .filter(({ value: each }) => each.upstream === upstream)
        .map(({ value: each }) => each.name);
      return known.includes(tenant) || !parts.tenantsWhole
        ? []
        : {
            ...withHelp(
              PROBLEMS.unknownTenant(tenant, upstream),
              suggest(tenant, known) ?? "correct the name, or set this upstream at the tenant",
            ),
            path: [...path, "tenants", at],
          };
    }),
  );

/** A registrar must not be a tenant's client, so that it cannot benefit from a wrong registration. */
const registrarIsNotClient: Rule = (parts) =>
  registrarsIn(parts).flatMap(({ path, value: { client } }): Finding | [] => {
    const tenant = parts.tenants.find(({ value }) => Object.hasOwn(value.clients, client));
    return tenant === undefined
      ? []
      : {
          ...PROBLEMS.registrarIsClient(client, tenant.value.name),
          path: [...path, "client"],
          also: { path: [...tenant.path, "clients", client], message: "the client" },
        };
  });

const registrarOnce: Rule = (parts) =>
  callbacksIn(parts).flatMap(({ path, value }) =>
    value.registrars.flatMap(({ client }, at): Finding | [] => {
      const first = value.registrars.findIndex((other) => other.client === client);
      return first === at
        ? []
        : {
            ...PROBLEMS.duplicateRegistrar(client),
            path: [...path, "registrars", at, "client"],
            also: { path: [...path, "registrars", first, "client"], message: "first listed here" },
          };
    }),
  );

const announcersAreListed: Rule = (parts) =>
  callbacksIn(parts).flatMap(({ path, value: { allow_from, tls } }) =>
    allow_from.flatMap((network, at): Finding | [] => {
      const requiresCertificate = tls !== "none" && tls.client_ca !== null;
      return !network.endsWith("/0") || requiresCertificate
        ? []
        : { ...PROBLEMS.everyoneAnnounces, path: [...path, "allow_from", at] };
    }),
  );

const registrarOverTls: Rule = (parts) =>
  callbacksIn(parts).flatMap(({ path, value: { bind, tls, registrars } }): Finding | [] =>
    tls !== "none" || isLoopback(bind.host) || registrars.length === 0
      ? []
      : { ...PROBLEMS.plainRegistrar, path: [...path, "registrars"] },
  );

const validatorOverTls: Rule = (parts) =>
  callbacksIn(parts).flatMap(({ path, value: { validator } }): Finding | [] =>
    validator === null || validator.startsWith("https:") || isLoopback(new URL(validator).hostname)
      ? []
      : { ...PROBLEMS.plainValidator, path: [...path, "validator"] },
  );

export const recordsRules: readonly Rule[] = [
  preDialHasCallbacks,
  registeredHasRegistrar,
  registrarsNameTenants,
  registrarIsNotClient,
  registrarOnce,
  announcersAreListed,
  registrarOverTls,
  validatorOverTls,
];
