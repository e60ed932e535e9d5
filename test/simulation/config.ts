/**
 * The gateway's config in the simulation: one OCS pair that three tenants share. A reload changes what an operator
 * changes.
 */
import { reqValuesOf } from "../ocs/manual.ts";
import { settingsSchema, type Settings } from "../../src/settings/schema/schema.ts";
import type { Reading } from "../../src/app/config/reading.ts";

export const UPSTREAM = "ocs";
export const PRIMARY = "10.0.0.1:8080";
export const BACKUP = "10.0.0.2:8080";
export const REGISTRAR = { client: "registrar", address: "10.1.0.9" };
export const DIRECTORY = "/sim/audit";

export type SimTenant = {
  readonly dbid: number;
  readonly name: string;
  readonly campaign: string;
  readonly list: string;
  readonly group: number;
  readonly records: "pre-dial" | "registered" | "elsewhere";
};

export const TENANTS: readonly SimTenant[] = [
  { dbid: 101, name: "Alpha Tenant", campaign: "Alpha Campaign", list: "Alpha List", group: 106, records: "pre-dial" },
  { dbid: 102, name: "Beta Tenant", campaign: "Beta Campaign", list: "Beta List", group: 208, records: "pre-dial" },
  {
    dbid: 103,
    name: "Gamma Tenant",
    campaign: "Gamma Campaign",
    list: "Gamma List",
    group: 310,
    records: "registered",
  },
  // OCS serves a tenant that the gateway does not know.
  { dbid: 999, name: "Omega Tenant", campaign: "Omega Campaign", list: "Omega List", group: 999, records: "elsewhere" },
];
const SERVED = TENANTS.filter(({ records }) => records !== "elsewhere");

export type SimClient = { readonly name: string; /** DBIDs. */ readonly tenants: readonly number[] };

export const CLIENTS: readonly SimClient[] = [
  { name: "alpha", tenants: [101] },
  { name: "beta", tenants: [102] },
  { name: "gamma", tenants: [103] },
  { name: "cluster", tenants: [101, 102] },
];

/** What the agents ask for: everything about a record but a new one. */
const ACTIONS = reqValuesOf("records").filter((action) => action !== "AddRecord");

/** What a reload may change. */
export type Variant = {
  readonly connections: number;
  /** Alpha and Beta have each other's names. */
  readonly isSwapped: boolean;
  /** Leads to a new switchboard at the same OCS. */
  readonly connectTimeout: number;
  readonly validator: boolean;
  readonly window: number;
  /** How long a downtime restored handles outlive; the product trusts none without it. */
  readonly grace: string;
};

export const FIRST_VARIANT: Variant = {
  connections: 3,
  isSwapped: false,
  connectTimeout: 2000,
  validator: false,
  window: 64,
  grace: "0s",
};

const nameOf = ({ dbid, name }: SimTenant, { isSwapped }: Variant): string =>
  isSwapped && dbid === 101 ? TENANTS[1]!.name : isSwapped && dbid === 102 ? TENANTS[0]!.name : name;

const settingsOf = (variant: Variant): Settings =>
  settingsSchema.parse({
    listeners: [{ name: "clients", bind: "10.9.0.1:8443", tls: "none" }],
    identity: {
      mtls: [...CLIENTS.map(({ name }) => name), REGISTRAR.client].map((client) => ({
        name: client,
        san_dns: `${client}.sim`,
        client,
      })),
    },
    upstreams: {
      [UPSTREAM]: {
        primary: `http://${PRIMARY}`,
        backup: `http://${BACKUP}`,
        connections: variant.connections,
        restart_grace: variant.grace,
        handle_window: variant.window,
        timeouts: { connect: `${variant.connectTimeout}ms`, answer: "3s" },
        queue: { max: 50, max_wait: "5s" },
        callbacks: {
          bind: "10.9.0.1:8444",
          allow_from: ["10.0.0.0/24"],
          ...(variant.validator && { validator: "http://10.2.0.1:9000/" }),
          validator_timeout: "2s",
          registrars: [{ client: REGISTRAR.client, tenants: [TENANTS[2]!.name], allow_from: ["10.1.0.0/24"] }],
        },
      },
    },
    tenants: SERVED.map((tenant) => ({
      name: nameOf(tenant, variant),
      dbid: tenant.dbid,
      upstream: UPSTREAM,
      records: tenant.records,
      campaigns: [tenant.campaign],
      lists: [tenant.list],
      campaign_groups: [{ dbid: tenant.group, name: `${tenant.campaign}@Agents` }],
      clients: Object.fromEntries(
        CLIENTS.filter(({ tenants }) => tenants.includes(tenant.dbid)).map(({ name }) => [name, { actions: ACTIONS }]),
      ),
    })),
    audit: {
      dir: DIRECTORY,
      index_key: "an index key for tests only, of 32 and more",
      disk_timeout: "2s",
      checkpoint: { key: "/sim/checkpoint.pem", origin: "simulation.test/journal" },
    },
  }) as Settings;

const readings = new Map<string, Reading>();

/** Without listeners: the simulated clients call the handler. */
export const readingOf = (variant: Variant): Reading => {
  const hash = JSON.stringify(variant);
  const known = readings.get(hash);
  if (known) return known;
  const reading: Reading = { settings: { ...settingsOf(variant), listeners: [] }, hash, files: new Map() };
  readings.set(hash, reading);
  return reading;
};
