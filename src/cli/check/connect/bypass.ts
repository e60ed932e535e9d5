/**
 * Tests whether the address that OCS gives to strategies (GSW_RECORD_URI) leads to the gateway or bypasses it.
 * Strategies use its scheme, host and port unchanged.
 */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Row } from "./row.ts";

type Place = { readonly host: string; readonly port: number; readonly addresses: readonly string[] };

const TEXTS = {
  expected: (found: string) =>
    `--record-uri: expected an address, for example http://10.20.0.11:8080/records/15, found ${JSON.stringify(found)}`,
  isOcs: (at: string) => [
    `${at} is OCS itself, not this gateway.`,
    "Strategies that use the address in GSW_RECORD_URI will bypass the gateway. Solutions, most robust first:",
    "  1. give the gateway the address that OCS announces: move OCS's HTTP port, and use its old name and port here",
    "  2. give OCS's host object a name or address that leads to the gateway",
    "  3. set the base address in each strategy",
    "Then block direct access to OCS in the firewall",
  ],
  isGateway: (at: string) => `${at} leads to this gateway`,
  unresolved: (host: string) =>
    `${host} cannot be resolved on this machine; run the command where the strategies run, or look up the host there`,
  unknown: (at: string) =>
    `${at} is neither an OCS of this config nor a listener of this gateway; send a request there, and look for ` +
    "Ocsgw-Request-Id in the reply: only the gateway sends it",
} as const;

/** `recordUri`: a GSW_RECORD_URI that a strategy received. */
export const bypassRow = async (recordUri: string, { listeners, upstreams }: Settings): Promise<Row> => {
  if (!URL.canParse(recordUri))
    return {
      name: "bypass",
      state: "fail",
      says: [TEXTS.expected(recordUri)],
    };
  const given = await placeOf(recordUri);
  const ocs = await Promise.all(
    Object.values(upstreams)
      .flatMap(({ primary, backup }) => [primary, ...(backup === null ? [] : [backup])])
      .map(placeOf),
  );
  const at = `${given.host}:${given.port}`;
  const own = listeners.some(
    ({ bind, names }) =>
      names.includes(`${given.host}:*`) ||
      (bind.port === given.port &&
        (isOurs(given, bind.host) || names.some((name) => name.split(":")[0] === given.host))),
  );
  const theirs = ocs.find((place) => sharesAddress(place, given));
  // OCS and the gateway may be on one machine: then the port decides.
  if (theirs && (theirs.port === given.port || !own)) return { name: "bypass", state: "warn", says: TEXTS.isOcs(at) };
  if (own) return { name: "bypass", state: "ok", says: [TEXTS.isGateway(at)] };
  if (given.addresses.length === 0) return { name: "bypass", state: "warn", says: [TEXTS.unresolved(given.host)] };
  return {
    name: "bypass",
    state: "note",
    says: [TEXTS.unknown(at)],
  };
};

const placeOf = async (address: string): Promise<Place> => {
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const addresses = await lookup(host, { all: true }).then(
    (found) => found.map((each) => each.address),
    () => [],
  );
  return { host, port: Number(port || (protocol === "https:" ? 443 : 80)), addresses };
};

const sharesAddress = (one: Place, other: Place): boolean =>
  one.host === other.host || one.addresses.some((address) => other.addresses.includes(address));

const isOurs = ({ addresses }: Place, bound: string): boolean => {
  const machine = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => address);
  const any = bound === "0.0.0.0" || bound === "::";
  return addresses.some((address) => address === bound || (any && machine.includes(address)));
};
