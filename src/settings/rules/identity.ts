/** Rules about which clients an issuer, a CA or a certificate rule may authenticate. */
import { withHelp, type Finding, type Path } from "../problems/problem.ts";
import { suggest } from "../problems/did-you-mean.ts";
import type { Rule } from "./parsed-parts.ts";
import { callbacksIn, clientsAt, type ParsedParts } from "./parsed-parts.ts";

const PROBLEMS = {
  unknownTenant: (tenant: string) => ({
    code: "OCSGW-6245",
    message: `unknown tenant ${JSON.stringify(tenant)}`,
  }),
  issuerOfAllTenants: (name: string) => ({
    code: "OCSGW-6306",
    severity: "warning" as const,
    message: `the issuer ${name} can issue tokens for the clients of every tenant, also for those of other issuers`,
    help: "list in tenants the tenants that this issuer is responsible for",
  }),
  unknownClient: (client: string) => ({
    code: "OCSGW-6307",
    severity: "warning" as const,
    message: `neither a tenant nor a registrar has a client ${client}, so this certificate gives no access`,
  }),
  noCertificatesRequested: {
    code: "OCSGW-6309",
    severity: "warning" as const,
    message: "identity.mtls has no effect: no listener requests client certificates",
    help:
      "set tls.client_ca on a listener, where client_certificates must not be none; or, for registrars, on " +
      "callbacks, where OCS must then send a client certificate too; or remove identity.mtls",
  },
  crlWithoutCa: {
    code: "OCSGW-6246",
    message: "client_crl has no effect: client_ca is missing, so no client certificate is requested",
    help: "set client_ca, or remove client_crl",
  },
  badPattern: (found: string) => ({
    code: "OCSGW-6247",
    message:
      "expected a DNS name of letters, digits and hyphens, where * is all or a part of any label but the last, found " +
      JSON.stringify(found),
    help: 'for example "ors-*.example.internal"',
  }),
} as const;

type CredentialSource = { readonly path: Path; readonly tenants: readonly string[] | null };

const credentialSourcesOf = ({ identity }: ParsedParts): readonly CredentialSource[] =>
  (["jwt", "mtls"] as const).flatMap((kind) =>
    (identity?.value[kind] ?? []).map(({ tenants }, at) => ({ path: ["identity", kind, at], tenants })),
  );

const listedTenantsExist: Rule = (parts) => {
  const known = parts.tenants.flatMap(({ value }) => [value.name, String(value.dbid)]);
  return credentialSourcesOf(parts).flatMap(({ path, tenants }) =>
    (tenants ?? []).flatMap((tenant, at): Finding | [] => {
      if (known.includes(tenant) || !parts.tenantsWhole) return [];
      return {
        ...withHelp(PROBLEMS.unknownTenant(tenant), suggest(tenant, known) ?? "name a tenant, or its DBID, of tenants"),
        path: [...path, "tenants", at],
      };
    }),
  );
};

/** With several issuers and tenants, an issuer without `tenants` could issue tokens for any tenant's clients. */
const issuersKnowTheirTenants: Rule = ({ identity, tenants }) => {
  const issuers = identity?.value.jwt ?? [];
  if (issuers.length < 2 || tenants.length < 2) return [];
  return issuers.flatMap(({ name, tenants: listed }, at): Finding | [] =>
    listed !== null ? [] : { ...PROBLEMS.issuerOfAllTenants(name), path: ["identity", "jwt", at] },
  );
};

const certificateOfClient: Rule = (parts) => {
  const { identity, tenantsWhole } = parts;
  const clients = clientsAt(parts);
  return (identity?.value.mtls ?? []).flatMap(({ client }, at): Finding | [] => {
    if (clients.has(client) || !tenantsWhole) return [];
    return {
      ...withHelp(
        PROBLEMS.unknownClient(client),
        suggest(client, [...clients]) ?? "correct the name, or add the client under clients of a tenant",
      ),
      path: ["identity", "mtls", at, "client"],
    };
  });
};

const certificatesAreRequested: Rule = (parts) => {
  const { identity, listeners, whole } = parts;
  const areRequested =
    listeners.some(
      ({ value: { tls } }) => tls !== "none" && tls.client_ca !== null && tls.client_certificates !== "none",
    ) || callbacksIn(parts).some(({ value: { tls } }) => tls !== "none" && tls.client_ca !== null);
  if (areRequested || !whole || (identity?.value.mtls ?? []).length === 0) return [];
  return [{ ...PROBLEMS.noCertificatesRequested, path: ["identity", "mtls"], atKey: true }];
};

const revocationNeedsAuthority: Rule = (parts) =>
  [...parts.listeners, ...callbacksIn(parts)].flatMap(({ path, value: { tls } }): Finding | [] =>
    tls === "none" || tls.client_crl === null || tls.client_ca !== null
      ? []
      : { ...PROBLEMS.crlWithoutCa, path: [...path, "tls", "client_crl"] },
  );

/** `*` may replace a part of a label, but not in the last label, where it would match whole domains. */
const patternsAreNarrow: Rule = ({ identity }) =>
  (identity?.value.mtls ?? []).flatMap(({ san_dns: name }, at): Finding | [] => {
    const isName = /^[a-z0-9*-]+(\.[a-z0-9*-]+)*$/i.test(name);
    if (isName && /[a-z0-9]/i.test(name.split(".").at(-1)!) && !name.split(".").at(-1)!.includes("*")) return [];
    return { ...PROBLEMS.badPattern(name), path: ["identity", "mtls", at, "san_dns"] };
  });

export const identityRules: readonly Rule[] = [
  listedTenantsExist,
  issuersKnowTheirTenants,
  certificateOfClient,
  certificatesAreRequested,
  revocationNeedsAuthority,
  patternsAreNarrow,
];
